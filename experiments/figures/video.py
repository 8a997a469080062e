"""A video of truth, model and error; first observed, then imagined."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageDraw

_SIDE = 192
_BAND = 24
_GAP = 4
_FRAMES_PER_SECOND = 12


class Column(NamedTuple):
  """A column of a video.

  Attributes:
    observed: what it is in the context.
    imagined: what it is after it.
    frames: uint8 `[B, T, H, W, C]`.
  """

  observed: str
  imagined: str
  frames: np.ndarray


def write(
  path: Path,
  truth: np.ndarray,
  reconstruction: np.ndarray,
  imagination: np.ndarray,
  context: int,
) -> None:
  """Writes an MP4; a row an episode, columns truth, model and error.

  Args:
    path: Of the video.
    truth: uint8 `[B, T, H, W, C]`.
    reconstruction: `[B, T, H, W, C]` in [0, 1]; the model's column in the
      context.
    imagination: `[B, K, H, W, C]` in [0, 1]; the model's column after it.
    context: Steps observed.
  """
  model = dream(reconstruction[:, :context], imagination, 'imagination')
  error = np.abs(model.frames.astype(np.int16) - truth).astype(np.uint8)
  columns = [model, Column('error', 'error', error)]
  write_columns(path, truth, columns, context)


def dream(
  reconstruction: np.ndarray, imagination: np.ndarray, name: str
) -> Column:
  """Returns a model's column.

  Args:
    reconstruction: `[B, T, H, W, C]` in [0, 1], of the context.
    imagination: `[B, K, H, W, C]` in [0, 1], after it.
    name: What the column is called after the context.
  """
  model = np.concatenate([reconstruction, imagination], axis=1)
  model = np.clip(model * 255, 0, 255).astype(np.uint8)
  return Column('reconstruction', name, model)


def write_columns(
  path: Path, truth: np.ndarray, columns: Sequence[Column], context: int
) -> None:
  """Writes an MP4; a row an episode, the truth beside other columns.

  Args:
    path: Of the video.
    truth: uint8 `[B, T, H, W, C]`.
    columns: What is right of it.
    context: Steps observed.
  """
  frames = [_page(truth, columns, t, context) for t in range(truth.shape[1])]
  with warnings.catch_warnings():
    warnings.filterwarnings('ignore', message=r'os\.fork')  # Runs ffmpeg only.
    iio.imwrite(
      path,
      np.stack(frames),
      fps=_FRAMES_PER_SECOND,
      codec='libx264',
      macro_block_size=2,
    )


def _page(
  truth: np.ndarray, columns: Sequence[Column], t: int, context: int
) -> np.ndarray:
  seen = t < context
  note = f'context {t}' if seen else f'imagined {t - context + 1}'
  name = f'truth ({note})'
  columns = [Column(name, name, truth), *columns]
  pitch, rows = _SIDE + _GAP, len(truth)
  size = (pitch * len(columns) - _GAP, _BAND + pitch * rows - _GAP)
  page = Image.new('RGB', size, 'white')
  draw = ImageDraw.Draw(page)
  for x, (observed, imagined, frames) in enumerate(columns):
    color = 'black' if seen or observed == imagined else 'crimson'
    draw.text((x * pitch + 6, 6), observed if seen else imagined, fill=color)
    for y, frame in enumerate(frames[:, t]):
      tile = Image.fromarray(frame.squeeze()).convert('RGB')
      tile = tile.resize((_SIDE, _SIDE), Image.NEAREST)
      page.paste(tile, (x * pitch, _BAND + y * pitch))
  return np.asarray(page)
