"""The scripted policy of the mazes: shortest paths to random places.

The walker goes to a random free cell, cell by cell along a shortest path; there
it draws another one. Now and then it begins a few random actions. It looks at
where it is at each step, so it finds its way after those, too.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from datasets.worlds import draws, labyrinth
from datasets.worlds import maze as mazes
from datasets.worlds import maze_plan as plans

FAR = 2**14
"""Steps to where no path leads."""

NEXT = np.array([[0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]])
"""From a cell to itself and to its neighbours, (x, y)."""


class Explorer(NamedTuple):
  """The script's memory.

  Attributes:
    key: raw uint32 key of the script's draws.
    goal: int32 [2], the cell (x, y) to go to.
    strays: int32, random actions still to take.
  """

  key: jax.Array
  goal: jax.Array
  strays: jax.Array


def ways(free: jax.Array) -> jax.Array:
  """Returns the steps between all cells, int32 [N, N, N, N], [y, x] twice.

  `FAR`, or more, between cells that are not connected.
  """
  side = len(free)

  def nearer(state):
    way, _ = state
    wide = jnp.pad(way, ((0, 0), (1, 1), (1, 1)), constant_values=FAR)
    rows, columns = wide[:, :, 1:-1], wide[:, 1:-1]
    beside = jnp.minimum(rows[:, 2:], rows[:, :-2])
    beside = jnp.minimum(beside, columns[:, :, 2:])
    beside = jnp.minimum(beside, columns[:, :, :-2])
    found = jnp.where(free, jnp.minimum(way, beside + 1), FAR)
    return found, jnp.any(found < way)

  way = jnp.where(jnp.eye(side**2, dtype=bool), 0, FAR).astype(jnp.int16)
  way = way.reshape(side**2, side, side)
  way, _ = jax.lax.while_loop(lambda state: state[1], nearer, (way, True))
  return way.reshape((side,) * 4).astype(jnp.int32)


def start(key: jax.Array, world: mazes.World) -> Explorer:
  """Begins with a goal."""
  bits = jax.random.bits(jax.random.fold_in(key, 2**31))
  goal = labyrinth.pick(bits, world.map.labyrinth.free)
  return Explorer(key, goal, jnp.int32(0))


def act(
  maze: mazes.Maze, way: jax.Array, script: Explorer, world: mazes.World
) -> tuple[Explorer, jax.Array]:
  """Returns the script's memory and the action at a state.

  Args:
    maze: the numbers.
    way: int32 [N, N, N, N], steps from each cell to each other.
    script: its memory.
    world: the state.
  """
  bits = jax.random.bits(jax.random.fold_in(script.key, world.time), (4,))
  goal = _choose(maze, bits, script.goal, world)
  begins = (script.strays == 0) & draws.chance(bits[2], maze.stray)
  strays = jnp.where(begins, maze.strays, script.strays)
  meant = _steer(maze, _onward(way, goal, world.position), world)
  random = draws.below(bits[3], len(plans.ACTIONS))
  action = jnp.where(strays > 0, random, meant)
  return Explorer(script.key, goal, jnp.maximum(strays - 1, 0)), action


def _choose(maze, bits, goal, world):
  """Draws another goal where the walker has arrived."""
  target = world.map.target[world.target] // plans.UNIT
  other = labyrinth.pick(bits[0], world.map.labyrinth.free)
  other = jnp.where(draws.chance(bits[1], maze.seek), target, other)
  place = labyrinth.centre(goal)
  arrived = mazes.near(world.position, place, maze.arrive)
  return jnp.where(arrived, other, goal)


def _onward(way, goal, position):
  """Returns the middle of the next cell on a shortest path, int32 [2]."""
  cells = position // plans.UNIT + NEXT
  inside = jnp.all((cells >= 0) & (cells < len(way)), -1)
  x, y = jnp.clip(cells, 0, len(way) - 1).T
  steps = jnp.where(inside, way[goal[1], goal[0]][y, x], FAR)
  return labyrinth.centre(cells[jnp.argmin(steps)])


def _steer(maze, place, world):
  """Turns towards a place, walking when nearly on course."""
  count, turn = maze.headings, maze.turn
  vectors = jnp.asarray(plans.circle(maze, 1.0))
  along = vectors @ (place - world.position)
  off = (jnp.argmax(along) - world.heading) % count
  left = off <= count // 2
  apart = jnp.where(left, off, count - off)
  action = jnp.where(left, 2, 3) + jnp.where(2 * apart <= 3 * turn, 2, 0)
  return jnp.where(apart < turn, 1, action)


def play(maze: mazes.Maze, key: jax.Array) -> tuple[mazes.World, jax.Array]:
  """Plays an episode without frames.

  Args:
    maze: the numbers.
    key: raw uint32 key.

  Returns:
    worlds: `maze.World` of all steps, [T, ...], the map and the key without
      time.
    actions: int32 [T], meant at each step; the last one has no effect.
  """
  here, there = jax.random.split(key)
  first = mazes.start(maze, here)
  decide = functools.partial(act, maze, ways(first.map.labyrinth.free))

  def step(carry, _):
    world, script = carry
    script, action = decide(script, world)
    ahead = mazes.move(maze, world, action)
    return (ahead, script), (world._replace(map=None, key=None), action)

  carry = first, start(there, first)
  _, (worlds, actions) = jax.lax.scan(step, carry, None, maze.length)
  worlds = worlds._replace(map=first.map, key=first.key)
  return worlds, actions.astype(jnp.int32)
