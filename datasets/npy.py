"""Arrays of NPZ files, read without Python's parser.

NumPy reads the header of an array with `ast.literal_eval`, which in Python 3.11
fails now and then if two threads do so at once (`SystemError: AST constructor
recursion depth mismatch`). Files are read in threads here.
"""

import contextlib
import os
import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, NamedTuple

import numpy as np

_KEYS = {
  'dtype': re.compile(r"'descr': *'([^']+)'"),
  'order': re.compile(r"'fortran_order': *(True|False)"),
  'shape': re.compile(r"'shape': *\(([\d, ]*)\)"),
}


class Header(NamedTuple):
  """What is written before an array.

  Attributes:
    shape: of the array.
    dtype: of its numbers; object where it does not hold numbers or text.
    order: 'C' or 'F', as NumPy says it.
  """

  shape: tuple[int, ...]
  dtype: np.dtype
  order: str


def headers(path: str | os.PathLike) -> dict[str, Header]:
  """Returns the headers of all arrays of an NPZ file, by name.

  Args:
    path: of the file.

  Raises:
    ValueError: it is no NPZ file, or damaged.
  """
  found = {}
  with _opened(path) as members:
    for member in members.namelist():
      if member.endswith('.npy'):
        with members.open(member) as file:
          found[member.removesuffix('.npy')] = _header(file)
  return found


def read(
  path: str | os.PathLike, names: Sequence[str]
) -> tuple[dict[str, np.ndarray], list[str]]:
  """Returns arrays of an NPZ file by name, and what cannot be read.

  Args:
    path: of the file.
    names: of the arrays.

  Returns:
    arrays: those that can be read; read-only.
    faults: a sentence for each of the others.

  Raises:
    ValueError: it is no NPZ file.
  """
  arrays, faults = {}, []
  with _opened(path) as members:
    for name in names:
      try:
        with members.open(f'{name}.npy') as file:
          arrays[name] = _array(file)
      except Exception as error:  # Whatever a damaged file makes them raise.
        faults.append(f'{name}: cannot be read ({error})')
  return arrays, faults


@contextlib.contextmanager
def _opened(path: str | os.PathLike) -> Iterator[zipfile.ZipFile]:
  try:
    with zipfile.ZipFile(path) as members:
      yield members
  except Exception as error:  # Whatever a damaged file makes them raise.
    raise ValueError(f'not an NPZ file that can be read ({error})') from error


def _header(file: IO[bytes]) -> Header:
  major, _ = np.lib.format.read_magic(file)
  size = struct.Struct('<H' if major == 1 else '<I')
  (length,) = size.unpack(file.read(size.size))
  text = file.read(length).decode('latin1')
  found = {key: pattern.search(text) for key, pattern in _KEYS.items()}
  if None in found.values():
    return Header((), np.dtype(object), 'C')
  return Header(
    tuple(int(x) for x in found['shape'][1].split(',') if x.strip()),
    np.dtype(found['dtype'][1]),
    'F' if found['order'][1] == 'True' else 'C',
  )


def _array(file: IO[bytes]) -> np.ndarray:
  shape, dtype, order = _header(file)
  if dtype.hasobject:
    raise ValueError('neither numbers nor text, but Python objects')
  return np.ndarray(shape, dtype, file.read(), order=order)
