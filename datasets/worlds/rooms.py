"""A brax environment: rooms of one colour each, with domes on the floor.

The state is made of integers and the dynamics are integer arithmetic, so a
trajectory is the same on every machine; only the frame is floating point.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from brax import envs
from brax.envs import base

from datasets.worlds import draws, movers, raycast, textures
from datasets.worlds import layout as layouts
from datasets.worlds.movers import Movers

TURN = (0, 0, 1, -1, 1, -1)
"""Headings turned by each action, counter-clockwise."""

WALK = (0, 1, 0, 0, 1, 1)
"""Steps walked by each action, after the turn."""


class Map(NamedTuple):
  """What stays during an episode.

  Attributes:
    wall: int32 [rooms], colours of the rooms.
    position: int32 [O, 2], objects' (x, y) in 1/UNIT cells.
    color: int32 [O], objects' colours.
    present: bool [O], whether the object is there.
  """

  wall: jax.Array
  position: jax.Array
  color: jax.Array
  present: jax.Array


class Mark(NamedTuple):
  """Where the walker will be put back to at the end of the tour.

  Attributes:
    source: int32, the step at which it is, was or will be there.
    position: int32 [2], where it was, once that step is over.
    heading: int32, and which way it looked.
  """

  source: jax.Array
  position: jax.Array
  heading: jax.Array


class World(NamedTuple):
  """The whole state.

  Attributes:
    map: what stays.
    position: int32 [2], (x, y) in 1/UNIT cells.
    heading: int32, counter-clockwise from +x.
    time: int32, steps since the start.
    mark: for the teleport; None where there is none.
    key: raw uint32 key of what happens by chance; None where nothing does.
    movers: domes that walk about; None where there are none.
  """

  map: Map
  position: jax.Array
  heading: jax.Array
  time: jax.Array
  mark: Mark | None = None
  key: jax.Array | None = None
  movers: Movers | None = None


def near(bits: jax.Array, cells: float) -> jax.Array:
  """Returns int32 draws of an offset within cells, in 1/UNIT cells."""
  slack = int(cells * layouts.UNIT)
  return draws.below(bits, 2 * slack + 1) - slack


def draw_map(layout: layouts.Layout, key: jax.Array) -> Map:
  """Draws colours and objects.

  Rooms have different colours as far as there are enough. Objects stand in
  corners of their room, away from the lines that the tour walks.
  """
  rooms = layout.rooms
  colors, kinds = len(textures.WALLS), len(textures.OBJECTS)
  key, more = jax.random.split(key)
  rounds = jax.random.bits(more, (-(-rooms // colors) + 1, max(rooms, colors)))
  wall = jnp.argsort(rounds[1:, :colors], -1).reshape(-1)[:rooms]
  wall = wall[jnp.argsort(rounds[0, :rooms])]
  bits = jax.random.bits(key, (rooms, 8))
  corner = (draws.below(bits[:, :1], 4) + jnp.array([[0, 2]])) % 4
  away = int(0.3 * layout.room * layouts.UNIT)
  corners = jnp.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * away
  position = jnp.asarray(layouts.centres(layout))[:, None] + corners[corner]
  noise = near(bits[:, 1:5].reshape(rooms, 2, 2), 0.05 * layout.room)
  first = draws.below(bits[:, 5], kinds)
  second = (first + 1 + draws.below(bits[:, 6], kinds - 1)) % kinds
  present = draws.chance(bits[:, 7], layout.second)
  return Map(
    wall.astype(jnp.int32),
    (position + noise).reshape(-1, 2),
    jnp.stack([first, second], -1).reshape(-1),
    jnp.stack([present | True, present], -1).reshape(-1),
  )


def start(layout: layouts.Layout, key: jax.Array) -> World:
  """Draws a map and a pose near the centre of a random room."""
  key, more = jax.random.split(key)
  bits = jax.random.bits(more, (4,))
  room = draws.below(bits[0], layout.rooms)
  centre = jnp.asarray(layouts.centres(layout))[room]
  world = World(
    draw_map(layout, key),
    centre + near(bits[1:3], layout.stray),
    draws.below(bits[3], layout.headings),
    jnp.int32(0),
  )
  if layout.stretch:
    bits = jax.random.bits(jax.random.fold_in(more, 1))
    source = draws.below(bits, layout.tour)
    world = world._replace(mark=Mark(source, world.position, world.heading))
  if layout.action_noise or layout.movers:
    world = world._replace(key=jax.random.fold_in(more, 2))
  if layout.movers:
    draw = jax.random.fold_in(more, 3)
    world = world._replace(movers=movers.start(layout, draw))
  return world


def is_free(layout: layouts.Layout, position: jax.Array) -> jax.Array:
  """Returns whether a body can be at a position, int32 [2]."""
  low, high = jnp.asarray(layouts.bounds(layout))
  blocks = jnp.asarray(layouts.blocks(layout))
  inside = jnp.all((position >= low) & (position <= high))
  within = (position > blocks[:, 0]) & (position < blocks[:, 1])
  return inside & ~jnp.any(jnp.all(within, -1))


def move(layout: layouts.Layout, world: World, action: jax.Array) -> World:
  """Turns, then walks, sliding along walls."""
  if world.key is not None:
    now = jax.random.fold_in(world.key, world.time)
    action = draws.slip(now, action, len(TURN), layout.action_noise)
  heading = (world.heading + jnp.array(TURN)[action]) % layout.headings
  stride = jnp.asarray(layouts.strides(layout))[heading]
  stride = stride * jnp.array(WALK)[action]
  position = world.position
  for axis in range(2):
    ahead = position.at[axis].add(stride[axis])
    position = jnp.where(is_free(layout, ahead), ahead, position)
  ahead = world._replace(
    position=position, heading=heading, time=world.time + 1
  )
  if world.movers is not None:
    free = functools.partial(is_free, layout)
    ahead = ahead._replace(
      movers=movers.walk(layout, jax.random.fold_in(now, 1), world.movers, free)
    )
  return ahead if world.mark is None else _teleport(layout, world, ahead)


def _teleport(layout, world, ahead):
  """Remembers the pose of the marked step; goes there when the tour ends."""
  here = world.mark._replace(position=world.position, heading=world.heading)
  mark = _where(world.time == world.mark.source, here, world.mark)
  back = ahead._replace(position=mark.position, heading=mark.heading)
  ahead = _where(ahead.time == layout.tour, back, ahead)
  return ahead._replace(mark=mark)


def _where(condition, one, other):
  return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)


def frame(layout: layouts.Layout, world: World) -> jax.Array:
  """Returns what the camera sees, uint8 [H, W, 3]."""
  view, hits = look(layout, world)
  _, color, _ = _domes(world)
  return raycast.paint(layout, view, hits, world.map.wall, color)


def visible(layout: layouts.Layout, world: World) -> jax.Array:
  """Returns which wall panels, then objects, are in view: bool [S]."""
  hits = look(layout, world)[1]
  return raycast.seen(layout, hits)[: layout.panels + layout.objects]


def look(layout, world):
  """Returns the camera of a state and what its columns meet."""
  position, _, present = _domes(world)
  view = raycast.camera(layout, world.position, world.heading, position)
  return view, raycast.cast(layout, view, present)


def _domes(world):
  """Returns the places and colours of all domes, and which are there."""
  here = world.map.position, world.map.color, world.map.present
  if world.movers is None:
    return here
  walking = world.movers.position, world.movers.color
  there = jnp.ones(len(walking[1]), bool)
  return tuple(map(jnp.concatenate, zip(here, (*walking, there), strict=True)))


class Rooms(base.Env):
  """Walking through rooms; nothing is rewarded.

  Args:
    layout: the plan, or the name of one in `layout.LAYOUTS`.
  """

  def __init__(self, layout: layouts.Layout | str = 'four_rooms'):
    if isinstance(layout, str):
      if layout not in layouts.LAYOUTS:
        raise ValueError(
          f'Rooms: no such layout; got {layout!r}, need one of '
          f'{", ".join(layouts.LAYOUTS)}; change Rooms.layout'
        )
      layout = layouts.LAYOUTS[layout]
    self.layout = layout

  def reset(self, rng: jax.Array) -> base.State:
    """Draws an episode from a raw uint32 key."""
    world = start(self.layout, rng)
    zero = jnp.zeros(())
    return base.State(
      world, self._observe(world), zero, zero, info={'truncation': zero}
    )

  def step(self, state: base.State, action: jax.Array) -> base.State:
    """Applies an action, an integer below 6."""
    world = move(self.layout, state.pipeline_state, action)
    done = (world.time >= self.layout.length - 1).astype(jnp.float32)
    return state.replace(
      pipeline_state=world,
      obs=self._observe(world),
      done=done,
      info=state.info | {'truncation': done},
    )

  def _observe(self, world):
    return {'image': frame(self.layout, world)}

  @property
  def observation_size(self) -> dict[str, tuple[int, ...]]:
    """The shape of the frame."""
    return {'image': (self.layout.size, self.layout.size, 3)}

  @property
  def action_size(self) -> int:
    """The number of actions."""
    return len(layouts.ACTIONS)

  @property
  def backend(self) -> str:
    """Not one of brax's physics."""
    return 'rooms'


envs.register_environment('rooms', Rooms)
