"""A brax environment like Memory Maze: find the dome of the border's colour.

A maze of rooms and corridors, a dome in some of the rooms, and a border around
the frame in the colour of the one to go to. Reaching it is rewarded, and then
another one is next. Sizes, colours, camera, light and speeds are measured on
Memory Maze 1.0.3; positions are told as it tells them: in cells, (x, y) from
the lower left corner of the maze, without the outer ring of walls.

This project's choice: a step turns, then walks, without inertia, and slides
along walls, where the real walker, a ball, needs a step or two to get going and
sticks to walls. The camera's look down is a shifted horizon. The walls' pattern
is ours, too. The script (`explorer.py`) stands in for the unpublished one of
the official data.

The state is made of integers and the dynamics are integer arithmetic, so a
trajectory is the same on every machine; only the frame is floating point.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from brax import envs
from brax.envs import base

from datasets.worlds import (
  draws,
  gridcast,
  labyrinth,
  movers,
  raycast,
  rooms,
  textures,
)
from datasets.worlds import maze_plan as plans
from datasets.worlds.labyrinth import Labyrinth
from datasets.worlds.maze_plan import MAZES, Maze
from datasets.worlds.movers import Movers


class Map(NamedTuple):
  """What stays during an episode.

  Attributes:
    labyrinth: where is free and where are rooms.
    wall: int32 [9], colours of 3 x 3 blocks of walls.
    target: int32 [O, 2], targets' (x, y) in 1/UNIT cells; target i has colour
      i.
  """

  labyrinth: Labyrinth
  wall: jax.Array
  target: jax.Array


class World(NamedTuple):
  """The whole state.

  Attributes:
    map: what stays.
    position: int32 [2], (x, y) in 1/UNIT cells.
    heading: int32, counter-clockwise from +x.
    target: int32, the one to go to.
    reward: int32, 1 where the last step reached one.
    time: int32, steps since the start.
    key: raw uint32 key of what happens by chance.
    movers: domes that walk about; None where there are none.
  """

  map: Map
  position: jax.Array
  heading: jax.Array
  target: jax.Array
  reward: jax.Array
  time: jax.Array
  key: jax.Array
  movers: Movers | None = None


def start(maze: Maze, key: jax.Array) -> World:
  """Draws a maze, its targets in different rooms, and a pose in a room."""
  keys = jax.random.split(key, 4)
  least = maze.targets
  plan = labyrinth.draw(keys[0], maze.cells, least, maze.rooms, maze.sides)
  bits = jax.random.bits(keys[1], (2, maze.rooms))
  drawn = jax.random.bits(keys[2], (13,))
  absent = jnp.arange(maze.rooms) >= jnp.max(plan.room)
  order = jnp.lexsort((bits[0], absent))[:least] + 1
  inside = plan.room == order[:, None, None]
  cells = jax.vmap(labyrinth.pick)(bits[1, :least], inside)
  taken = jnp.zeros_like(plan.free).at[cells[:, 1], cells[:, 0]].set(True)
  room = 1 + draws.below(drawn[0], jnp.max(plan.room))
  here = labyrinth.pick(drawn[1], (plan.room == room) & ~taken)
  wall = draws.below(drawn[4:], len(textures.PAINTS))
  world = World(
    Map(plan, wall, labyrinth.centre(cells)),
    labyrinth.centre(here),
    draws.below(drawn[2], maze.headings),
    draws.below(drawn[3], maze.targets),
    jnp.int32(0),
    jnp.int32(0),
    keys[3],
  )
  if not maze.movers:
    return world
  bits = jax.random.bits(jax.random.fold_in(key, 4), (3, maze.movers))
  places = jax.vmap(labyrinth.pick, (0, None))(bits[0], plan.free)
  headings = draws.below(bits[1], maze.headings)
  colors = draws.below(bits[2], len(textures.TARGETS))
  return world._replace(
    movers=Movers(labyrinth.centre(places), headings, colors)
  )


def near(position: jax.Array, place: jax.Array, cells: float) -> jax.Array:
  """Returns whether two positions, int32 [..., 2], are within a distance."""
  return jnp.sum((position - place) ** 2, -1) <= int(cells * plans.UNIT) ** 2


def is_free(world: World, position: jax.Array, radius: float) -> jax.Array:
  """Returns whether a square around a position, int32 [2], meets no wall."""
  free = world.map.labyrinth.free
  half = int(radius * plans.UNIT)
  corners = jnp.stack([position - half, position + half - 1]) // plans.UNIT
  inside = jnp.all((corners >= 0) & (corners < len(free)))
  x, y = corners.T
  return inside & jnp.all(free[jnp.ix_(y, x)])


def move(maze: Maze, world: World, action: jax.Array) -> World:
  """Turns, then walks up to walls, sliding along them."""
  now = jax.random.fold_in(world.key, world.time)
  action = draws.slip(now, action, len(plans.ACTIONS), maze.action_noise)
  heading = world.heading + maze.turn * jnp.array(rooms.TURN)[action]
  heading = heading % maze.headings
  stride = jnp.asarray(plans.circle(maze, maze.step))[heading]
  stride = stride * jnp.array(rooms.WALK)[action]
  position, half = world.position, int(maze.body * plans.UNIT)
  for axis in range(2):
    ahead = position.at[axis].add(stride[axis])
    cell = position // plans.UNIT * plans.UNIT
    stop = jnp.clip(ahead, cell + half, cell + plans.UNIT - half)
    stop = position.at[axis].set(stop[axis])
    free = is_free(world, ahead, maze.body)
    position = jnp.where(free, ahead, stop)
  reached = near(position, world.map.target[world.target], maze.reach)
  bits = jax.random.bits(jax.random.fold_in(now, 2))
  other = world.target + 1 + draws.below(bits, max(1, maze.targets - 1))
  ahead = world._replace(
    position=position,
    heading=heading,
    target=jnp.where(reached, other % maze.targets, world.target),
    reward=reached.astype(jnp.int32),
    time=world.time + 1,
  )
  if world.movers is None:
    return ahead
  free = functools.partial(is_free, world, radius=maze.radius)
  key = jax.random.fold_in(now, 1)
  return ahead._replace(movers=movers.walk(maze, key, world.movers, free))


def frame(maze: Maze, world: World) -> jax.Array:
  """Returns what the camera sees within the border, uint8 [H, W, 3]."""
  place, color = world.map.target, jnp.arange(maze.targets)
  if world.movers is not None:
    place = jnp.concatenate([place, world.movers.position])
    color = jnp.concatenate([color, world.movers.color])
  ahead = jnp.asarray(plans.circle(maze, maze.ahead))[world.heading]
  view = raycast.camera(maze, world.position + ahead, world.heading, place)
  plan, there = world.map.labyrinth, jnp.ones(len(color), bool)
  hits = gridcast.cast(maze, view, plan.free, there)
  room = plan.room > 0
  image = gridcast.paint(maze, view, hits, room, world.map.wall, color)
  edge = np.arange(maze.size)
  edge = np.minimum(edge, edge[::-1]) < max(1, maze.size // 32)
  edge = (edge[:, None] | edge)[..., None]
  border = np.trunc(0.7 * 255 * textures.TARGETS).astype(np.uint8)
  return jnp.where(edge, jnp.asarray(border)[world.target], image)


class MemoryMaze(base.Env):
  """Walking through a maze from target to target; each is rewarded with 1.

  Args:
    maze: the numbers, or the name of an entry of `MAZES`.
  """

  def __init__(self, maze: Maze | str = 'jax_9x9'):
    if isinstance(maze, str):
      if maze not in MAZES:
        raise ValueError(
          f'MemoryMaze: no such maze; got {maze!r}, need one of '
          f'{", ".join(MAZES)}; change MemoryMaze.maze'
        )
      maze = MAZES[maze]
    self.maze = maze

  def reset(self, rng: jax.Array) -> base.State:
    """Draws an episode from a raw uint32 key."""
    world = start(self.maze, rng)
    zero = jnp.zeros(())
    return base.State(
      world, self._observe(world), zero, zero, info={'truncation': zero}
    )

  def step(self, state: base.State, action: jax.Array) -> base.State:
    """Applies an action, an integer below 6."""
    world = move(self.maze, state.pipeline_state, action)
    done = (world.time >= self.maze.length - 1).astype(jnp.float32)
    return state.replace(
      pipeline_state=world,
      obs=self._observe(world),
      reward=world.reward.astype(jnp.float32),
      done=done,
      info=state.info | {'truncation': done},
    )

  def _observe(self, world):
    return {'image': frame(self.maze, world)}

  @property
  def observation_size(self) -> dict[str, tuple[int, ...]]:
    """The shape of the frame."""
    return {'image': self.maze.frame}

  @property
  def action_size(self) -> int:
    """The number of actions."""
    return len(plans.ACTIONS)

  @property
  def backend(self) -> str:
    """Not one of brax's physics."""
    return 'maze'


envs.register_environment('memory_maze', MemoryMaze)
