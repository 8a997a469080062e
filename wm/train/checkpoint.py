"""Checkpoints: written in the background, read back whole or not at all."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from wm.train import paths, processes, stores
from wm.train.stores import Checkpoints
from wm.types import Params, TrainState


class OtherStructureError(ValueError):
  """A checkpoint is whole, and not of the model that asks for it."""


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
      parameters alone, or another model's.
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
    except OtherStructureError:
      raise
    except ValueError as error:
      logging.warning('%s', error)
      with processes.first_alone():
        if processes.leads():
          stores.set_aside(checkpoints.folder, step)
      checkpoints.manager.reload()
  broken = stores.aside(checkpoints.folder)
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
    store = stores.reading(path)
    try:
      return restore_params(store, last_step(store), like)
    finally:
      stores.close(store)

  return read


def _read(checkpoints: Checkpoints, step: int, **items: Any) -> Mapping:
  _check_structure(checkpoints, step, items['params'])
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


def _check_structure(
  checkpoints: Checkpoints, step: int, like: Params
) -> None:
  """Raises OtherStructureError if a step is known to hold other parameters."""
  try:
    folder = checkpoints.folder / str(step) / 'params'
    found = ocp.StandardCheckpointHandler().metadata(folder).tree
  except Exception:  # It cannot be read; reading it says so.
    return
  held, wanted = _shapes(found), _shapes(like)
  names = held | wanted
  differ = [name for name in names if held.get(name) != wanted.get(name)]
  if held and differ:
    name, more = differ[0], len(differ) - 1
    raise OtherStructureError(
      f'checkpoint: step {step} in {checkpoints.folder} is of another model: '
      f'{name} is {held.get(name, "missing")}, needed is '
      f'{wanted.get(name, "none")}' + f', and {more} more differ' * (more > 0)
      + '; give the configuration and the code that it was trained with'
    )


def _shapes(params: Any) -> dict[str, tuple[int, ...]]:
  leaves, _ = jax.tree_util.tree_flatten_with_path(params)
  return {
    paths.name(path): tuple(x.shape) for path, x in leaves
  }


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
    raise ValueError(stores.NOTHING.format(checkpoints.folder))
  return step


def best_step(checkpoints: Checkpoints) -> int:
  """Returns the step whose validation loss is lowest of those kept.

  Raises:
    ValueError: If there is none.
  """
  last_step(checkpoints)
  return checkpoints.manager.best_step()
