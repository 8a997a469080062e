"""The export program: a run as small as it can be looked at.

    python -m experiments.launch --program=export --workdir=runs/s4wm_fourrooms

The copy holds the configuration, the versions, the numbers of the evaluation if
there was one, and the parameters: what `evaluate` and `imagine` need, by
`--workdir=exports/s4wm_fourrooms`. Large matrices are rounded, so that numbers
differ a little from the run's own. The optimiser's state is lost, and memory
carried from chunk to chunk: training can start from an export, by
`checkpoint.parameters`, but not go on from it as if it had not been stopped.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from experiments import provenance, restoring
from wm.data.task import Task
from wm.train import checkpoint, optimizer, stores
from wm.types import Params

_MARK = 'export.json'
_SMALL = 4096
"""Elements of a parameter that is worth rounding, at least."""


def export(
  task: Task,
  to: str | None = None,
  dtype: str = 'bfloat16',
  megabytes: float = 5.0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model of the run.
    to: The folder to write, whole or not at all; by default `exports` and the
      name of the run's. An earlier export there is replaced.
    dtype: That large matrices are rounded to; those of state spaces, on which
      all steps depend, and all that is small stay as they are.
    megabytes: That the folder may have, at most.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.

  Raises:
    ValueError: If floats cannot be stored so; when it runs, if `to` is not an
      export or cannot be written, or if the export is too large.
  """
  kind = _float(dtype)

  def run(workdir: Path) -> None:
    workdir = Path(workdir).absolute()
    target = Path('exports', workdir.name) if to is None else Path(to)
    folder = target.absolute()
    _check_free(folder)
    step, params = restoring.params(task, workdir, pick)
    try:
      folder.parent.mkdir(parents=True, exist_ok=True)
      scratch = tempfile.TemporaryDirectory(
        prefix=f'{folder.name}.', suffix='.partial', dir=folder.parent
      )
    except OSError as error:
      raise ValueError(
        f'export: cannot write {folder} ({error}); change export.export.to'
      ) from error
    with scratch as name:
      fresh = Path(name) / 'new'
      fresh.mkdir()
      _fill(fresh, workdir, step, rounded(params, kind))
      size = _megabytes(fresh)
      if size > megabytes:
        raise ValueError(
          f'export: too large; got {size:.1f} MB, need {megabytes} at most; '
          "change export.export.dtype to 'bfloat16', or "
          'export.export.megabytes'
        )
      if folder.exists():
        folder.rename(Path(name) / 'old')
      fresh.rename(folder)
    print(f'{target}  {size:.1f} MB, step {step}', flush=True)

  return run


def rounded(params: Params, dtype: Any) -> Params:
  """Returns parameters whose large matrices are of another dtype.

  Args:
    params: Of a world model.
    dtype: Of floats. Other numbers, the dynamics of state spaces and small
      parameters stay as they are.
  """

  def one(group: str, x: jax.Array) -> jax.Array:
    large = group != 'state_space' and x.size >= _SMALL
    is_real = jnp.issubdtype(x.dtype, jnp.floating)
    return x.astype(dtype) if large and is_real else x

  return jax.tree.map(one, optimizer.labels(params), params)


def _fill(fresh: Path, workdir: Path, step: int, params: Params) -> None:
  kept = stores.reading(workdir / 'checkpoints')
  try:
    measured = checkpoint.measurements(kept, step)
  finally:
    stores.close(kept)
  store = stores.writing(fresh / 'checkpoints')
  try:
    checkpoint.save_params(store, step, params, measured)
  finally:
    stores.close(store)
  for path in fresh.rglob('commit_success.txt'):  # They name the folder.
    path.write_text(path.read_text().replace(str(fresh), '.'))
  shutil.copy(workdir / 'config.gin', fresh)
  versions = json.loads((workdir / 'versions.json').read_text())
  versions.pop('command', None)  # It names paths of one machine.
  _write(fresh / 'versions.json', versions)
  numbers = workdir / 'evaluation' / 'metrics.json'
  if numbers.exists():
    (fresh / 'evaluation').mkdir()
    shutil.copy(numbers, fresh / 'evaluation')
  dtypes = {str(x.dtype) for x in jax.tree.leaves(params)}
  _write(
    fresh / _MARK,
    {
      'run': workdir.name,
      'step': step,
      'parameters': sum(x.size for x in jax.tree.leaves(params)),
      'dtypes': sorted(dtypes),
    },
  )


def _write(path: Path, content: dict[str, Any]) -> None:
  provenance.write_whole(path, json.dumps(content, indent=2) + '\n')


def _check_free(folder: Path) -> None:
  """Refuses what was not made here."""
  empty = folder.is_dir() and not any(folder.iterdir())
  if folder.exists() and not empty and not (folder / _MARK).is_file():
    raise ValueError(
      f'export: {folder} is not an export and is left alone; change '
      'export.export.to, or remove it'
    )


def _megabytes(folder: Path) -> float:
  files = (path for path in folder.rglob('*') if path.is_file())
  return sum(path.stat().st_size for path in files) / 1e6


def _float(dtype: str) -> Any:
  try:
    kind = jnp.dtype(dtype)
  except TypeError:
    kind = None
  if kind is None or not jnp.issubdtype(kind, jnp.floating):
    raise ValueError(
      f'export: parameters are floats; got {dtype!r}, need such as '
      "'bfloat16' or 'float32'; change export.export.dtype"
    )
  return kind
