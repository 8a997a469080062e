"""Checkpoints: written in the background, read back whole or not at all."""

import json
import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from wm.train import processes
from wm.types import Params, TrainState


class Checkpoints(NamedTuple):
  """The checkpoints of one run, in `folder`, a sub-folder a step."""

  folder: Path
  manager: ocp.CheckpointManager


def checkpoints(folder: Path, keep: int = 2) -> Checkpoints:
  """Opens a folder of checkpoints, making it if need be.

  Args:
    folder: Where they lie.
    keep: How many of the latest to keep, beside the best one by the metric
      `loss`.
  """
  policy = checkpoint_managers.AnyPreservationPolicy(
    [
      checkpoint_managers.LatestN(keep),
      checkpoint_managers.BestN(get_metric_fn=_loss, reverse=True, n=1),
    ]
  )
  options = ocp.CheckpointManagerOptions(
    preservation_policy=policy,
    best_fn=_loss,
    best_mode='min',
    cleanup_tmp_directories=True,
  )
  folder = Path(folder).absolute()
  with processes.first_alone():
    for partial in folder.glob(f'*{ocp.path.step.TMP_DIR_SUFFIX}*'):
      logging.warning(
        'checkpoint: %s was not written to its end; it is removed and the one '
        'before it is used', partial,
      )
    for step in folder.glob('[0-9]*'):
      if step.name.isdigit() and not _has_measurements(step):
        _set_aside(folder, int(step.name))
  return Checkpoints(folder, ocp.CheckpointManager(folder, options=options))


def save(
  checkpoints: Checkpoints, state: TrainState, measurements: dict[str, float]
) -> None:
  """Writes the state of its step in the background, unless it is there.

  Args:
    checkpoints: Where to.
    state: What to write.
    measurements: Plain numbers; `loss` says which checkpoint is the best.
  """
  items = ocp.args.Composite(
    params=ocp.args.StandardSave(state.params),
    rest=ocp.args.StandardSave(state.replace(params=None)),
  )
  checkpoints.manager.save(int(state.step), args=items, metrics=measurements)


def save_params(
  checkpoints: Checkpoints,
  step: int,
  params: Params,
  measurements: dict[str, float],
) -> None:
  """Writes parameters alone: enough to evaluate, not to go on training.

  Floats may be narrower than the model's; reading widens them.

  Args:
    checkpoints: Where to.
    step: That they are of.
    params: What to write.
    measurements: As `save` takes them.
  """
  items = ocp.args.Composite(params=ocp.args.StandardSave(params))
  checkpoints.manager.save(step, args=items, metrics=measurements)


def measurements(checkpoints: Checkpoints, step: int) -> dict[str, float]:
  """Returns what was measured when a step was saved."""
  return dict(checkpoints.manager.metrics(step))


def restore_last(
  checkpoints: Checkpoints, like: TrainState
) -> TrainState | None:
  """Returns the latest state that can be read, or None if there is none.

  A checkpoint that cannot be read is named, set aside and passed over.

  Args:
    checkpoints: Where from.
    like: A state, or shapes, of the same structure.

  Raises:
    ValueError: If checkpoints are there and none can be read, or if they hold
      parameters alone.
  """
  steps = sorted(checkpoints.manager.all_steps(), reverse=True)
  if steps and not any(checkpoints.folder.glob('[0-9]*/rest')):
    raise ValueError(
      f'checkpoint: {checkpoints.folder.parent} holds parameters alone, as '
      'exports do; to train from them, choose another --workdir, this folder '
      'as checkpoint.parameters.folder, and '
      'train.train.start = @checkpoint.parameters()'
    )
  for step in steps:
    try:
      return restore(checkpoints, step, like)
    except ValueError as error:
      logging.warning('%s', error)
      with processes.first_alone():
        if processes.leads():
          _set_aside(checkpoints.folder, step)
      checkpoints.manager.reload()
  broken = _aside(checkpoints.folder)
  if broken.exists():
    raise ValueError(
      f'checkpoint: none of the checkpoints can be read; they are in {broken}; '
      'remove that folder to train from the start'
    )
  return None


