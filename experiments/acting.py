"""What policies bring in, in true worlds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wm.control import memory
from wm.control.actions import Actions
from wm.control.memory import Policy
from wm.types import Array


def scripted(
  episodes: Sequence[Mapping[str, Any]],
  numbers: np.ndarray,
  context: int,
  horizon: int,
) -> np.ndarray:
  """Returns what the recorded actions bring in after contexts, `[N]`.

  Args:
    episodes: Of the data set.
    numbers: Of N of them.
    context: Frames of it.
    horizon: Steps that count.
  """
  rewards = (episodes[int(n)]['reward'] for n in numbers)
  query = slice(context - 1, context - 1 + horizon)
  return np.array([np.sum(x[query]) for x in rewards])


def judge(
  env: Any, horizon: int
) -> Callable[[Policy, np.ndarray, Array], np.ndarray]:
  """Returns `(policy, numbers[N], keys[N, 2]) -> returns [N]`, of episodes.

  Args:
    env: A `remembering.Remembering`, of one episode; numbers are those of its
      starts.
    horizon: Steps after which an episode is cut off.
  """

  def returns(policy: Policy, numbers: np.ndarray, keys: Array) -> np.ndarray:
    @jax.jit
    @jax.vmap
    def play(number: Array, key: Array) -> Array:
      def step(carry: tuple, key: Array) -> tuple[tuple, None]:
        state, total, alive = carry
        action, _ = policy(state.obs, key)
        state = env.step(state, action)
        total += alive * state.reward
        return (state, total, alive * (1 - state.done)), None

      begin, acts = jax.random.split(key)
      state = env.begin(number, begin)
      start = state, jnp.zeros(()), 1 - state.done
      (_, total, _), _ = jax.lax.scan(
        step, start, jax.random.split(acts, horizon)
      )
      return total

    return np.asarray(play(jnp.asarray(numbers), keys))

  return returns


def random(actions: Actions) -> Policy:
  """Returns the policy that draws all actions alike."""
  return lambda obs, key: (actions.draw(key), {})


class Film(NamedTuple):
  """Episodes of a policy.

  Attributes:
    memories: What the model remembers at their starts, leaves `[N, ...]`.
    observed: What the world showed, `[N, K + 1, ...]` by name, such as `image`,
      that of the start first.
    actions: `[N, K]`, or `[N, K, A]`.
    rewards: `[N, K]`, that follow them.
    ends: bool `[N, K]`, whether they end the episode.
    terminal: bool `[N, K]`, whether the world has ended by itself, and is not
      cut off by a limit of time, which is brax's `info['truncation']`.
  """

  memories: memory.Memory
  observed: dict[str, Array]
  actions: Array
  rewards: Array
  ends: Array
  terminal: Array


def film(
  env: Any, policy: Policy, horizon: int
) -> Callable[[np.ndarray, Array], Film]:
  """Returns `(numbers[N], keys[N, 2]) -> Film`; numbers are those of starts.

  Args:
    env: A `remembering.Remembering`, of one episode.
    policy: Who acts.
    horizon: K.
  """

  @jax.jit
  @jax.vmap
  def film(number: Array, key: Array) -> Film:
    def step(state: Any, key: Array) -> tuple:
      action, _ = policy(state.obs, key)
      state = env.step(state, action)
      world = state.pipeline_state[1]
      over = state.done > world.info.get('truncation', 0)
      return state, (world.obs, action, state.reward, state.done > 0, over)

    begin, acts = jax.random.split(key)
    state = env.begin(number, begin)
    seen, world = state.pipeline_state
    _, (observed, *rest) = jax.lax.scan(
      step, state, jax.random.split(acts, horizon)
    )
    observed = jax.tree.map(
      lambda first, x: jnp.concatenate([first[None], x]), world.obs, observed
    )
    return Film(seen, observed, *rest)

  return film
