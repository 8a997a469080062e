"""What a camera meets in a maze of cells, by ray casting.

The ray of a column crosses lines of the grid, N + 1 along each axis. A crossing
meets a wall where the cell past it is one; the nearest wall ends the ray. The
cells between two lines are the bits of an integer, so nothing is looked up in
memory, and all columns meet all lines at once.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from datasets.worlds import canvas, raycast, textures


class Hits(NamedTuple):
  """What the columns of a frame meet.

  Attributes:
    depth: [W], cells along the view axis.
    axis: int32 [W], 0 where the wall's face lies on a line of constant x.
    cell: int32 [W, 2], (x, y) of the wall, from -1 to N.
    along: [W], cells along the face, in world coordinates.
    front: bool [W, O], whether each object is ahead of a column's wall.
    shown: bool [W, O], whether, besides, the column passes over it.
  """

  depth: jax.Array
  axis: jax.Array
  cell: jax.Array
  along: jax.Array
  front: jax.Array
  shown: jax.Array


def cast(maze, view: canvas.Camera, free: jax.Array, present) -> Hits:
  """Returns what each column meets.

  Args:
    maze: with the number of cells of a side, below 32, and the domes' radius.
    view: the camera, in a free cell.
    free: bool [N, N], [y, x].
    present: bool [O], which objects are there.
  """
  lines = jnp.arange(maze.cells + 1, dtype=jnp.float32)
  rays = jnp.where(jnp.abs(view.rays) < 1e-6, 1e-6, view.rays)
  nearest = []
  for axis in range(2):
    toward = rays[:, axis, None]
    depths = (lines - view.eye[axis]) / toward
    along = view.eye[1 - axis] + depths * rays[:, 1 - axis, None]
    walls = _bits(free if axis else free.T)
    past = jnp.where(toward > 0, walls[1:], walls[:-1])
    solid = past >> _cell(maze, along).astype(jnp.uint32) & 1
    met = (depths > 0) & (solid == 1)
    nearest.append(jnp.min(jnp.where(met, depths, jnp.inf), -1))
  axis = (nearest[1] < nearest[0]).astype(jnp.int32)
  depth = jnp.minimum(*nearest)
  place = view.eye + depth[:, None] * rays
  within = _cell(maze, place)
  line = jnp.rint(place).astype(jnp.int32) - (rays < 0)
  across = axis[:, None] == np.arange(2)
  front, shown, _ = raycast.ahead(maze, view, depth, present)
  along = jnp.where(axis, place[:, 0], place[:, 1])
  cell = jnp.where(across, line, within)
  return Hits(depth, axis, cell, along, front, shown)


def _cell(maze, place):
  """Returns the cells of places, int32; those outside are at the border."""
  cell = jnp.floor(place).astype(jnp.int32)
  return jnp.clip(cell, 0, maze.cells - 1)


def _bits(free):
  """Returns the walls of each row as bits, uint32 [N + 2], outer ones too."""
  count = len(free)
  power = jnp.asarray(2 ** np.arange(count), jnp.uint32)
  walls = jnp.sum(jnp.where(free, 0, power), -1, dtype=jnp.uint32)
  return jnp.pad(walls, 1, constant_values=2**count - 1)


def blocks(cells: int) -> np.ndarray:
  """Returns the block of each wall, int [N + 2, N + 2], [y, x], from 0 to 8.

  The maze and the ring around it are cut into 3 x 3 blocks.
  """
  # Cut from the top, where the official layout begins.
  cuts = np.array([(cells + 2) * i // 3 for i in (1, 2)])
  column = np.searchsorted(cuts, np.arange(cells + 2), 'right')
  row = np.searchsorted(cuts, np.arange(cells + 2)[::-1], 'right')
  return row[:, None] * 3 + column


def paint(maze, view, hits, room, walls, objects) -> jax.Array:
  """Returns the frame, uint8 [H, W, 3].

  Args:
    maze: with the numbers of camera, walls and domes.
    view: the camera.
    hits: what its columns meet.
    room: bool [N, N], [y, x], where the floor is that of a room.
    walls: int32 [9], colours of the blocks.
    objects: int32 [O], colours of the objects.
  """
  x, y = hits.cell.T + 1
  block = jnp.asarray(blocks(maze.cells))[y, x]
  own, toward = textures.LAMP
  facing = jnp.where(view.rays < 0, -1, 1) * jnp.mean(view.rays, 0)
  facing = jnp.maximum(facing, 0)
  facing = jnp.where(hits.axis, facing[:, 1], facing[:, 0])
  color = jnp.asarray(textures.PAINTS, jnp.float32)[walls][block]
  color = color * (own + toward * facing)[:, None]
  line = jnp.where(hits.axis, y, x)
  along = hits.along + 0.37 * line
  columns = canvas.Columns(hits.depth, along, color, hits.front)

  def floor(x, y):
    here = room[_cell(maze, y), _cell(maze, x)]
    return jnp.where(here[..., None], *np.float32(textures.FLOORS[::-1]))

  return canvas.draw(maze, textures.MAZE, view, columns, objects, floor)
