"""How long a run will take on a CPU, said before it begins."""

import math
import time
from collections.abc import Callable

import jax

from experiments import blanks
from wm.data.task import Task
from wm.types import Batch, Learner, Loader

LONG = 1e11
"""Pixel values to learn from (steps x batch x time x frame) above which a run
on a CPU takes hours; a run under laptop.gin has about 1e10."""


def tell(
  task: Task,
  learner: Learner,
  loader: Callable[..., Loader],
  steps: int,
  batch: int,
) -> None:
  """Prints the expected time of a long run on a CPU; else does nothing.

  Args:
    task: Data set and model.
    learner: Of the model.
    loader: `(episodes=..., num_actions=...) -> Loader`.
    steps: Updates of the run.
    batch: Episodes of an update, or as many frames.
  """
  length, frame = task.metadata['length'], task.metadata['frame']
  work = steps * batch * length * math.prod(frame)
  alone = jax.process_count() == 1
  if jax.default_backend() != 'cpu' or work < LONG or not alone:
    return
  print('This is a paper-scale run on a CPU: timing a part of one step ...')
  zeros = blanks.Episodes(task.metadata)
  rows = loader(episodes=zeros, num_actions=task.metadata['num_actions'])(0)
  part = {
    name: x[:1, : max(x.shape[1] // 4, 2)] for name, x in rows.items()
  }
  share = part['mask'].size / (batch * length)
  seconds = _seconds(learner, part) / share * steps
  frames = sum(task.metadata['splits'].values()) * length
  print(
    f'Training will take {_readable(seconds)} or more on this CPU, and a data '
    f'set of {frames:,} frames is rendered first if it is missing. For a run '
    'of minutes add --gin_file=laptop.gin; the paper scale is meant for a GPU '
    'or TPU.'
  )


def _seconds(learner: Learner, data: Batch) -> float:
  state = jax.jit(learner.init)(jax.random.key(0), data)
  update = jax.jit(learner.update)
  jax.block_until_ready(update(state, data))
  start = time.perf_counter()
  jax.block_until_ready(update(state, data))
  return time.perf_counter() - start


def _readable(seconds: float) -> str:
  for unit, size in (('days', 86400), ('hours', 3600)):
    if seconds > 2 * size:
      return f'{seconds / size:.0f} {unit}'
  return f'{seconds / 60:.0f} minutes'
