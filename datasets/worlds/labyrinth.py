"""Random mazes: rooms joined by corridors without dead ends.

A maze of N x N cells (N odd) is drawn on its lattice of every other cell, the
nodes. Rooms are rectangles of nodes, tried at random places until they are as
many as wanted or no try is left; corridors fill the rest, one depth-first
spanning tree for each part of it; each two regions that touch are joined by
one door; then dead ends are walled up, again and again. The steps and their
order are those of DeepMind Lab's mazes, which Memory Maze uses; what comes out
is alike in distribution, not equal. Indices are [y, x], y pointing up.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from datasets.worlds import draws
from datasets.worlds import layout as layouts

TRIES = 200
"""Places tried for rooms."""

AROUND = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]])
"""Steps (y, x) to the four neighbours."""


class Labyrinth(NamedTuple):
  """A maze without its outer ring of walls.

  Attributes:
    free: bool [N, N], where one can be.
    room: int32 [N, N], the room that a cell belongs to, counted from 1; 0 in
      corridors and walls.
  """

  free: jax.Array
  room: jax.Array


def draw(
  key: jax.Array, cells: int, least: int, most: int, sides: tuple[int, int]
) -> Labyrinth:
  """Draws a maze that is connected.

  Args:
    key: raw uint32 key.
    cells: of a side; odd.
    least: rooms that it has at least; they are drawn again until it has.
    most: rooms that it has at most.
    sides: the least and the greatest side of a room, in cells; odd.
  """
  nodes = cells // 2 + 1

  def again(state):
    turn, _ = state
    return turn + 1, _rooms(jax.random.fold_in(key, turn), nodes, most, sides)

  _, region = jax.lax.while_loop(
    lambda state: jnp.max(state[1]) < least,
    again,
    (jnp.uint32(2), jnp.zeros((nodes, nodes), jnp.int32)),
  )
  walks, doors = (jax.random.fold_in(key, i) for i in range(2))
  low, high = np.arange(cells) // 2, (np.arange(cells) + 1) // 2
  near, far = region[low][:, low], region[high][:, high]
  room = jnp.where(near == far, near, 0)
  region, corridor = _corridors(walks, region)
  free = (room > 0) | corridor | _doors(doors, region)
  return Labyrinth(_prune(free), room)


def pick(bits: jax.Array, among: jax.Array) -> jax.Array:
  """Returns a random cell (x, y), int32 [2], among some, bool [y, x]."""
  count = jnp.cumsum(among)
  place = jnp.argmax(count > draws.below(bits, count[-1]))
  return jnp.stack([place % len(among), place // len(among)]).astype(jnp.int32)


def centre(cell: jax.Array) -> jax.Array:
  """Returns the middle of cells in 1/UNIT cells."""
  return cell * layouts.UNIT + layouts.UNIT // 2


def _rooms(key, nodes, most, sides):
  """Returns the rooms of nodes, int32 [K, K], 0 where there is none.

  One side of a room is the shortest; the other one is any.
  """
  short, long = (side // 2 + 1 for side in sides)
  place = np.arange(nodes)

  def attempt(room, bits):
    longer = draws.below(bits[0], 2) == jnp.arange(2)
    size = short + longer * draws.below(bits[1], long - short + 1)
    low = draws.below(bits[2:], nodes - size + 1)[:, None]
    y, x = (place >= low) & (place < low + size[:, None])
    inside, count = y[:, None] & x, jnp.max(room)
    fits = (count < most) & ~jnp.any(inside & (room > 0))
    return jnp.where(fits & inside, count + 1, room), None

  room = jnp.zeros((nodes, nodes), jnp.int32)
  return jax.lax.scan(attempt, room, jax.random.bits(key, (TRIES, 4)))[0]


def _lattice(nodes):
  """Returns each node's cell, int [K * K], and its neighbours, int [K * K, 4].

  Cells count along rows of the maze; a neighbour outside of it is K * K.
  """
  place = np.stack(np.divmod(np.arange(nodes**2), nodes), -1)
  ahead = place[:, None] + AROUND
  inside = np.all((ahead >= 0) & (ahead < nodes), -1)
  ahead = np.where(inside, ahead @ (nodes, 1), nodes**2)
  return 2 * place @ (2 * nodes - 1, 1), ahead


def _corridors(key, region):
  """Walks depth first through the nodes that are in no region yet.

  Returns:
    region: int32 [K, K], with a new one for each connected part of the rest.
    free: bool [N, N], the nodes' cells and those between the walks' nodes.
  """
  nodes = len(region)
  cell, ahead = _lattice(nodes)
  outside = nodes**2
  cell = jnp.asarray(np.append(cell, 0))
  ahead = jnp.asarray(np.append(ahead, [[outside] * 4], 0))

  def step(state, bits):
    region, parent, here = state
    fresh = region[ahead[here]] == 0
    goes = jnp.any(fresh)
    choice = draws.below(bits, jnp.maximum(jnp.sum(fresh), 1))
    onward = ahead[here, jnp.argmax(jnp.cumsum(fresh) > choice)]
    back = jnp.where(parent[here] < 0, jnp.argmax(region == 0), parent[here])
    there = jnp.where(goes, onward, back)
    new = jnp.where(goes, region[here], jnp.max(region) + 1)
    new = jnp.where(region[there] == 0, new, region[there])
    parent = parent.at[there].set(jnp.where(goes, here, parent[there]))
    between = (cell[there] + cell[jnp.where(goes, here, there)]) // 2
    return (region.at[there].set(new), parent, there), between

  state = (
    jnp.append(region.reshape(-1), 1),
    jnp.full(outside + 1, -1),
    jnp.int32(outside),
  )
  bits = jax.random.bits(key, (2 * outside,))
  (region, _, _), between = jax.lax.scan(step, state, bits)
  free = jnp.zeros((2 * nodes - 1) ** 2, bool).at[cell].set(True)
  free = free.at[between].set(True).reshape(2 * nodes - 1, -1)
  return region[:-1].reshape(nodes, nodes), free


def _doors(key, region):
  """Returns one random door for each two regions that touch, bool [N, N]."""
  nodes = len(region)
  cell, ahead = _lattice(nodes)
  one, way = np.nonzero(ahead[:, :2] < nodes**2)
  other = ahead[one, way]
  region = region.reshape(-1)
  pair = jnp.sort(jnp.stack([region[one], region[other]]), 0)
  same = jnp.all(pair[:, :, None] == pair[:, None], 0)
  draw = jax.random.bits(key, (len(one),))
  first = jnp.all(~same | (draw[:, None] <= draw), -1)
  first &= pair[0] != pair[1]
  free = jnp.zeros((2 * nodes - 1) ** 2, bool)
  free = free.at[(cell[one] + cell[other]) // 2].set(first)
  return free.reshape(2 * nodes - 1, -1)


def _prune(free):
  """Walls up dead ends until there are none."""

  def open_ways(free):
    wide = jnp.pad(free.astype(jnp.int32), 1)
    rows, columns = wide[:, 1:-1], wide[1:-1]
    return rows[2:] + rows[:-2] + columns[:, 2:] + columns[:, :-2]

  return jax.lax.while_loop(
    lambda free: jnp.any(free & (open_ways(free) < 2)),
    lambda free: free & (open_ways(free) >= 2),
    free,
  )
