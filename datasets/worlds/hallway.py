"""A brax environment: a clue, a long hallway, and a choice to be made by it.

The state is made of integers and the dynamics are integer arithmetic, so a
trajectory is the same on every machine.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from brax import envs
from brax.envs import base

from datasets.worlds import draws, passage, squares, tiles
from datasets.worlds.passage import Hallway
from datasets.worlds.squares import Squares

LEFT, RIGHT, FORWARD = range(len(passage.ACTIONS))


class Map(NamedTuple):
  """What stays during an episode.

  Attributes:
    clue: int32, its colour.
    choice: int32 [2], colours of the choices, top and bottom; one is the clue's
      and the other is not.
    distractors: int32 [W], colours on the row of the hallway; -1 where none is.
  """

  clue: jax.Array
  choice: jax.Array
  distractors: jax.Array


class World(NamedTuple):
  """The whole state.

  Attributes:
    map: what stays.
    position: int32 [2], (x, y) in cells, row 0 on top.
    heading: int32, 0 right, 1 down, 2 left, 3 up.
    time: int32, steps since the start.
    key: raw uint32 key of what happens by chance; None where nothing does.
    movers: squares that walk about; None where there are none.
  """

  map: Map
  position: jax.Array
  heading: jax.Array
  time: jax.Array
  key: jax.Array | None = None
  movers: Squares | None = None


def draw_map(hallway: Hallway, key: jax.Array) -> Map:
  """Draws the colours."""
  key, more = jax.random.split(key)
  colors = len(tiles.COLORS)
  bits = jax.random.bits(key, (3,))
  clue = draws.below(bits[0], colors)
  other = (clue + 1 + draws.below(bits[1], colors - 1)) % colors
  choice = jnp.stack([clue, other])
  filled, color = jax.random.bits(more, (2, hallway.width))
  column = np.arange(hallway.width)
  there = (column >= passage.FIRST) & (column <= hallway.last)
  there &= draws.chance(filled, passage.FILLED)
  return Map(
    clue,
    jnp.where(draws.below(bits[2], 2) == 0, choice, choice[::-1]),
    jnp.where(there, draws.below(color, colors), -1),
  )


def start(hallway: Hallway, key: jax.Array) -> World:
  """Draws a map; the agent is in the middle of the hallway and looks right."""
  key, more = jax.random.split(key)
  world = World(
    draw_map(hallway, key),
    jnp.array([hallway.width // 2 - 1, passage.MIDDLE], jnp.int32),
    jnp.int32(0),
    jnp.int32(0),
  )
  if hallway.action_noise or hallway.movers:
    world = world._replace(key=jax.random.fold_in(more, 0))
  if hallway.movers:
    draw = jax.random.fold_in(more, 1)
    world = world._replace(
      movers=squares.start(draw, hallway.movers, passage.FIRST, hallway.last)
    )
  return world


def chosen(hallway: Hallway, world: World) -> jax.Array:
  """Returns which choice the agent is at, int32: 0 top, 1 bottom, -1 none."""
  x, y = world.position
  side = (y > passage.MIDDLE).astype(jnp.int32)
  here = (x == hallway.junction) & (y != passage.MIDDLE)
  return jnp.where(here, side, -1)


def success(hallway: Hallway, world: World) -> jax.Array:
  """Returns whether the agent is at the choice of the clue's colour, bool."""
  side = chosen(hallway, world)
  return (side >= 0) & (world.map.choice[side] == world.map.clue)


