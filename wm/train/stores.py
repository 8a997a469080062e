"""Folders of checkpoints: opened to write in, or to read from."""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from wm.train import processes

NOTHING = (
  'checkpoint: nothing was saved in {}; train first, by --program=train with '
  'the same --workdir'
)


class Checkpoints(NamedTuple):
  """The checkpoints of one run, in `folder`, a sub-folder a step."""

  folder: Path
  manager: ocp.CheckpointManager


def writing(folder: Path, keep: int = 2) -> Checkpoints:
  """Opens a folder of checkpoints to write in, making it if need be.

  What was not written to its end is removed, so that no other process may be
  writing there.

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
        set_aside(folder, int(step.name))
  return Checkpoints(folder, ocp.CheckpointManager(folder, options=options))


def reading(folder: Path) -> Checkpoints:
  """Opens a folder of checkpoints to read, also while a run writes there.

  Args:
    folder: Where they lie.

  Raises:
    ValueError: If there is no such folder, or a checkpoint in it is not whole.
  """
  folder = Path(folder).absolute()
  if not folder.is_dir():
    raise ValueError(NOTHING.format(folder))
  for step in folder.glob('[0-9]*'):
    if step.name.isdigit() and not _has_measurements(step):
      raise ValueError(
        f'checkpoint: {step} is not whole; repeat the training command, which '
        'sets it aside, or remove it'
      )
  options = ocp.CheckpointManagerOptions(
    best_fn=_loss, best_mode='min', create=False
  )
  return Checkpoints(folder, ocp.CheckpointManager(folder, options=options))


def close(checkpoints: Checkpoints) -> None:
  """Waits until all is written and lets go of the folder."""
  checkpoints.manager.wait_until_finished()
  checkpoints.manager.close()


def aside(folder: Path) -> Path:
  """Returns where checkpoints are moved that cannot be read."""
  return folder.with_name(folder.name + '_broken')


def set_aside(folder: Path, step: int) -> None:
  """Moves a checkpoint that cannot be read out of the way.

  Args:
    folder: Of checkpoints.
    step: Of the checkpoint.
  """
  there = aside(folder)
  there.mkdir(exist_ok=True)
  shutil.rmtree(there / str(step), ignore_errors=True)
  (folder / str(step)).rename(there / str(step))
  logging.warning(
    'checkpoint: step %d cannot be read; it was moved to %s and the one '
    'before it is used', step, there,
  )


def _has_measurements(step: Path) -> bool:
  """Says whether a checkpoint's numbers can be read; Orbax stops if not."""
  try:
    json.loads((step / 'metrics' / 'metrics').read_text())
  except (OSError, ValueError):
    return False
  return True


def _loss(measurements: Mapping[str, float]) -> float:
  return measurements['loss']
