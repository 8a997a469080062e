"""Several processes, on one machine or on many, as one program.

All run the same command on the same files: the first writes what there is one
of, and all of them write their parts of a checkpoint.
"""

import contextlib
from collections.abc import Iterator

import jax
import numpy as np
from jax.experimental import multihost_utils


def leads() -> bool:
  """Returns whether this is the process that writes what there is one of."""
  return jax.process_index() == 0


@contextlib.contextmanager
def first_alone() -> Iterator[None]:
  """Lets the first process go through alone, and the others after it."""
  if not leads():
    multihost_utils.sync_global_devices('first_alone')
  yield
  if leads() and jax.process_count() > 1:
    multihost_utils.sync_global_devices('first_alone')


def local(x: jax.Array) -> np.ndarray:
  """Returns all of an array that lies on devices of several processes.

  Args:
    x: the same array in all of them.
  """
  if x.is_fully_addressable or x.is_fully_replicated:
    return np.asarray(x)
  return multihost_utils.process_allgather(x, tiled=True)
