"""A true environment, seen through the memory of a world model."""

import jax
from brax.envs import base

from wm.control import memory as memories
from wm.control.memory import Memory, Starts, Vector
from wm.types import Array, Params, WorldModel


class Remembering(base.Env):
  """An environment whose observation is [h_t, z_t] of a world model.

  The model filters what is observed as it comes, one step at a time, so that a
  policy learned in `environment.Imagined` can act here.

  Args:
    env: The true one; it observes `{'image': uint8 [H, W, C]}`, or another
      field that the model observes.
    model: The world model.
    params: Its parameters.
    starts: Of episodes, with their true states, `base.State`s of `env`.
    vector: From an action to the model's.

  Raises:
    ValueError: Starts are without true states.
  """

  def __init__(
    self,
    env: base.Env,
    model: WorldModel,
    params: Params,
    starts: Starts,
    vector: Vector,
  ):
    if starts.world is None:
      raise ValueError(
        'Remembering: starts have no true states; give them as Starts.world'
      )
    self._env, self._model, self._starts = env, model, starts
    self._ready = jax.jit(model.prepare)(params)
    self._vector = vector

  def reset(self, rng: Array) -> base.State:
    """Draws a start from a raw uint32 key."""
    return self.begin(*memories.draw(self._starts, rng))

  def begin(self, number: Array, key: Array) -> base.State:
    """Goes to the start of that number; the raw key is of latents to come."""
    memory, world = memories.at(self._starts, number, key)
    return base.State(
      (memory, world), memories.features(memory), world.reward, world.done
    )

  def step(self, state: base.State, action: Array) -> base.State:
    """Acts, and filters the frame that comes of it."""
    memory, world = state.pipeline_state
    world = self._env.step(world, action)
    row = {name: x[None] for name, x in world.obs.items()}
    row['prev_action'] = self._vector(action)[None]
    after, rollout = self._model.see(
      self._ready, memory.key, memory.state, row
    )
    memory = Memory(after, rollout.h, memory.key)
    return state.replace(
      pipeline_state=(memory, world),
      obs=memories.features(memory),
      reward=world.reward,
      done=world.done,
    )

  @property
  def observation_size(self) -> int:
    """D + Z, of [h_t, z_t]."""
    return self._starts.h.shape[-1] + self._starts.z.shape[-1]

  @property
  def action_size(self) -> int:
    """That of the true environment."""
    return self._env.action_size

  @property
  def backend(self) -> str:
    """That of the true environment."""
    return self._env.backend
