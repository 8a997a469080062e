"""Frames of episodes, true and imagined, for those who judge a model."""

from pathlib import Path

import numpy as np

from experiments.figures import strip, video
from experiments.judging import Frames

_COLUMNS = 10
"""Imagined steps of an episode that are kept for figures of several models."""


def evaluation(folder: Path, frames: Frames, context: int) -> None:
  """Writes `strip.png`, `imagination.mp4` and `shown.npz`.

  Args:
    folder: Where to.
    frames: Of a few episodes.
    context: Steps observed.
  """
  strip.write(folder / 'strip.png', frames.truth, frames.imagination, context)
  video.write(folder / 'imagination.mp4', *frames, context)
  horizon = frames.imagination.shape[1]
  steps = np.linspace(1, horizon, _COLUMNS).round().astype(int)
  imagined = np.clip(frames.imagination[0][steps - 1], 0, 1)
  np.savez_compressed(
    folder / 'shown.npz',
    truth=frames.truth[0, context + steps - 1],
    imagination=(imagined * 255).round().astype(np.uint8),
    steps=steps,
  )


def episodes(folder: Path, frames: Frames) -> None:
  """Writes `episodes.mp4`, what a policy met beside what is imagined of it.

  Args:
    folder: Where to.
    frames: Of a few episodes, which are observed for one step.
  """
  column = video.dream(frames.reconstruction, frames.imagination, 'imagined')
  video.write_columns(folder / 'episodes.mp4', frames.truth, [column], 1)
