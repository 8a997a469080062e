"""Policies in true worlds: where they start, and what they bring in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments import playing
from wm.control.memory import Policy
from wm.types import Array


def worlds(
  env: Any,
  episodes: Sequence[Mapping[str, Any]],
  start_key: Callable[..., Array],
  context: int,
  count: int,
  split: str = 'test',
) -> Any:
  """Returns the true states at the end of contexts, leaves `[count, ...]`.

  Args:
    env: The world of the episodes.
    episodes: Of the split.
    start_key: `(split=..., number=...) -> key`, what the world is reset with
      to begin an episode.
    context: Frames of it; its actions are taken as recorded.
    count: How many episodes, from the first.
    split: Which these are.
  """
  keys = [start_key(split=split, number=number) for number in range(count)]
  actions = [
    np.asarray(episodes[number]['action'])[: context - 1]
    for number in range(count)
  ]
  replay = jax.vmap(playing.film(env))
  end = jax.jit(lambda keys, actions: replay(keys, actions)[0])
  return end(jnp.stack(keys), jnp.asarray(np.stack(actions)))


def judge(env: Any, horizon: int) -> Callable[[Policy, Array], np.ndarray]:
  """Returns `(policy, keys[N, 2]) -> returns [N]`, each of an episode.

  Args:
    env: Of one episode.
    horizon: Steps after which it is cut off.
  """

  def returns(policy: Policy, keys: Array) -> np.ndarray:
    @jax.jit
    @jax.vmap
    def play(key: Array) -> Array:
      def step(carry: tuple, key: Array) -> tuple[tuple, None]:
        state, total, alive = carry
        action, _ = policy(state.obs, key)
        state = env.step(state, action)
        total += alive * state.reward
        return (state, total, alive * (1 - state.done)), None

      begin, acts = jax.random.split(key)
      state = env.reset(begin)
      start = state, jnp.zeros(()), 1 - state.done
      (_, total, _), _ = jax.lax.scan(
        step, start, jax.random.split(acts, horizon)
      )
      return total

    return np.asarray(play(keys))

  return returns


def random(count: int) -> Policy:
  """Returns the policy that draws each of a number of actions alike."""
  return lambda obs, key: (jax.random.randint(key, (), 0, count), {})


def film(env: Any, horizon: int) -> Callable[[Policy, Array], tuple]:
  """Returns `(policy, keys[N, 2]) -> (memories, frames, actions)`.

  These are what the model remembers at the start, leaves `[N, ...]`; true
  frames uint8 `[N, K + 1, H, W, C]`; and actions `[N, K]`.

  Args:
    env: A `remembering.Remembering`, of one episode.
    horizon: K.
  """

  def film(policy: Policy, keys: Array) -> tuple:
    @jax.jit
    @jax.vmap
    def play(key: Array) -> tuple:
      def step(state: Any, key: Array) -> tuple:
        action, _ = policy(state.obs, key)
        state = env.step(state, action)
        return state, (state.pipeline_state[1].obs['image'], action)

      begin, acts = jax.random.split(key)
      state = env.reset(begin)
      memory, world = state.pipeline_state
      _, (frames, actions) = jax.lax.scan(
        step, state, jax.random.split(acts, horizon)
      )
      frames = jnp.concatenate([world.obs['image'][None], frames])
      return memory, frames, actions

    return play(keys)

  return film
