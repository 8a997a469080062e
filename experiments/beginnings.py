"""Where episodes begin: in memory, and in the true world."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from wm.control import memory
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
    ValueError: All of them are over by then, or the world is another.
  """
  episodes = task.load(split=split)
  world = worlds(env, episodes, start_key, context, count, split)
  check_world(world.obs, episodes, context, split)
  ends = np.full((count, 1), context - 1)
  seen = starts(task, params, split, ends, batch, seed)
  goes_on = np.flatnonzero(world.done == 0)
  if not goes_on.size:
    raise ValueError(
      f'beginnings: all of {count} episodes of {split!r} are over after a '
      f'context of {context} frames; lower control.control.context or '
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


def check_world(
  shown: Mapping[str, Array],
  episodes: Sequence[Mapping[str, Any]],
  context: int,
  split: str,
) -> None:
  """Raises a ValueError where worlds show other than was recorded.

  Machines round differently, so that a few pixels may be a little off.

  Args:
    shown: What the first worlds of a split show, `[N, ...]` by name.
    episodes: Of the split.
    context: Frames of an episode by then.
    split: Which these are.
  """
  for name, x in shown.items():
    seen = [episodes[number]['observation'] for number in range(len(x))]
    kinds = {n: x.shape[1:] for n, x in seen[0].items()}
    if kinds.get(name) != x.shape[1:]:
      raise ValueError(
        f'beginnings: the world shows {name} {x.shape[1:]}, recorded are '
        f'{kinds}; change catalogue.environment'
      )
    recorded = np.stack([one[name][context - 1] for one in seen])
    near = 8 if recorded.dtype == np.uint8 else 0.01
    off = ~(np.abs(np.asarray(x, float) - recorded) <= near)
    wrong = np.flatnonzero(off.reshape(len(off), -1).mean(1) > 0.01)
    if wrong.size:
      raise ValueError(
        f'beginnings: after {context} frames the world shows another {name} '
        f'than episode {wrong[0]} of {split!r} ({wrong.size} of {len(x)} '
        'episodes differ); they must be those that start_key begins, in their '
        'order: give DATA as the world made it, or change '
        'catalogue.environment and catalogue.start_key'
      )
