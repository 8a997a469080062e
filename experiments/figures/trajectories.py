"""States of episodes, true and imagined, for those who judge a model.

It draws for states what `frames` does for frames.
"""

from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from experiments.judging import Frames  # noqa: E402


def evaluation(folder: Path, frames: Frames, context: int) -> None:
  """Writes `states.png`.

  Args:
    folder: Where to.
    frames: Of a few episodes, states `[B, T or K, S]`.
    context: Steps observed.
  """
  _draw(folder / 'states.png', frames, context)


def episodes(folder: Path, frames: Frames) -> None:
  """Writes `episodes.png`, what a policy met beside what is imagined of it.

  Args:
    folder: Where to.
    frames: Of a few episodes, which are observed for one step.
  """
  _draw(folder / 'episodes.png', frames, 1)


def _draw(path: Path, frames: Frames, context: int) -> None:
  """Draws an episode in each column and a number of the state in each row."""
  count, length, size = frames.truth.shape
  figure, axes = plt.subplots(
    size,
    count,
    figsize=(3 * count, 1.3 * size),
    layout='constrained',
    sharex=True,
    sharey='row',
    squeeze=False,
  )
  seen = np.asarray(frames.reconstruction)[:, :context]
  model = np.concatenate([seen, frames.imagination], axis=1)
  for row, column in np.ndindex(size, count):
    one = axes[row, column]
    one.axvspan(0, context - 1, color='0.9', lw=0)
    one.plot(frames.truth[column, :, row], color='0.45', label='truth')
    one.plot(model[column, :, row], color='C0', label='model')
    one.spines[['top', 'right']].set_visible(False)
    one.set(xlim=(0, length - 1))
    if column == 0:
      one.set_ylabel(f'state {row}')
  for one in axes[-1]:
    one.set_xlabel('step; grey: observed' if context > 1 else 'step')
  figure.legend(*axes[0, 0].get_legend_handles_labels(), frameon=False,
                loc='outside upper right', ncols=2)  # fmt: skip
  figure.savefig(path, dpi=128)
  plt.close(figure)
