"""The figures of the face-off; a model has one colour in all of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

COLORS = {
  's4wm': '#0072B2',
  's5wm': '#009E73',
  's4dwm': '#56B4E9',
  'tssm_xl': '#D55E00',
  'tssm_xl_wide': '#8F3E00',
  'tssm_full': '#E69F00',
  'rssm_tbtt': '#CC79A7',
  'rssm_tbtt_wide': '#8E4470',
  'oracle': '#444444',
}
"""By model, after Okabe and Ito, for all kinds of colour vision."""

Line = tuple[np.ndarray, np.ndarray]
"""x `[K]` and y by seed `[seeds, K]`."""


def curves(
  path: Path,
  lines: Mapping[str, Line],
  titles: Mapping[str, str],
  baseline: Line | None,
  xlabel: str,
  log: bool = False,
) -> None:
  """Writes errors of models as lines, with the range over seeds.

  Args:
    path: of the PNG.
    lines: by model.
    titles: of models.
    baseline: the mean frame, or None.
    xlabel: what x is.
    log: whether x is drawn so.
  """
  figure, axes = plt.subplots(figsize=(6.4, 3.6), layout='constrained')
  if baseline is not None:
    axes.plot(baseline[0], baseline[1].mean(0), color='0.6', lw=1, ls='--',
              label='mean frame of the context')  # fmt: skip
  for model, (x, y) in lines.items():
    color = COLORS[model]
    axes.plot(x, y.mean(0), color=color, lw=1.6, label=titles[model],
              marker='o' if log else None, ms=4)  # fmt: skip
    axes.fill_between(x, y.min(0), y.max(0), color=color, alpha=0.2, lw=0)
  axes.set(xlabel=xlabel, ylabel='squared error per frame', ylim=(0, None))
  if log:
    axes.set_xscale('log', base=2)
    axes.xaxis.set_major_formatter('{x:g}')
  else:
    axes.margins(x=0)
  axes.spines[['top', 'right']].set_visible(False)
  figure.legend(*axes.get_legend_handles_labels(), frameon=False,
                loc='outside right upper', fontsize=9)  # fmt: skip
  _save(figure, path)


def reliability(
  path: Path, points: Mapping[str, Line], titles: Mapping[str, str]
) -> None:
  """Writes how often what models foretell comes, against its probability.

  Args:
    path: of the PNG.
    points: by model, probability and frequency `[K]`.
    titles: of models.
  """
  figure, axes = plt.subplots(figsize=(4.8, 3.4), layout='constrained')
  axes.plot([0, 1], [0, 1], color='0.6', lw=1, ls='--', label='calibrated')
  for model, (probability, frequency) in points.items():
    axes.plot(probability, frequency, color=COLORS[model], marker='o', ms=4,
              lw=1.2, label=titles[model])  # fmt: skip
  axes.set(xlabel='predicted probability of a reward', ylabel='frequency',
           xlim=(0, 1), ylim=(0, 1))  # fmt: skip
  axes.spines[['top', 'right']].set_visible(False)
  figure.legend(*axes.get_legend_handles_labels(), frameon=False,
                loc='outside right upper', fontsize=9)  # fmt: skip
  _save(figure, path)


def frames(
  path: Path,
  rows: Sequence[tuple[str, np.ndarray]],
  steps: Sequence[int],
) -> None:
  """Writes truth and imagination of models, a row each, at chosen steps.

  Args:
    path: of the PNG.
    rows: title and frames uint8 `[N, H, W, C]`.
    steps: imagined steps of the columns, `[N]`.
  """
  columns = len(steps)
  width, height = 0.85 * columns + 1.3, 0.85 * len(rows) + 0.35
  figure, axes = plt.subplots(
    len(rows), columns, figsize=(width, height), squeeze=False,
    gridspec_kw={
      'wspace': 0.04, 'hspace': 0.04, 'left': 1.25 / width, 'right': 0.995,
      'bottom': 0.01, 'top': 1 - 0.3 / height,
    },
  )  # fmt: skip
  for row, (title, shown) in enumerate(rows):
    axes[row, 0].set_ylabel(title, rotation=0, ha='right', va='center',
                            labelpad=6, fontsize=10)  # fmt: skip
    for column, step in enumerate(steps):
      one = axes[row, column]
      one.imshow(shown[column], interpolation='nearest')
      one.set(xticks=[], yticks=[])
      one.spines[:].set_visible(False)
      if row == 0:
        one.set_title(f't = {step}', fontsize=9, pad=3)
  _save(figure, path)


def bars(
  path: Path,
  panels: Sequence[tuple[str, Mapping[str, tuple[float, float]]]],
  titles: Mapping[str, str],
  marks: Sequence[Mapping[str, float]],
  unit: str,
  ylim: tuple[float, float] | None = None,
) -> None:
  """Writes panels of bars, a bar a model, with standard errors.

  Args:
    path: of the PNG.
    panels: title, and mean and standard error by model.
    titles: of models.
    marks: for each panel, horizontal lines by name.
    unit: of all numbers.
    ylim: what all panels reach from and to; by default what each needs.
  """
  most = max(len(found) for _, found in panels)
  width = max(2.7, 0.52 * most) * len(panels) + 0.4
  figure, axes = plt.subplots(
    1, len(panels), figsize=(width, 3.1), squeeze=False, layout='constrained'
  )
  for one, (title, found), lines in zip(axes[0], panels, marks, strict=True):
    for place, (model, (mean, error)) in enumerate(found.items()):
      one.bar(place, mean, 0.72, yerr=error or None, color=COLORS[model],
              error_kw={'lw': 1, 'capsize': 3})  # fmt: skip
      number = f'{mean:,.0f}' if mean >= 1000 else f'{mean:.3g}'
      one.annotate(number, (place, mean + error), ha='center',
                   xytext=(0, 2), textcoords='offset points',
                   fontsize=8)  # fmt: skip
    one.set_xticks(range(len(found)), [titles[m] for m in found],
                   rotation=35, ha='right', fontsize=8)  # fmt: skip
    _mark(one, lines)
    one.set_title(title, fontsize=10)
    one.set_ylim(ylim)
    one.spines[['top', 'right']].set_visible(False)
  axes[0, 0].set_ylabel(unit)
  _save(figure, path)


def _mark(axes: Axes, lines: Mapping[str, float]) -> None:
  for name, value in lines.items():
    axes.axhline(value, color='0.35', lw=0.9, ls='--', zorder=3)
    axes.annotate(name, (1.01, value), xycoords=axes.get_yaxis_transform(),
                  va='center', fontsize=8, color='0.2')  # fmt: skip


def _save(figure: Figure, path: Path) -> None:
  figure.savefig(path, dpi=150, metadata={'Software': None})
  plt.close(figure)
