"""The generation error step by step, as a table and as a plot."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

_Z95 = 1.96


def write(
  folder: Path, curves: Mapping[str, Mapping[str, Sequence[float]]]
) -> None:
  """Writes `generation_mse_per_step.csv` and `.png`.

  Args:
    folder: Where to.
    curves: `judging.Judgement.curves`.
  """
  model = curves['generation_mse_by_step']
  mean, half = np.array(model['mean']), _Z95 * np.array(model['stderr'])
  columns = {
    'step': model['x'],
    'mean': mean,
    'low': mean - half,
    'high': mean + half,
    'last_frame': curves['baseline_last_frame_mse_by_step']['mean'],
    'mean_frame': curves['baseline_mean_frame_mse_by_step']['mean'],
  }
  with (folder / 'generation_mse_per_step.csv').open('w', newline='') as file:
    rows = csv.writer(file)
    rows.writerow(columns)
    for values in zip(*map(np.asarray, columns.values()), strict=True):
      rows.writerow([f'{v:.6g}' for v in values])

  figure, axes = plt.subplots(figsize=(6, 3.2), layout='constrained')
  step = columns['step']
  axes.plot(step, columns['last_frame'], color='0.7', label='last frame')
  axes.plot(step, columns['mean_frame'], color='0.45', label='mean frame')
  axes.plot(step, mean, color='C0', label='imagination')
  axes.fill_between(
    step, columns['low'], columns['high'], color='C0', alpha=0.25, lw=0
  )
  axes.set(
    xlabel='imagined step',
    ylabel='squared error per frame',
    xlim=(1, len(mean)),
    ylim=(0, None),
  )
  axes.legend(frameon=False)
  axes.spines[['top', 'right']].set_visible(False)
  figure.savefig(folder / 'generation_mse_per_step.png', dpi=150)
  plt.close(figure)
