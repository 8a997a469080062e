"""The speed of everything, as tables in Markdown and on screen, and as a plot.

The plot is that of the paper on speed and memory: time per frame and peak
memory of a training step, and time per imagined step, by sequence length.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import rich.console  # noqa: E402
import rich.markdown  # noqa: E402

from experiments import provenance  # noqa: E402

_LINES = {
  's4wm': ('S4WM', 'C0-'),
  's4dwm': ('S4DWM', 'C1-'),
  's5wm': ('S5WM', 'C2-'),
  'tssm_xl': ('TSSM-XL', 'C3-'),
  'tssm_xl_wide': ('TSSM-XL, more rows', 'C3:'),
  'rssm_tbtt': ('RSSM-TBTT', 'C4-'),
  'rssm_tbtt_wide': ('RSSM-TBTT, more rows', 'C4:'),
}
_HEADINGS = {
  'part': lambda row: row['part'],
  'what': lambda row: row['what'],
  'T': lambda row: f'{row["length"]:,}' if 'length' in row else '',
  'frames/s': lambda row: f'{row["frames_per_second"]:,.0f}',
  'ms': lambda row: f'{1e3 * np.median(row["seconds"]):,.1f}',
  'least to most': lambda row: ' to '.join(
    f'{1e3 * f(row["seconds"]):,.1f}' for f in (min, max)
  ),
  'peak MB': lambda row: (
    f'{row["peak_bytes"] / 1e6:,.0f}' if 'peak_bytes' in row else ''
  ),
  'compile s': lambda row: (
    f'{row["compile_seconds"]:.1f}' if 'compile_seconds' in row else ''
  ),
}


def write(folder: Path, report: Mapping[str, Any]) -> None:
  """Writes `speed.md` and, of models by length, `speed.png`; prints the first.

  Args:
    folder: where to.
    report: as `speed.json` holds it.
  """
  text = tables(report)
  provenance.write_whole(folder / 'speed.md', text)
  rich.console.Console().print(rich.markdown.Markdown(text))
  if any(row['part'] == 'train' for row in report['results']):
    _plot(folder / 'speed.png', report['results'])


def tables(report: Mapping[str, Any]) -> str:
  """Returns the report in Markdown.

  Args:
    report: as `speed.json` holds it.
  """
  ratios = [
    (name, f'{value:.2f}', ' to '.join(f'{x:.2f}' for x in spread))
    for (name, value), spread in zip(
      report['ratios'].items(), report['spread'].values(), strict=True
    )
  ]
  growth = [(name, f'{p:.2f}') for name, p in report['growth'].items()]
  rows = [
    [cell(row) for cell in _HEADINGS.values()] for row in report['results']
  ]
  return '\n'.join([
    f'# Speed on {report["device"]}, {report["date"]}',
    '',
    'Medians. `a_over_b` is the time of a over the time of b, of one run.',
    '',
    *_table(('ratio', 'median', 'least to most'), ratios),
    'Time grows as T to the power of:',
    '',
    *_table(('what', 'power'), growth),
    *_table(_HEADINGS, rows),
  ])  # fmt: skip


def _table(headings, rows):
  lines = [headings, ['---' for _ in headings], *rows]
  return [f'| {" | ".join(line)} |' for line in lines] + ['']


def _plot(path, rows):
  panels = {
    'training, frames/s': ('train', lambda row: row['frames_per_second']),
    'training, peak memory in GB': (
      'train',
      lambda row: row['peak_bytes'] / 1e9,
    ),
    'imagination, steps/s': (
      'imagine',
      lambda row: row['frames_per_second'] / row['rows'],
    ),
  }
  figure, axes = plt.subplots(1, 3, figsize=(12, 3.2), layout='constrained')
  for ax, (title, (part, value)) in zip(axes, panels.items(), strict=True):
    for what, (label, style) in _LINES.items():
      points = [
        (row['length'], value(row))
        for row in rows
        if row['part'] == part and row['what'] == what
      ]
      if points:
        ax.plot(*np.transpose(points), style, marker='o', ms=3, label=label)
    ax.set_xscale('log', base=2)
    ax.set(title=title, xlabel='sequence length')
    ax.xaxis.set_major_formatter('{x:.0f}')
    ax.spines[['top', 'right']].set_visible(False)
  axes[1].set_yscale('log', base=2)
  for ax in axes[::2]:
    ax.set_ylim(0, None)
    ax.yaxis.set_major_formatter('{x:,.0f}')
  axes[1].yaxis.set_major_formatter('{x:g}')
  handles, labels = axes[0].get_legend_handles_labels()
  figure.legend(
    handles, labels, loc='outside right center', frameon=False, fontsize=8
  )
  figure.savefig(path, dpi=150)
  plt.close(figure)
