"""A brax environment: a corridor of locked doors above and of keys below.

The state is made of integers and the dynamics are integer arithmetic, so a
trajectory is the same on every machine.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from brax import envs
from brax.envs import base

from datasets.worlds import corridor as corridors
from datasets.worlds import draws, squares, tiles
from datasets.worlds.corridor import Corridor
from datasets.worlds.squares import Squares

LEFT, RIGHT, FORWARD, PICKUP, TOGGLE = range(len(corridors.ACTIONS))


class World(NamedTuple):
  """The whole state.

  Attributes:
    door_color: int32 [K], from left to right.
    key_color: int32 [K], the same colours in another order.
    door_open: bool [K].
    key_taken: bool [K].
    inventory: int32 [C], number of keys in hand by colour.
    position: int32 [2], (x, y) in cells, row 0 on top.
    heading: int32, 0 right, 1 down, 2 left, 3 up.
    time: int32, steps since the start.
    key: raw uint32 key of what happens by chance; None where nothing does.
    movers: squares that walk about; None where there are none.
  """

  door_color: jax.Array
  key_color: jax.Array
  door_open: jax.Array
  key_taken: jax.Array
  inventory: jax.Array
  position: jax.Array
  heading: jax.Array
  time: jax.Array
  key: jax.Array | None = None
  movers: Squares | None = None


def start(corridor: Corridor, key: jax.Array) -> World:
  """Draws colours, and a pose in the middle row of the corridor."""
  key, more = jax.random.split(key)
  bits = jax.random.bits(key, (2, corridor.keys))
  color = draws.below(bits[0], len(tiles.COLORS))
  column, heading = jax.random.bits(more, (2,))
  nothing = jnp.zeros(corridor.keys, bool)
  world = World(
    door_color=color,
    key_color=color[jnp.argsort(bits[1])],
    door_open=nothing,
    key_taken=nothing,
    inventory=jnp.zeros(len(tiles.COLORS), jnp.int32),
    position=jnp.stack(
      [1 + draws.below(column, corridor.last), jnp.int32(corridors.MIDDLE)]
    ),
    heading=draws.below(heading, 4),
    time=jnp.int32(0),
  )
  if corridor.action_noise or corridor.movers:
    world = world._replace(key=jax.random.fold_in(more, 1))
  if corridor.movers:
    draw = jax.random.fold_in(more, 2)
    world = world._replace(
      movers=squares.start(draw, corridor.movers, 1, corridor.last)
    )
  return world


def happens(corridor: Corridor, world: World, action: jax.Array) -> jax.Array:
  """Returns the action that takes place where one is meant, int32."""
  if world.key is None:
    return action
  now = jax.random.fold_in(world.key, world.time)
  return draws.slip(now, action, len(corridors.ACTIONS), corridor.action_noise)


def tries(corridor: Corridor, world: World, action: jax.Array) -> jax.Array:
  """Returns which door is toggled where an action is meant: int32, or -1."""
  toggled = _faces(corridor, world, corridors.DOOR)
  toggled &= happens(corridor, world, action) == TOGGLE
  return jnp.where(jnp.any(toggled), jnp.argmax(toggled), -1)


def move(corridor: Corridor, world: World, action: jax.Array) -> World:
  """Turns, walks, takes the key ahead or opens the door ahead."""
  action = happens(corridor, world, action)
  door = _faces(corridor, world, corridors.DOOR) & ~world.door_open
  there = _faces(corridor, world, corridors.KEY) & ~world.key_taken
  x, y = ahead = world.position + jnp.asarray(tiles.FORWARD)[world.heading]
  blocked = jnp.asarray(corridors.floor(corridor))[y, x] != tiles.EMPTY
  walks = (action == FORWARD) & ~(blocked | jnp.any(door) | jnp.any(there))
  takes = there & (action == PICKUP)
  fits = world.inventory[world.door_color] > 0
  opens = door & fits & (action == TOGGLE)
  turn = (action == RIGHT).astype(jnp.int32) - (action == LEFT)
  gain = takes @ _count(world.key_color) - opens @ _count(world.door_color)
  after = world._replace(
    door_open=world.door_open | opens,
    key_taken=world.key_taken | takes,
    inventory=world.inventory + gain,
    position=jnp.where(walks, ahead, world.position),
    heading=(world.heading + turn) % 4,
    time=world.time + 1,
  )
  if world.movers is None:
    return after
  now = jax.random.fold_in(jax.random.fold_in(world.key, world.time), 1)
  moved = squares.wander(now, world.movers, 1, corridor.last)
  return after._replace(movers=moved)


def grid(corridor: Corridor, world: World) -> jax.Array:
  """Returns the kinds of all cells, int32 [H, W]."""
  door = jnp.where(world.door_open, tiles.OPEN, tiles.LOCKED)
  key = jnp.where(world.key_taken, tiles.EMPTY, tiles.KEY + world.key_color)
  cells = jnp.asarray(corridors.floor(corridor))
  cells = cells.at[corridors.DOOR, corridor.columns].set(
    door + world.door_color
  )
  cells = cells.at[corridors.KEY, corridor.columns].set(key)
  if world.movers is None:
    return cells
  return squares.draw(cells, corridors.MIDDLE, world.movers)


def frame(corridor: Corridor, world: World) -> jax.Array:
  """Returns the cells around the agent, uint8 [H, W, 3]."""
  return tiles.view(grid(corridor, world), world.position, world.heading)


def _faces(corridor, world, row):
  """Returns which column's cell in a row lies ahead, bool [K]."""
  x, y = world.position + jnp.asarray(tiles.FORWARD)[world.heading]
  return (corridor.columns == x) & (y == row)


def _count(color):
  return (color[:, None] == jnp.arange(len(tiles.COLORS))).astype(jnp.int32)


class DoorsKeys(base.Env):
  """Opening doors with keys of their colours; each pays 1.

  Args:
    corridor: the plan, or the name of one in `corridor.CORRIDORS`.
  """

  def __init__(self, corridor: Corridor | str = 'keys_3'):
    if isinstance(corridor, str):
      if corridor not in corridors.CORRIDORS:
        raise ValueError(
          f'DoorsKeys: no such corridor; got {corridor!r}, need one of '
          f'{", ".join(corridors.CORRIDORS)}; change DoorsKeys.corridor'
        )
      corridor = corridors.CORRIDORS[corridor]
    self.corridor = corridor

  def reset(self, rng: jax.Array) -> base.State:
    """Draws an episode from a raw uint32 key."""
    world, zero = start(self.corridor, rng), jnp.zeros(())
    return base.State(
      world, self._observe(world), zero, zero, info={'truncation': zero}
    )

  def step(self, state: base.State, action: jax.Array) -> base.State:
    """Applies an action, an integer below 5."""
    before = state.pipeline_state
    world = move(self.corridor, before, action)
    done = (world.time >= self.corridor.length - 1).astype(jnp.float32)
    opened = jnp.sum(world.door_open) - jnp.sum(before.door_open)
    return state.replace(
      pipeline_state=world,
      obs=self._observe(world),
      reward=opened.astype(jnp.float32),
      done=done,
      info=state.info | {'truncation': done},
    )

  def _observe(self, world):
    return {'image': frame(self.corridor, world)}

  @property
  def observation_size(self) -> dict[str, tuple[int, ...]]:
    """The shape of the frame."""
    return {'image': self.corridor.frame}

  @property
  def action_size(self) -> int:
    """The number of actions."""
    return len(corridors.ACTIONS)

  @property
  def backend(self) -> str:
    """Not one of brax's physics."""
    return 'doors_keys'


envs.register_environment('doors_keys', DoorsKeys)
