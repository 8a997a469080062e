"""Environments that start anew when an episode is over."""

import jax
import jax.numpy as jnp
from brax.envs import base
from brax.envs.wrappers import training

from wm.types import Array


class FreshStarts(base.Wrapper):
  """A batch of environments, each of which draws a new start when it is done.

  brax's `AutoResetWrapper` goes back to the first start each time, that is, to
  the same maze and the same clue.
  """

  def reset(self, rng: Array) -> base.State:
    """Draws a start for each raw key, uint32 `[N, 2]`."""
    rng, following = _split(rng)
    state = self.env.reset(rng)
    state.info['next_start'] = following
    return state

  def step(self, state: base.State, action: Array) -> base.State:
    """Acts; where an episode is done, the observation is of the next one."""
    rng, following = _split(state.info['next_start'])
    if 'steps' in state.info:
      steps = jnp.where(state.done, 0, state.info['steps'])
      state.info['steps'] = steps
    state = state.replace(done=jnp.zeros_like(state.done))
    state = self.env.step(state, action)
    fresh = self.env.reset(rng)
    state.info['next_start'] = following

    def where_done(new: Array, old: Array) -> Array:
      done = state.done.reshape(-1, *[1] * (new.ndim - 1))
      return jnp.where(done, new, old)

    return state.replace(
      pipeline_state=jax.tree.map(
        where_done, fresh.pipeline_state, state.pipeline_state
      ),
      obs=jax.tree.map(where_done, fresh.obs, state.obs),
    )


def batched(env: base.Env, episode_length: int) -> base.Wrapper:
  """Returns an environment as brax's training algorithms want it.

  Args:
    env: Of one episode.
    episode_length: Steps after which an episode is cut off.
  """
  env = training.VmapWrapper(env)
  env = training.EpisodeWrapper(env, episode_length, action_repeat=1)
  return FreshStarts(env)


def _split(rng: Array) -> tuple[Array, Array]:
  keys = jax.vmap(jax.random.split)(rng)
  return keys[:, 0], keys[:, 1]
