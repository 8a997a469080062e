"""A trained world model as a brax environment."""

from typing import Any

import jax
import jax.numpy as jnp
from brax.envs import base

from wm.control import memory as memories
from wm.control.memory import Memory, Starts, Vector
from wm.types import Array, Params, Rollout, WorldModel


class Imagined(base.Env):
  """What a world model believes would happen.

  An episode starts from what the model remembers of a real one. The reward is
  the mean of the model's head of that name; where the model has a head
  `continue`, the episode is done as soon as it says that it more likely ended.

  Args:
    model: The world model.
    params: Its parameters.
    starts: Of episodes.
    vector: From an action to the model's.
    action_size: Number of actions, or of numbers in one.

  Raises:
    ValueError: The model knows no reward.
  """

  def __init__(
    self,
    model: WorldModel,
    params: Params,
    starts: Starts,
    vector: Vector,
    action_size: int,
  ):
    self._model, self._starts, self._vector = model, starts, vector
    self._ready = jax.jit(model.prepare)(params)
    self._size = starts.h.shape[-1] + starts.z.shape[-1]
    self._action_size = action_size
    seen = Rollout(starts.h[:1], starts.z[:1], None, None)
    heads = jax.eval_shape(model.predict, params, seen)
    if 'reward' not in heads:
      raise ValueError(
        'Imagined: the model knows no reward; got heads '
        f'{", ".join(sorted(heads))}; add reward to '
        'world_model.world_model.heads and train again'
      )

  def reset(self, rng: Array) -> base.State:
    """Draws a start from a raw uint32 key."""
    number, key = memories.draw(self._starts, rng)
    memory, _ = memories.at(self._starts, number, key)
    zero = jnp.zeros(())
    return base.State(memory, memories.features(memory), zero, zero)

  def step(self, state: base.State, action: Array) -> base.State:
    """Imagines a step."""
    memory = state.pipeline_state
    after, rollout = self._model.step(
      self._ready, memory.key, memory.state, self._vector(action)[None]
    )
    memory = Memory(after, rollout.h, memory.key)
    guess: dict[str, Any] = self._model.predict(self._ready, rollout)
    goes_on = guess.get('continue', jnp.ones(1))[0]
    return state.replace(
      pipeline_state=memory,
      obs=memories.features(memory),
      reward=guess['reward'][0],
      done=(goes_on < 0.5).astype(jnp.float32),
    )

  @property
  def observation_size(self) -> int:
    """D + Z, of [h_t, z_t]."""
    return self._size

  @property
  def action_size(self) -> int:
    """Number of actions, or of numbers in one."""
    return self._action_size

  @property
  def backend(self) -> str:
    """Not one of brax's physics."""
    return 'world_model'
