"""Functions called in processes of their own.

For simulators that one process runs one at a time. The processes are fresh
Python interpreters that import the function by its name: the program that asks
need not be importable, as `multiprocessing` wants it to be.
"""

import contextlib
import importlib
import os
import pathlib
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

_ROOT = pathlib.Path(__file__).parents[1]


def apart(module: str, name: str) -> Callable[..., Any]:
  """Returns a function that runs in a process of each thread that calls it.

  A process starts at a thread's first call and ends with the thread. A
  ValueError of the function is raised where it was called.

  Args:
    module: name of the function's module; arguments and result are pickled.
    name: of the function.
  """
  local = threading.local()

  def call(*arguments):
    if not hasattr(local, 'process'):
      local.process = _Process(module, name)
    return local.process(*arguments)

  return call


class _Process:
  """A process that answers calls, until nobody holds it any more."""

  def __init__(self, module, name):
    self._name = f'{module}.{name}'
    self._process = subprocess.Popen(
      [sys.executable, '-m', 'datasets.processes', module, name],
      cwd=_ROOT,
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
    )
    weakref.finalize(self, _end, self._process)

  def __call__(self, *arguments):
    try:
      pickle.dump(arguments, self._process.stdin)
      self._process.stdin.flush()
      result = pickle.load(self._process.stdout)
    except (EOFError, OSError, pickle.UnpicklingError) as error:
      raise RuntimeError(
        f'{self._name}{arguments}: its process ended with code '
        f'{self._process.wait()}'
      ) from error
    if isinstance(result, Exception):
      raise result
    return result


def _end(process):
  process.terminate()
  with contextlib.suppress(OSError):  # What was not sent will not be.
    process.stdin.close()
  process.stdout.close()
  process.wait()


def _serve(module, name):
  """Answers calls from standard input, until it is closed."""
  answers = os.fdopen(os.dup(1), 'wb')
  os.dup2(2, 1)  # What else is printed must not come between.
  while True:
    try:
      arguments = pickle.load(sys.stdin.buffer)
    except EOFError:
      return
    try:
      function = getattr(importlib.import_module(module), name)
      result = function(*arguments)
    except ValueError as error:
      result = ValueError(str(error))
    except Exception as error:  # Its class may not be known where it is read.
      result = RuntimeError(f'{module}.{name}: {error!r}')
    pickle.dump(result, answers)
    answers.flush()


if __name__ == '__main__':
  _serve(*sys.argv[1:])
