"""Many small pictures in few PNG files, as a page can hold them."""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

_SIDE = 2048
"""Pixels of a sheet's side, about: what every browser decodes."""


def pack(pictures: np.ndarray) -> dict[str, Any]:
  """Returns sheets of pictures, from left to right and from top to bottom.

  Args:
    pictures: uint8 `[N, H, W, C]`, grey or RGB.

  Returns:
    width, height of a picture; columns, rows of a sheet; sheets, each a PNG in
    base64.
  """
  count, height, width, channels = pictures.shape
  columns = min(max(1, _SIDE // width), count)
  rows = min(max(1, _SIDE // height), -(-count // columns))
  sheets = [
    _sheet(pictures[first : first + columns * rows], columns)
    for first in range(0, count, columns * rows)
  ]
  return {
    'width': width,
    'height': height,
    'columns': columns,
    'rows': rows,
    'sheets': sheets,
  }


def unpack(packed: dict[str, Any]) -> np.ndarray:
  """Returns the pictures of sheets, `[N, H, W, C]`; the last may be empty."""
  height, width = packed['height'], packed['width']
  found = []
  for sheet in packed['sheets']:
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet))))
    rows, columns = image.shape[0] // height, image.shape[1] // width
    grid = image.reshape(rows, height, columns, width, -1)
    found.append(grid.swapaxes(1, 2).reshape(-1, height, width, grid.shape[-1]))
  return np.concatenate(found)


def _sheet(pictures, columns):
  """Returns a PNG in base64; places that are left over are black."""
  count, height, width, channels = pictures.shape
  rows = -(-count // columns)
  grid = np.zeros((rows * columns, height, width, channels), np.uint8)
  grid[:count] = pictures
  grid = grid.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
  image = grid.reshape(rows * height, columns * width, channels)
  file = io.BytesIO()
  Image.fromarray(image.squeeze(-1) if channels == 1 else image).save(
    file, 'PNG', compress_level=9
  )
  return base64.b64encode(file.getvalue()).decode()