def move(hallway: Hallway, world: World, action: jax.Array) -> World:
  """Turns or walks, until a choice is made."""
  if world.key is not None:
    now = jax.random.fold_in(world.key, world.time)
    action = draws.slip(now, action, len(passage.ACTIONS), hallway.action_noise)
  x, y = ahead = world.position + jnp.asarray(tiles.FORWARD)[world.heading]
  free = jnp.asarray(_fixed(hallway))[y, x] == tiles.EMPTY
  over = chosen(hallway, world) >= 0
  turn = (action == RIGHT).astype(jnp.int32) - (action == LEFT)
  walks = (action == FORWARD) & free & ~over
  after = world._replace(
    position=jnp.where(walks, ahead, world.position),
    heading=jnp.where(over, world.heading, (world.heading + turn) % 4),
    time=world.time + 1,
  )
  if world.movers is None:
    return after
  moved = squares.wander(
    jax.random.fold_in(now, 1), world.movers, passage.FIRST, hallway.last
  )
  return after._replace(movers=moved)


def grid(hallway: Hallway, world: World) -> jax.Array:
  """Returns the kinds of all cells, int32 [H, W]."""
  clue, choice, distractors = world.map
  x, y = passage.CLUE
  cells = jnp.asarray(passage.walls(hallway))
  cells = cells.at[passage.MIDDLE].set(
    jnp.where(distractors < 0, cells[passage.MIDDLE], tiles.SOLID + distractors)
  )
  cells = cells.at[y, x].set(tiles.SOLID + clue)
  rows = np.array(passage.CHOICES)
  cells = cells.at[rows, hallway.junction].set(tiles.SOLID + choice)
  if world.movers is None:
    return cells
  return squares.draw(cells, passage.MIDDLE, world.movers)


def frame(hallway: Hallway, world: World) -> jax.Array:
  """Returns the cells around the agent, uint8 [H, W, 3].

  The agent hides the square that it walks over, as in the paper's figures and
  in MiniGrid's own view of an agent.
  """
  cells = tiles.crop(grid(hallway, world), world.position)
  middle = len(cells) // 2
  cells = cells.at[middle, middle].set(tiles.EMPTY)
  return tiles.paint(cells, world.heading)


def _fixed(hallway):
  """Returns the map of what blocks, int32 [H, W], in no matter what colour."""
  cells = passage.walls(hallway)
  x, y = passage.CLUE
  cells[y, x] = tiles.SOLID
  cells[passage.CHOICES, hallway.junction] = tiles.SOLID
  return cells


class DistractingMemory(base.Env):
  """Finding the choice that has the clue's colour; it pays 1, once.

  Args:
    hallway: the plan, or the name of one, such as 'width_100'.
  """

  def __init__(self, hallway: Hallway | str = 'width_100'):
    given = hallway
    if isinstance(hallway, str):
      hallway = passage.named(hallway)
    if hallway is None:
      raise ValueError(
        f'DistractingMemory: no such hallway; got {given!r}, need one such as '
        "'width_100'; change DistractingMemory.hallway"
      )
    self.hallway = passage.check(hallway)

  def reset(self, rng: jax.Array) -> base.State:
    """Draws an episode from a raw uint32 key."""
    world, zero = start(self.hallway, rng), jnp.zeros(())
    return base.State(
      world, self._observe(world), zero, zero, info={'truncation': zero}
    )

  def step(self, state: base.State, action: jax.Array) -> base.State:
    """Applies an action, an integer below 3."""
    before = state.pipeline_state
    world = move(self.hallway, before, action)
    over = chosen(self.hallway, world) >= 0
    late = world.time >= self.hallway.length - 1
    won = success(self.hallway, world) & ~success(self.hallway, before)
    return state.replace(
      pipeline_state=world,
      obs=self._observe(world),
      reward=won.astype(jnp.float32),
      done=(over | late).astype(jnp.float32),
      info=state.info | {'truncation': (late & ~over).astype(jnp.float32)},
    )

  def _observe(self, world):
    return {'image': frame(self.hallway, world)}

  @property
  def observation_size(self) -> dict[str, tuple[int, ...]]:
    """The shape of the frame."""
    return {'image': self.hallway.frame}

  @property
  def action_size(self) -> int:
    """The number of actions."""
    return len(passage.ACTIONS)

  @property
  def backend(self) -> str:
    """Not one of brax's physics."""
    return 'hallway'


envs.register_environment('hallway', DistractingMemory)