def restore(
  checkpoints: Checkpoints, step: int, like: TrainState
) -> TrainState:
  """Returns the state of one step.

  Raises:
    ValueError: If it cannot be read, or is not of that structure.
  """
  items = _read(
    checkpoints, step, params=like.params, rest=like.replace(params=None)
  )
  return items['rest'].replace(params=items['params'])


def restore_params(checkpoints: Checkpoints, step: int, like: Params) -> Params:
  """Returns the parameters of one step; all that evaluation needs.

  Raises:
    ValueError: If they cannot be read, or are not of that structure.
  """
  return _read(checkpoints, step, params=like)['params']


def parameters(folder: str) -> Callable[[Params], Params]:
  """Returns `(like) -> params`, the last parameters of another run.

  To start from what that run has learned, with a fresh optimiser:
  `train.train.start = @checkpoint.parameters()`.

  Args:
    folder: The run's folder, which holds `checkpoints`.
  """

  def read(like: Params) -> Params:
    path = Path(folder) / 'checkpoints'
    if not path.is_dir():
      raise ValueError(
        f'checkpoint: no run to start from in {folder}; train it first, or '
        'change checkpoint.parameters.folder'
      )
    store = checkpoints(path)
    try:
      return restore_params(store, last_step(store), like)
    finally:
      close(store)

  return read


def _read(checkpoints: Checkpoints, step: int, **items: Any) -> Mapping:
  wanted = {
    name: ocp.args.StandardRestore(jax.tree.map(_abstract, like))
    for name, like in items.items()
  }
  try:
    return checkpoints.manager.restore(
      step, args=ocp.args.Composite(**wanted)
    )
  except Exception as error:
    lines = str(error).splitlines() or ['']
    raise ValueError(
      f'checkpoint: step {step} in {checkpoints.folder} cannot be read '
      f'({type(error).__name__}: {lines[0][:200]}); the training command, '
      'repeated, goes on from the one before'
    ) from error


def _abstract(x: jax.Array | jax.ShapeDtypeStruct) -> jax.ShapeDtypeStruct:
  sharding = x.sharding
  if sharding is None:
    sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
  return jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding)


def last_step(checkpoints: Checkpoints) -> int:
  """Returns the step of the latest checkpoint.

  Raises:
    ValueError: If there is none.
  """
  step = checkpoints.manager.latest_step()
  if step is None:
    raise ValueError(
      f'checkpoint: nothing was saved in {checkpoints.folder}; train first, '
      'by --program=train with the same --workdir'
    )
  return step


def best_step(checkpoints: Checkpoints) -> int:
  """Returns the step whose validation loss is lowest of those kept.

  Raises:
    ValueError: If there is none.
  """
  last_step(checkpoints)
  return checkpoints.manager.best_step()


def _has_measurements(step: Path) -> bool:
  """Says whether a checkpoint's numbers can be read; Orbax stops if not."""
  try:
    json.loads((step / 'metrics' / 'metrics').read_text())
  except (OSError, ValueError):
    return False
  return True


def _aside(folder: Path) -> Path:
  return folder.with_name(folder.name + '_broken')


def _set_aside(folder: Path, step: int) -> None:
  aside = _aside(folder)
  aside.mkdir(exist_ok=True)
  shutil.rmtree(aside / str(step), ignore_errors=True)
  (folder / str(step)).rename(aside / str(step))
  logging.warning(
    'checkpoint: step %d cannot be read; it was moved to %s and the one '
    'before it is used', step, aside,
  )


def _loss(measurements: Mapping[str, float]) -> float:
  return measurements['loss']


def close(checkpoints: Checkpoints) -> None:
  """Waits until all is written and lets go of the folder."""
  checkpoints.manager.wait_until_finished()
  checkpoints.manager.close()
