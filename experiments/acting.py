"""Policies in true worlds: where they start, and what they bring in."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wm.control import memory
from wm.control.actions import Actions
from wm.control.memory import Policy
from wm.data import loader as loading
from wm.data.task import Task
from wm.types import Array, Params


def starts(
  task: Task,
  params: Params,
  split: str,
  steps: np.ndarray,
  batch: int,
  seed: int,
) -> memory.Starts:
  """Returns what a model remembers of the first episodes of a split.

  Args:
    task: Data set and model.
    params: The model's.
    split: Of the data set.
    steps: int `[N, K]`, after which K steps of each of N episodes.
    batch: Episodes observed at a time.
    seed: Of the latents' draws.
  """
  encode = jax.jit(
    lambda params, key, rows, steps: memory.starts(
      task.model, params, key, rows, steps
    )
  )
  key, found = jax.random.key(seed), []
  rows = loading.in_order(
    task.load(split=split),
    task.metadata['num_actions'],
    batch=batch,
    count=len(steps),
  )
  for number, part in enumerate(rows):
    here = np.take(
      steps, range(number * batch, (number + 1) * batch), axis=0, mode='clip'
    )
    draw = jax.random.fold_in(key, number)
    one = encode(params, draw, part, here)
    found.append(one._replace(t=one.t[None]))
  joined = jax.tree.map(lambda *x: jnp.concatenate(x)[: steps.size], *found)
  return joined._replace(t=joined.t[0])


def true_starts(
  task: Task,
  params: Params,
  env: Any,
  start_key: Callable[..., Array],
  split: str,
  count: int,
  context: int,
  batch: int,
  seed: int,
) -> tuple[np.ndarray, memory.Starts]:
  """Returns ends of contexts, in the model and in the world.

  Of the first episodes of a split, those that are not over by then; and their
  numbers.

  Args:
    task: Data set and model.
    params: The model's.
    env: The world of the episodes.
    start_key: `(split=..., number=...) -> key`, what the world is reset with
      to begin an episode.
    split: Of the data set.
    count: How many episodes, from the first.
    context: Frames of it.
    batch: Episodes observed at a time.
    seed: Of the latents' draws.

  Raises:
    ValueError: All of them are over by then.
  """
  ends = np.full((count, 1), context - 1)
  seen = starts(task, params, split, ends, batch, seed)
  world = worlds(env, task.load(split=split), start_key, context, count, split)
  goes_on = np.flatnonzero(world.done == 0)
  if not goes_on.size:
    raise ValueError(
      f'acting: all of {count} episodes of {split!r} are over after a context '
      f'of {context} frames; lower control.control.context or '
      'collect.collect.context'
    )
  return goes_on, jax.tree.map(
    lambda x: x[goes_on] if x.ndim else x, seen._replace(world=world)
  )


def check(where: str, length: int, context: int, horizon: int) -> None:
  """Raises a ValueError if no episode could begin after a context.

  Args:
    where: The gin name of what asks.
    length: Frames of an episode of the data set.
    context: Frames before an episode starts.
    horizon: Its steps.
  """
  if not 0 < context < length or horizon < 1:
    raise ValueError(
      f'{where}: episodes have {length} frames; got a context of {context} and '
      f'{horizon} steps after it, need 1 to {length - 1} and 1 or more; change '
      f'{where}.context or {where}.horizon'
    )


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


def worlds(
  env: Any,
  episodes: Sequence[Mapping[str, Any]],
  start_key: Callable[..., Array],
  context: int,
  count: int,
  split: str,
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

  @jax.jit
  @jax.vmap
  def end(key: Array, actions: Array) -> Any:
    def step(world: Any, action: Array) -> tuple[Any, None]:
      return env.step(world, action), None

    return jax.lax.scan(step, env.reset(key), actions)[0]

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
  """

  memories: memory.Memory
  observed: dict[str, Array]
  actions: Array
  rewards: Array
  ends: Array


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
      seen = state.pipeline_state[1].obs
      return state, (seen, action, state.reward, state.done > 0)

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
