"""A brax environment: brax's inverted pendulum, observed as a state.

A pole that has fallen stays as it is and pays nothing any more.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from brax import envs
from brax.envs import base, inverted_pendulum

from datasets.worlds import balance
from datasets.worlds.balance import Balance


class World(NamedTuple):
  """The whole state.

  Attributes:
    physics: of brax's pipeline.
    time: int32, steps since the start.
  """

  physics: Any
  time: jax.Array


class Pole(base.Env):
  """Keeping a pole upright; it pays 1 for each step after which it is.

  Args:
    plan: how long an episode is.
    **arguments: of brax's environment, such as `backend`.
  """

  def __init__(self, plan: Balance = Balance(), **arguments: Any):
    self.plan = plan
    self._brax = inverted_pendulum.InvertedPendulum(**arguments)
    self._force = self._brax.sys.actuator.ctrl_range[:, 1]

  def reset(self, rng: jax.Array) -> base.State:
    """Draws an episode from a raw uint32 key: the pole is nearly upright."""
    physics, zero = self._brax.reset(rng).pipeline_state, jnp.zeros(())
    world = World(physics, jnp.int32(0))
    return base.State(
      world, _observe(physics), zero, zero, info={'truncation': zero}
    )

  def step(self, state: base.State, action: jax.Array) -> base.State:
    """Pushes the cart by an action, `[1]` in [-1, 1]."""
    before, time = state.pipeline_state
    moved = self._brax.pipeline_step(before, self._force * action)
    stays = _fallen(before)
    after = jax.tree.map(lambda x, y: jnp.where(stays, x, y), before, moved)
    time += 1
    fallen, late = _fallen(after), time >= self.plan.length - 1
    return state.replace(
      pipeline_state=World(after, time),
      obs=_observe(after),
      reward=1 - fallen.astype(jnp.float32),
      done=(fallen | late).astype(jnp.float32),
      info=state.info | {'truncation': (late & ~fallen).astype(jnp.float32)},
    )

  @property
  def observation_size(self) -> dict[str, tuple[int, ...]]:
    """The shape of the state."""
    return {'state': self.plan.frame}

  @property
  def action_size(self) -> int:
    """Length of an action."""
    return len(balance.ACTIONS)

  @property
  def backend(self) -> str:
    """One of brax's physics."""
    return self._brax.backend


def _observe(physics: Any) -> dict[str, jax.Array]:
  return {'state': jnp.concatenate([physics.q, physics.qd])}


def _fallen(physics: Any) -> jax.Array:
  return jnp.abs(physics.q[1]) > balance.LEAN


envs.register_environment('pole', Pole)
