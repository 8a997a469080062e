"""What every program asks of the machine before it starts."""

import ctypes
import hashlib
import os
import platform
from pathlib import Path

import jax

_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8  # Of glibc's mallopt.


def prepare() -> None:
  """Keeps compiled programs for the next run, and freed memory for this one."""
  keep_compiled()
  keep_memory()


def join(
  coordinator: str | None = None,
  processes: int | None = None,
  number: int | None = None,
) -> None:
  """Joins the other processes; this comes before all that looks at devices.

  Without arguments, JAX finds them out on a TPU slice, under Slurm, MPI or GKE.

  Args:
    coordinator: `host:port` where the first process listens.
    processes: how many there are.
    number: which this is, from 0.

  Raises:
    ValueError: if they cannot be found out.
  """
  try:
    jax.distributed.initialize(coordinator, processes, number)
  except (RuntimeError, ValueError) as error:
    raise ValueError(
      f'--distributed: cannot join the other processes ({error}); give '
      '--coordinator=HOST:PORT, --processes and --process_id to all of them'
    ) from error


def keep_compiled() -> None:
  """Turns on JAX's persistent compilation cache, in the user's cache folder.

  There is a folder for each kind of processor, since compiled programs hold its
  instructions. What JAX has been told by JAX_COMPILATION_CACHE_DIR stays.
  """
  if jax.config.jax_compilation_cache_dir is None:
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    folder = Path(base) / 's4wm' / f'jax-{_processor()}'
    jax.config.update('jax_compilation_cache_dir', str(folder))


def keep_memory() -> None:
  """Tells glibc to keep freed memory, where it is the C library.

  XLA asks for its temporary arrays anew at every call. By default glibc returns
  blocks of megabytes to the system at once, and the next call meets pages that
  have to be faulted in again: docs/performance.md has what that costs.
  """
  if platform.libc_ver()[0] != 'glibc':
    return
  mallopt = ctypes.CDLL(None).mallopt
  mallopt(_MMAP_MAX, 0)
  mallopt(_TRIM_THRESHOLD, -1)
  mallopt(_ARENA_MAX, 1)


def _processor():
  """A short name for this kind of processor."""
  try:
    lines = Path('/proc/cpuinfo').read_text().splitlines()
  except OSError:
    lines = [platform.processor()]
  kind = {x for x in lines if x.startswith(('flags', 'Features', 'model name'))}
  text = platform.machine() + ''.join(sorted(kind))
  return hashlib.sha256(text.encode()).hexdigest()[:8]
