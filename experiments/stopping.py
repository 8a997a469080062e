"""Leaving in good order when asked to by a signal."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def on_signals() -> Iterator[Callable[[], int]]:
  """Yields a function that says which of SIGTERM and SIGINT came, or 0.

  A second signal acts as usual, at once.
  """
  came = []

  def remember(number: int, _: object) -> None:
    came.append(number)
    for one, handler in before.items():
      signal.signal(one, handler)

  before = {
    number: signal.signal(number, remember)
    for number in (signal.SIGTERM, signal.SIGINT)
  }
  try:
    yield lambda: came[0] if came else 0
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)


def leave(number: int, workdir: Path) -> None:
  """Exits with code 128 + signal, as shells do: 143 for SIGTERM, 130 Ctrl-C."""
  print(f'stopped and saved in {workdir}; repeat the command to go on')
  sys.exit(128 + number)
