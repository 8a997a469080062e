"""How long a run will take on a CPU, said before it begins."""

import math
import time

import jax
import numpy as np

from wm.data import batch as batching
from wm.data.task import Task
from wm.types import Learner

LONG = 1e11
"""Pixel values to learn from (steps x batch x time x frame) above which a run
on a CPU takes hours; a run under laptop.gin has about 1e10."""


def tell(task: Task, learner: Learner, steps: int, batch: int) -> None:
  """Prints the expected time of a long run on a CPU; else does nothing."""
  length, frame = task.metadata['length'], task.metadata['frame']
  work = steps * batch * length * math.prod(frame)
  alone = jax.process_count() == 1
  if jax.default_backend() != 'cpu' or work < LONG or not alone:
    return
  print('This is a paper-scale run on a CPU: timing a part of one step ...')
  part = max(length // 4, 2)
  seconds = _seconds(task, learner, part) * batch * length / part * steps
  frames = sum(task.metadata['splits'].values()) * length
  print(
    f'Training will take {_readable(seconds)} or more on this CPU, and a data '
    f'set of {frames:,} frames is rendered first if it is missing. For a run '
    'of minutes add --gin_file=laptop.gin; the paper scale is meant for a GPU '
    'or TPU.'
  )


def _seconds(task: Task, learner: Learner, length: int) -> float:
  data = {
    **batching.blank(task.metadata, (1, length)),
    'prev_action': np.zeros(
      (1, length, task.metadata['num_actions']), np.float32
    ),
    'reward': np.zeros((1, length), np.float32),
    'mask': np.ones((1, length), np.float32),
  }
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
