"""What a run has learned, for the programs that use it."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp

from wm import config
from wm.data import batch as batching
from wm.data.task import Task
from wm.train import checkpoint, sharding, stores
from wm.types import Params


def trained(
  workdir: Path,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
) -> tuple[Task, Params]:
  """Returns a run's data set with its model, and what the model has learned.

  It is how a run, or an export, is used from Python.

  Args:
    workdir: The run folder.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.

  Raises:
    ValueError: If there is no run, or none that can be read.
  """
  file = Path(workdir) / 'config.gin'
  if not file.is_file():
    raise ValueError(f'restoring.trained: {workdir} holds no run')
  build = 'config.program.build = @task.task()'
  task = config.parse(['base.gin', str(file)], [build], 'train')
  return task, params(task, Path(workdir), pick)[1]


def params(
  task: Task,
  workdir: Path,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
  layout: sharding.Layout | None = None,
) -> tuple[int, Params]:
  """Returns the step and the parameters of a run's checkpoint.

  Args:
    task: Data set and model of the run.
    workdir: The run folder.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.
    layout: Of devices, on each of which they will lie; by default on one.

  Raises:
    ValueError: If there is none, or if it cannot be read.
  """
  lead = 1, 2
  rows = {
    **batching.blank(task.metadata, lead),
    'prev_action': jax.ShapeDtypeStruct(
      (*lead, task.metadata['num_actions']), jnp.float32
    ),
  }
  lies = None if layout is None else sharding.everywhere(layout)
  init = jax.jit(task.model.init, out_shardings=lies)
  like = jax.eval_shape(init, jax.random.key(0), rows)
  store = stores.reading(workdir / 'checkpoints')
  try:
    step = pick(store)
    return step, checkpoint.restore_params(store, step, like)
  finally:
    stores.close(store)
