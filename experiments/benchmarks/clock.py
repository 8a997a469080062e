"""Timing: compiled programs, taken in turns, with what they cost to compile.

Other work on the machine slows single repetitions down. So competitors take
turns, a ratio is taken within each round, and what is reported is the median
over the rounds with its spread.
"""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.experimental.compilation_cache import compilation_cache

Row = dict[str, Any]
"""One measurement: what was measured, under which conditions, the numbers."""


class Report(NamedTuple):
  """What a part of the benchmark returns.

  Attributes:
    rows: measurements; `part`, `what`, `seconds` (one for each repetition).
    ratios: by name, one ratio for each repetition.
  """

  rows: list[Row]
  ratios: dict[str, list[float]]


class Program(NamedTuple):
  """A compiled program with its arguments.

  Attributes:
    call: runs it once and waits for its end.
    compile_seconds: what tracing and compiling took, without any cache.
    peak_bytes: of arguments, results and temporary arrays, says the compiler.
  """

  call: Callable[[], Any]
  compile_seconds: float
  peak_bytes: int


def program(function: Callable[..., Any], *arguments: Any) -> Program:
  """Compiles a function for its arguments.

  Args:
    function: pure.
    arguments: arrays, or trees of them.
  """
  with _without_cache():
    start = time.perf_counter()
    compiled = jax.jit(function).lower(*arguments).compile()
    seconds = time.perf_counter() - start
  memory = compiled.memory_analysis()
  peak = sum(
    getattr(memory, f'{kind}_size_in_bytes')
    for kind in ('argument', 'output', 'temp')
  )
  return Program(
    lambda: jax.block_until_ready(compiled(*arguments)), seconds, peak
  )


def take_turns(
  calls: Mapping[str, Callable[[], Any]], repetitions: int
) -> dict[str, list[float]]:
  """Returns seconds per call by name, one for each repetition.

  Args:
    calls: what competes; each is called once more before.
    repetitions: rounds.
  """
  seconds = {name: [] for name in calls}
  for call in calls.values():
    call()
  for _ in range(repetitions):
    for name, call in calls.items():
      start = time.perf_counter()
      call()
      seconds[name].append(time.perf_counter() - start)
  return seconds


def race(
  programs: Mapping[str, Program], rows: Mapping[str, Row], repetitions: int
) -> dict[str, list[float]]:
  """Measures programs in turns and returns seconds per frame by name.

  Args:
    programs: what competes.
    rows: of the same names; what is measured is added to them.
    repetitions: rounds.
  """
  seconds = take_turns({n: p.call for n, p in programs.items()}, repetitions)
  for name, program in programs.items():
    rows[name].update(
      seconds=seconds[name],
      compile_seconds=program.compile_seconds,
      peak_bytes=program.peak_bytes,
    )
  return {
    name: [s / rows[name]['frames'] for s in seconds[name]] for name in programs
  }


def over(a: Sequence[float], b: Sequence[float]) -> list[float]:
  """Returns the seconds of a over those of b, round by round."""
  return (np.asarray(a) / np.asarray(b)).tolist()


@contextlib.contextmanager
def _without_cache():
  """JAX asks only once whether to use its cache, until it is reset."""
  before = jax.config.jax_enable_compilation_cache
  try:
    jax.config.update('jax_enable_compilation_cache', False)
    compilation_cache.reset_cache()
    yield
  finally:
    jax.config.update('jax_enable_compilation_cache', before)
    compilation_cache.reset_cache()
