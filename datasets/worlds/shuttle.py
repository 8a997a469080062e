"""The scripted policy of Distracting Memory: to and fro, then a choice.

The agent walks right to the choices, back to the clue, and right again to one
of the choices, drawn at random. Each action is chosen from where the agent is,
not from where it should be: it gets there also where actions go wrong, or where
it strays.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from datasets.worlds import draws, hallway, passage
from datasets.worlds.passage import Hallway


class Shuttle(NamedTuple):
  """The script's memory.

  Attributes:
    leg: int32, 0 to the right, 1 back, 2 to the choice.
    side: int32, of the choice: 0 top, 1 bottom.
  """

  leg: jax.Array
  side: jax.Array


def start(key: jax.Array) -> Shuttle:
  """Draws a side."""
  return Shuttle(jnp.int32(0), draws.below(jax.random.bits(key), 2))


def act(
  plan: Hallway, script: Shuttle, world: hallway.World
) -> tuple[Shuttle, jax.Array]:
  """Returns the script's memory and the action at a state."""
  x, y = world.position
  arrived = jnp.stack([x >= plan.turn, x == 1, jnp.array(False)])[script.leg]
  leg = script.leg + arrived
  chooses = (leg == 2) & (x == plan.junction)
  way = jnp.where(leg == 1, 2, jnp.where(chooses, 3 - 2 * script.side, 0))
  way = jnp.where(y == passage.MIDDLE, way, jnp.where(y > passage.MIDDLE, 3, 1))
  # Turning round, it looks down in between.
  left, right, forward = hallway.LEFT, hallway.RIGHT, hallway.FORWARD
  around = jnp.where(world.heading == 0, right, left)
  turns = jnp.stack([forward, right, around, left])
  action = turns[(way - world.heading) % 4]
  return script._replace(leg=leg), action


def play(plan: Hallway, key: jax.Array) -> tuple:
  """Plays an episode without frames.

  Args:
    plan: of the hallway.
    key: raw uint32 key.

  Returns:
    worlds: `hallway.World` of all steps, [T, ...], the map without time.
    actions: int32 [T], meant at each step; the last one has no effect.
    side: int32, the choice that the script makes for: 0 top, 1 bottom.
  """
  here, there = jax.random.split(key)
  world, script = hallway.start(plan, here), start(there)

  def step(carry, _):
    world, script = carry
    script, action = act(plan, script, world)
    strays = jax.random.fold_in(there, world.time)
    action = draws.slip(strays, action, len(passage.ACTIONS), plan.stray)
    seen = world._replace(map=None)
    return (hallway.move(plan, world, action), script), (seen, action)

  carry = world, script
  _, (seen, action) = jax.lax.scan(step, carry, None, plan.length)
  return seen._replace(map=world.map), action, script.side


def film(plan: Hallway, key: jax.Array) -> dict[str, jax.Array]:
  """Plays an episode and films it.

  Args:
    plan: of the hallway.
    key: raw uint32 key.

  Returns:
    image uint8 [T, H, W, 3]; action int32 [T]; reward float32 [T], 1 for the
    action that enters the cell at the right choice; terminal bool [T], whether
    a choice was made; pose int32 [T, 3], (x, y) in cells and the heading; clue
    int32; choice int32 [2]; side int32, of the choice that was made, or else
    meant: 0 top, 1 bottom; distractors int32 [W]; success bool; with movers,
    mover_color int32 [M] and mover_column int32 [T, M].
  """
  worlds, action, side = play(plan, key)

  def still(now):
    world = now._replace(map=worlds.map)
    return (
      hallway.frame(plan, world),
      hallway.chosen(plan, world),
      hallway.success(plan, world),
    )

  image, chosen, won = jax.vmap(still)(worlds._replace(map=None))
  take = {
    'image': image,
    'action': action,
    'reward': jnp.diff(won.astype(jnp.float32), append=won[-1:]),
    'terminal': chosen >= 0,
    'pose': jnp.c_[worlds.position, worlds.heading],
    'side': jnp.where(chosen[-1] < 0, side, chosen[-1]),
    'success': won[-1],
  }
  take |= worlds.map._asdict()
  if worlds.movers is None:
    return take
  return take | {
    'mover_column': worlds.movers.column,
    'mover_color': worlds.movers.color[0],
  }
