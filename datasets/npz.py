"""Episodes in NPZ files, read against a schema that says what must be there.

A file is looked at as a whole: one message names everything that is wrong with
it.
"""

import concurrent.futures
import os
import pathlib
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tqdm

from datasets import npy

Check = Callable[[np.ndarray], str | None]
"""`(array) -> what is wrong with its content`, None where nothing is."""


class Field(NamedTuple):
  """What must be said of an array.

  Attributes:
    shape: a number is the size of an axis, None any size; a letter any size
      that is the same in all fields of a file.
    dtypes: the kinds of numbers it may have, such as `np.floating`.
    checks: of its content; that all numbers are finite is always checked.
    optional: whether it may be missing.
  """

  shape: tuple[int | str | None, ...]
  dtypes: tuple[type, ...]
  checks: tuple[Check, ...] = ()
  optional: bool = False


Schema = Mapping[str, Field]


def one_hot(array: np.ndarray) -> str | None:
  """Checks that each row has a single one and otherwise zeros."""
  binary = ((array == 0) | (array == 1)).all(-1)
  return _first(~binary | (array.sum(-1) != 1), 'not one-hot')


def within(low: float, high: float) -> Check:
  """Returns a check that all numbers are from `low` to `high`."""

  def check(array):
    wrong = (array < low) | (array > high)
    return _first(wrong, f'not from {low} to {high}')

  return check


def at_least(length: int) -> Check:
  """Returns a check that there are enough steps."""

  def check(array):
    if len(array) < length:
      return f'too short; got {len(array)} steps, need {length}'
    return None

  return check


def inspect(
  path: str | os.PathLike, schema: Schema
) -> tuple[dict[str, np.ndarray], list[str]]:
  """Returns what a file holds of a schema, and all that is wrong with it.

  Args:
    path: of the file.
    schema: what must be there; what else is there is not looked at.

  Returns:
    arrays: by name, those that could be read.
    faults: a line each; none where the file is good.
  """
  try:
    if not zipfile.is_zipfile(path):
      return {}, ['not a whole NPZ file: cut off, or of another kind']
    names = set(npy.headers(path))
    arrays, faults = npy.read(path, [k for k in schema if k in names])
  except Exception as error:  # Whatever a damaged file raises.
    return {}, [f'not an NPZ file that can be read ({_reason(error)})']
  missing = [k for k, x in schema.items() if not x.optional and k not in names]
  faults += [f'missing {", ".join(missing)}'] if missing else []
  sizes: dict[str, int] = {}
  for name, array in arrays.items():
    faults += [f'{name}: {x}' for x in _faults(array, schema[name], sizes)]
  return arrays, faults


def read(path: str | os.PathLike, schema: Schema) -> dict[str, np.ndarray]:
  """Returns the arrays of a file by name.

  Raises:
    ValueError: the file is not as the schema says; all faults are named.
  """
  arrays, faults = inspect(path, schema)
  if faults:
    raise ValueError(_report(path, faults))
  return arrays


def refuse(report: str) -> None:
  """Raises a ValueError: a bad file is mended or taken away by hand."""
  raise ValueError(
    f'{report}; mend the file or take it away, or change load.on_bad to '
    'datasets.npz.skip to go on without it'
  )


def skip(report: str) -> None:
  """Warns and goes on: a bad file is left out."""
  warnings.warn(f'{report}; left out', stacklevel=2)


def usable(
  paths: Iterable[str | os.PathLike],
  schema: Schema,
  on_bad: Callable[[str], None] = refuse,
  label: str = 'Checking files',
) -> list[pathlib.Path]:
  """Returns the good files, in order, after reading each of them once.

  Args:
    paths: of the files.
    schema: what must be there.
    on_bad: called with a report of each bad file, in order; where it returns,
      the file is left out.
    label: of the progress bar.
  """
  paths, good = [pathlib.Path(path) for path in paths], []
  with concurrent.futures.ThreadPoolExecutor(
    len(os.sched_getaffinity(0))
  ) as pool:
    faults = pool.map(lambda path: inspect(path, schema)[1], paths)
    bar = tqdm.tqdm(paths, label, unit=' files', mininterval=0.5)
    for path, wrong in zip(bar, faults, strict=True):
      if wrong:
        on_bad(_report(path, wrong))
      else:
        good.append(path)
  return good


def _faults(array: Any, field: Field, sizes: dict[str, int]):
  """Yields what is wrong with an array; adds to the sizes seen so far."""
  if not any(np.issubdtype(array.dtype, kind) for kind in field.dtypes):
    kinds = ' or '.join(kind.__name__ for kind in field.dtypes)
    yield f'wrong dtype; got {array.dtype}, need {kinds}'
    return
  need = tuple(sizes.get(x, x) for x in field.shape)
  if len(need) != array.ndim or any(
    isinstance(x, int) and x != n
    for x, n in zip(need, array.shape, strict=True)
  ):
    shape = ', '.join('any' if x is None else str(x) for x in need)
    yield f'wrong shape; got {array.shape}, need ({shape})'
    return
  for axis, size in zip(field.shape, array.shape, strict=True):
    if isinstance(axis, str):
      sizes.setdefault(axis, size)
  if np.issubdtype(array.dtype, np.inexact):
    fault = _first(~np.isfinite(array), 'not finite')
    if fault:
      yield fault
      return
  yield from filter(None, (check(array) for check in field.checks))


def _first(wrong, what):
  """Returns `what` with the first step where it is so, if there is one."""
  if not wrong.any():
    return None
  if not wrong.ndim:
    return what
  steps = wrong.reshape(len(wrong), -1).any(-1)
  return f'{what} at step {np.argmax(steps)}'


def _reason(error):
  return ' '.join(str(error).split()) or type(error).__name__


def _report(path, faults):
  return f'{path}: {"; ".join(faults)}'
