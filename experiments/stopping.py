"""Leaving in good order when asked to by a signal.

Several processes stop after the same step, whichever of them was asked.
"""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
from jax.experimental import multihost_utils


@contextlib.contextmanager
def on_signals() -> Iterator[Callable[[int], int]]:
  """Yields `(step) -> signal`: which of SIGTERM and SIGINT came, or 0.

  A second signal acts as usual, at once. Of several processes, all have to ask
  after each step, and SIGTERM alone is heard.
  """
  if jax.process_count() > 1:
    yield lambda step: (
      signal.SIGTERM
      if multihost_utils.reached_preemption_sync_point(step)
      else 0
    )
    return
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
    yield lambda step: came[0] if came else 0
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)


def leave(number: int, workdir: Path) -> None:
  """Exits with code 128 + signal, as shells do: 143 for SIGTERM, 130 Ctrl-C."""
  print(f'stopped and saved in {workdir}; repeat the command to go on')
  sys.exit(128 + number)
