"""Truth and imagination side by side, at chosen steps."""

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
  episodes, horizon = imagination.shape[:2]
  steps = np.linspace(1, horizon, min(_COLUMNS, horizon)).round().astype(int)
  figure, axes = plt.subplots(
    2 * episodes,
    len(steps),
    figsize=(len(steps), 2 * episodes + 0.3),
    squeeze=False,
    gridspec_kw={'wspace': 0.03, 'hspace': 0.03},
  )
  for row in range(2 * episodes):
    frames = imagination[row // 2] if row % 2 else truth[row // 2, context:]
    axes[row, 0].set_ylabel('imagined' if row % 2 else 'truth')
    for column, step in enumerate(steps):
      one = axes[row, column]
      one.imshow(
        frames[step - 1] if row % 2 == 0 else np.clip(frames[step - 1], 0, 1),
        interpolation='nearest',
      )
      one.set(xticks=[], yticks=[])
      if row == 0:
        one.set_title(f't = {step}' if column == 0 else f'{step}', fontsize=10)
  figure.savefig(path, dpi=128, bbox_inches='tight')
  plt.close(figure)
