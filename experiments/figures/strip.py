"""Truth and imagination one below the other, at chosen steps."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

_COLUMNS = 10


def write(
  path: Path, truth: np.ndarray, imagination: np.ndarray, context: int
) -> None:
  """Writes a strip: two rows an episode, ten steps from the first to the last.

  Args:
    path: Of the PNG.
    truth: uint8 `[B, T, H, W, C]`.
    imagination: `[B, K, H, W, C]` in [0, 1], the steps after `context`.
    context: Steps observed.
  """
  rows = [
    row
    for real, imagined in zip(truth, imagination, strict=True)
    for row in (('truth', real[context:]), ('imagined', imagined))
  ]
  write_rows(path, rows)


def write_rows(path: Path, rows: Sequence[tuple[str, np.ndarray]]) -> None:
  """Writes rows of frames, ten steps from the first to the last.

  Args:
    path: Of the PNG.
    rows: Label and frames `[K, H, W, C]` of each, uint8 or in [0, 1].
  """
  horizon = len(rows[0][1])
  steps = np.linspace(1, horizon, min(_COLUMNS, horizon)).round().astype(int)
  figure, axes = plt.subplots(
    len(rows),
    len(steps),
    figsize=(len(steps), len(rows) + 0.3),
    squeeze=False,
    gridspec_kw={'wspace': 0.03, 'hspace': 0.03},
  )
  for row, (label, frames) in enumerate(rows):
    axes[row, 0].set_ylabel(label)
    for column, step in enumerate(steps):
      one, frame = axes[row, column], frames[step - 1]
      one.imshow(
        frame if frame.dtype == np.uint8 else np.clip(frame, 0, 1),
        interpolation='nearest',
      )
      one.set(xticks=[], yticks=[])
      if row == 0:
        one.set_title(f't = {step}' if column == 0 else f'{step}', fontsize=10)
  figure.savefig(path, dpi=128, bbox_inches='tight')
  plt.close(figure)
