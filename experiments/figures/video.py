"""A video of truth, model and error; first observed, then imagined."""

import warnings
from pathlib import Path

import imageio.v3 as iio
import numpy as np
from PIL import Image, ImageDraw

_SIDE = 192
_BAND = 24
_GAP = 4
_FRAMES_PER_SECOND = 12


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
  model = np.concatenate([reconstruction[:, :context], imagination], axis=1)
  model = np.clip(model * 255, 0, 255).astype(np.uint8)
  error = np.abs(model.astype(np.int16) - truth).astype(np.uint8)
  frames = [
    _page([truth[:, t], model[:, t], error[:, t]], t, context)
    for t in range(truth.shape[1])
  ]
  with warnings.catch_warnings():
    warnings.filterwarnings('ignore', message=r'os\.fork')  # Runs ffmpeg only.
    iio.imwrite(
      path,
      np.stack(frames),
      fps=_FRAMES_PER_SECOND,
      codec='libx264',
      macro_block_size=2,
    )


def _page(columns: list[np.ndarray], t: int, context: int) -> np.ndarray:
  seen = t < context
  second = 'reconstruction' if seen else 'imagination'
  note = f'context {t}' if seen else f'imagined {t - context + 1}'
  pitch, rows = _SIDE + _GAP, len(columns[0])
  size = (pitch * len(columns) - _GAP, _BAND + pitch * rows - _GAP)
  page = Image.new('RGB', size, 'white')
  draw = ImageDraw.Draw(page)
  names = (f'truth ({note})', second, 'error')
  for x, (name, frames) in enumerate(zip(names, columns, strict=True)):
    color = 'black' if seen or x != 1 else 'crimson'
    draw.text((x * pitch + 6, 6), name, fill=color)
    for y, frame in enumerate(frames):
      tile = Image.fromarray(frame).resize((_SIDE, _SIDE), Image.NEAREST)
      page.paste(tile, (x * pitch, _BAND + y * pitch))
  return np.asarray(page)
