"""Recordings in a folder of NPZ files, one or more episodes a file."""

import collections
import functools
import os
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np

from datasets import npy
from datasets.recorded import survey


def recordings(path: str) -> dict[str, list[survey.Recording]]:
  """Returns the recordings of a folder, in the order of their names.

  Args:
    path: of the folder; files of its folders count, too.

  Returns:
    Recordings by the folder in it that they are in, '.' for itself.

  Raises:
    ValueError: no such folder, or no NPZ files in it.
  """
  folder = pathlib.Path(path).expanduser()
  if not folder.is_dir():
    raise ValueError(
      f'load: no such folder; got {path}, need a folder of NPZ files; change '
      'load.name'
    )
  found = collections.defaultdict(list)
  for file in _files(folder):
    inside = file.relative_to(folder)
    group = inside.parts[0] if len(inside.parts) > 1 else '.'
    found[group].append(_recording(str(inside), file))
  if not found:
    others = sorted({p.suffix for p in folder.rglob('*') if p.is_file()})
    raise ValueError(
      f'load: no NPZ files; got {path} with {others or "no files"}, need one '
      "`numpy.savez_compressed('episode.npz', image=..., action=...)` for each "
      'episode; change load.name'
    )
  return dict(found)


def stamp(path: str) -> tuple:
  """Returns what changes when a file of the folder does."""
  files = _files(pathlib.Path(path).expanduser())
  stats = [(file, file.stat()) for file in files]
  return tuple((str(file), x.st_mtime_ns, x.st_size) for file, x in stats)


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
  return sorted(folder.rglob('*.npz'))


def _recording(label: str, file: pathlib.Path) -> survey.Recording:
  return survey.Recording(
    label=label,
    shapes=functools.partial(_shapes, file),
    take=functools.partial(_take, file),
    extra=_extra,
  )


def _shapes(file: os.PathLike) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
  """Reads the headers of the arrays, not the arrays."""
  try:
    found = npy.headers(file)
  except ValueError as error:
    raise ValueError(
      f'not an NPZ file; got {error}, need one written by numpy.savez or '
      'numpy.savez_compressed; record it again'
    ) from error
  return {name: (x.shape, x.dtype) for name, x in found.items()}


def _take(file: os.PathLike, names: Sequence[str]) -> dict[str, np.ndarray]:
  arrays, faults = npy.read(file, names)
  if faults:
    raise ValueError('; '.join(faults))
  return arrays


def _extra(shapes: Mapping[str, tuple[tuple[int, ...], np.dtype]]):
  return [name for name, (_, dtype) in shapes.items() if not dtype.hasobject]
