"""The scripted policy of Multi Doors Keys: a survey, then errands.

The survey walks along the lowest row of the corridor, where all keys come into
view, and back along the middle row, where all doors do. An errand is to take a
key that is still there, or to try a door, whatever its state and whatever is in
hand. Each action is chosen from where the agent is, not from where it should
be: an errand is run also where actions go wrong, or where it strays.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from datasets.worlds import corridor as corridors
from datasets.worlds import doors_keys, draws
from datasets.worlds.corridor import Corridor

SURVEY = 3
"""Number of legs of the survey: there, along and back."""


class Errands(NamedTuple):
  """The script's memory.

  Attributes:
    key: raw uint32 key of the script's draws.
    leg: int32, of the survey; SURVEY once it is over.
    ends: int32 [2], columns where the survey begins and turns.
    errand: int32, door 0 to K - 1, or K + key; -1 where none was begun.
    over: bool, whether the errand's door was tried.
  """

  key: jax.Array
  leg: jax.Array
  ends: jax.Array
  errand: jax.Array
  over: jax.Array


def start(corridor: Corridor, key: jax.Array, world: doors_keys.World):
  """Begins the survey at the nearer end."""
  ends = jnp.array(corridors.ends(corridor), jnp.int32)
  away = jnp.abs(ends - world.position[0])
  ends = jnp.where(away[0] <= away[1], ends, ends[::-1])
  return Errands(key, jnp.int32(0), ends, jnp.int32(-1), jnp.array(False))


def act(
  corridor: Corridor, script: Errands, world: doors_keys.World
) -> tuple[Errands, jax.Array]:
  """Returns the script's memory and the action at a state."""
  bits = jax.random.bits(
    jax.random.fold_in(script.key, world.time), (1 + corridor.keys,)
  )
  arrived = jnp.all(world.position == _goal(corridor, script))
  script = script._replace(leg=jnp.minimum(script.leg + arrived, SURVEY))
  script = _choose(corridor, bits, script, world)
  goal, door = _goal(corridor, script), script.errand < corridor.keys
  there = jnp.all(world.position == goal)
  lane = jnp.where(script.leg < 2, corridors.BOTTOM, corridors.MIDDLE)
  way = _way(world.position, goal, lane)
  way = jnp.where(there, jnp.where(door, 3, 1), way)
  deed = jnp.where(door, doors_keys.TOGGLE, doors_keys.PICKUP)
  straight = jnp.where(there, deed, doors_keys.FORWARD)
  turn = (way - world.heading) % 4
  action = jnp.where(turn == 1, doors_keys.RIGHT, doors_keys.LEFT)
  action = jnp.where(turn == 0, straight, action)
  strays = jax.random.fold_in(jax.random.fold_in(script.key, world.time), 1)
  action = draws.slip(strays, action, len(corridors.ACTIONS), corridor.stray)
  tried = doors_keys.tries(corridor, world, action)
  return script._replace(over=tried == script.errand), action


def _choose(corridor, bits, script, world):
  """Begins an errand where one is over: a key there, or another door."""
  keys = corridor.keys
  taken = world.key_taken[jnp.maximum(script.errand - keys, 0)]
  over = jnp.where(script.errand < keys, script.over, taken)
  over = (over | (script.errand < 0)) & (script.leg == SURVEY)
  fetch = draws.chance(bits[0], corridor.fetch) & ~jnp.all(world.key_taken)
  fair = jnp.where(fetch, ~world.key_taken, jnp.arange(keys) != script.errand)
  order = (bits[1:] >> 1).astype(jnp.int32)
  errand = jnp.argmax(jnp.where(fair, order, -1)) + keys * fetch
  return script._replace(errand=jnp.where(over, errand, script.errand))


def _goal(corridor, script):
  """Returns the cell from which the leg or the errand is done, int32 [2]."""
  keys = corridor.keys
  row = jnp.where(script.errand < keys, corridors.TOP, corridors.GAP)
  errand = jnp.stack([jnp.asarray(corridor.columns)[script.errand % keys], row])
  rows = corridors.BOTTOM, corridors.BOTTOM, corridors.MIDDLE
  legs = jnp.stack([script.ends[jnp.array([0, 1, 0])], jnp.array(rows)], -1)
  leg = legs[jnp.minimum(script.leg, SURVEY - 1)]
  return jnp.where(script.leg < SURVEY, leg, errand)


def _way(position, goal, lane):
  """Returns the heading to walk in: in a lane of the corridor to a column.

  Out of a room, too: from a row of rooms first to the column of its opening.
  """
  (x, y), (column, row) = position, goal
  inside = (y < corridors.DOOR) | (y > corridors.GAP)
  aside = jnp.where(inside, x // 4 * 4 + 2, column) - x
  along = jnp.where(x == column, row, lane) - y
  sideways = jnp.where(inside, aside != 0, (aside != 0) & (along == 0))
  return jnp.where(
    sideways, jnp.where(aside > 0, 0, 2), jnp.where(along > 0, 1, 3)
  )


def play(corridor: Corridor, key: jax.Array) -> tuple:
  """Plays an episode without frames.

  Args:
    corridor: the plan.
    key: raw uint32 key.

  Returns:
    worlds: `doors_keys.World` of all steps, [T, ...].
    actions: int32 [T], meant at each step; the last one has no effect.
    trial: int32 [T], the door that the action of each step toggles, or -1.
  """
  here, script = jax.random.split(key)
  world = doors_keys.start(corridor, here)

  def step(carry, _):
    world, script = carry
    script, action = act(corridor, script, world)
    trial = doors_keys.tries(corridor, world, action)
    ahead = doors_keys.move(corridor, world, action)
    return (ahead, script), (world, action, trial)

  carry = world, start(corridor, script, world)
  _, (worlds, action, trial) = jax.lax.scan(step, carry, None, corridor.length)
  return worlds, action, trial.at[-1].set(-1)


def film(corridor: Corridor, key: jax.Array) -> dict[str, jax.Array]:
  """Plays an episode and films it.

  Args:
    corridor: the plan.
    key: raw uint32 key.

  Returns:
    image uint8 [T, H, W, 3]; action int32 [T]; reward float32 [T], for what
    each action opens; pose int32 [T, 3], (x, y) in cells and the heading;
    door_color and key_color int32 [K]; door_open and key_taken bool [T, K];
    inventory int32 [T, C]; trial int32 [T]; with movers, mover_color int32 [M]
    and mover_column int32 [T, M].
  """
  worlds, action, trial = play(corridor, key)
  image = jax.vmap(functools.partial(doors_keys.frame, corridor))(worlds)
  opened = jnp.sum(worlds.door_open, -1)
  take = {
    'image': image,
    'action': action,
    'reward': jnp.diff(opened, append=opened[-1:]).astype(jnp.float32),
    'pose': jnp.c_[worlds.position, worlds.heading],
    'door_color': worlds.door_color[0],
    'key_color': worlds.key_color[0],
    'door_open': worlds.door_open,
    'key_taken': worlds.key_taken,
    'inventory': worlds.inventory,
    'trial': trial,
  }
  if worlds.movers is None:
    return take
  column, color = worlds.movers
  return take | {'mover_column': column, 'mover_color': color[0]}
