"""Frames of grid worlds, pixel for pixel those of Farama's MiniGrid.

A cell of a grid is an int32 kind: EMPTY, WALL, or the first of a block of kinds
plus the index of a colour, such as `KEY + 2`. The pictures of all kinds, with
and without an agent, are drawn once; a frame only looks them up.

The geometry of the pictures is MiniGrid's: 3 x 3 samples for each of 8 x 8
pixels, lines on the top and left of a floor, an agent that is a red triangle.
"""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

NAMES = ('green', 'blue', 'purple', 'yellow')
COLORS = ((0, 255, 0), (0, 0, 255), (112, 39, 195), (255, 255, 0))
"""RGB by index of a colour."""

EMPTY, WALL, SOLID = 0, 1, 2
KEY, LOCKED, OPEN = (SOLID + i * len(COLORS) for i in (1, 2, 3))
"""A square of one colour, a key, a locked door and an open one."""

WORDS = (
  'empty',
  'wall',
  *(
    f'{what} {c}' for what in ('solid', 'key', 'locked', 'open') for c in NAMES
  ),
)
"""What each kind is, such as 'locked purple'."""

SIDE = 8
"""Pixels of a side of a cell."""

FORWARD = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])
"""Displacement (x, y) of each heading: 0 right, 1 down, 2 left, 3 up."""

_SAMPLES = 3
_GREY, _BLACK, _RED = (100, 100, 100), (0, 0, 0), (255, 0, 0)


@functools.cache
def pictures() -> np.ndarray:
  """Returns the pictures of all kinds, uint8 [K, 5, SIDE, SIDE, 3].

  The second axis is the agent on that cell: none, then its four headings.
  """
  size = SIDE * _SAMPLES
  y, x = (np.mgrid[:size, :size] + 0.5) / size
  agent = (x >= 0.12) & (np.abs(y - 0.5) < (0.87 - x) * 0.31 / 0.75)
  found = []
  for layers in _kinds(x, y):
    fine = np.zeros((size, size, 3), np.uint8)
    for where, color in layers:
      fine[where] = color
    for turns in (None, 0, 1, 2, 3):
      drawn = fine.copy()
      if turns is not None:
        drawn[np.rot90(agent, -turns)] = _RED
      samples = drawn.reshape(SIDE, _SAMPLES, SIDE, _SAMPLES, 3)
      found.append(samples.sum((1, 3), int) // _SAMPLES**2)
  return np.reshape(found, (-1, 5, SIDE, SIDE, 3)).astype(np.uint8)


def _kinds(x, y) -> Iterator[list]:
  """Yields, for each kind, shapes to paint one over the other."""

  def box(left, right, top, bottom):
    return (left <= x) & (x <= right) & (top <= y) & (y <= bottom)

  def disk(radius):
    return (x - 0.56) ** 2 + (y - 0.28) ** 2 <= radius**2

  everywhere = box(0, 1, 0, 1)
  lines = box(0, 0.031, 0, 1) | box(0, 1, 0, 0.031)
  yield [(lines, _GREY)]
  yield [(everywhere, _GREY)]
  for color in COLORS:
    yield [(everywhere, color)]
  shaft, bit = box(0.5, 0.63, 0.31, 0.88), box(0.38, 0.5, 0.59, 0.66)
  key = shaft | bit | box(0.38, 0.5, 0.81, 0.88) | disk(0.19)
  for color in COLORS:
    yield [(lines, _GREY), (key, color), (disk(0.064), _BLACK)]
  inside, slot = box(0.06, 0.94, 0.06, 0.94), box(0.52, 0.75, 0.5, 0.56)
  for color in COLORS:
    dim = tuple(int(0.45 * value) for value in color)
    yield [(everywhere, color), (inside, dim), (slot, color)]
  frame, gap = box(0.88, 1, 0, 1), box(0.92, 0.96, 0.04, 0.96)
  for color in COLORS:
    yield [(lines, _GREY), (frame, color), (gap, _BLACK)]


def crop(grid: jax.Array, position: jax.Array, size: int = 5) -> jax.Array:
  """Returns the cells around a position, int32 [size, size].

  Args:
    grid: int32 [H, W], kinds of cells; outside of it is wall.
    position: int32 [2], (x, y).
    size: cells of a side of the view, odd.
  """
  half = size // 2
  grid = jnp.pad(grid, half, constant_values=WALL)
  return jax.lax.dynamic_slice(grid, (position[1], position[0]), (size, size))


def paint(cells: jax.Array, heading: jax.Array) -> jax.Array:
  """Returns the picture of a view, uint8 [size * SIDE, size * SIDE, 3].

  Args:
    cells: int32 [size, size], kinds; the agent is on the middle one.
    heading: int32, of the agent.
  """
  size = len(cells)
  table = jnp.asarray(pictures().reshape(-1, SIDE, SIDE, 3))
  index = (cells * 5).at[size // 2, size // 2].add(1 + heading)
  tiles = table[index].transpose(0, 2, 1, 3, 4)
  return tiles.reshape(size * SIDE, size * SIDE, 3)


def view(
  grid: jax.Array, position: jax.Array, heading: jax.Array, size: int = 5
) -> jax.Array:
  """Returns what an agent sees, uint8 [size * SIDE, size * SIDE, 3].

  The map stays upright and the agent turns in the middle of it; nothing hides
  what is behind it.

  Args:
    grid: int32 [H, W], kinds of cells; outside of it is wall.
    position: int32 [2], (x, y) of the agent.
    heading: int32, of the agent.
    size: cells of a side of the view, odd.
  """
  return paint(crop(grid, position, size), heading)


def whole(grid: np.ndarray) -> np.ndarray:
  """Returns a grid without an agent, uint8 [H * SIDE, W * SIDE, 3]."""
  rows, cols = grid.shape
  tiles = pictures()[grid, 0].transpose(0, 2, 1, 3, 4)
  return tiles.reshape(rows * SIDE, cols * SIDE, 3)
