"""What devices send each other, read from a compiled program."""

import collections
import math
import re
from collections.abc import Iterator
from typing import NamedTuple

KINDS = (
  'all-gather',
  'all-reduce',
  'all-to-all',
  'collective-permute',
  'reduce-scatter',
)

_BYTES = {
  'pred': 1, 's8': 1, 'u8': 1, 's16': 2, 'u16': 2, 'bf16': 2, 'f16': 2,
  's32': 4, 'u32': 4, 'f32': 4, 's64': 8, 'u64': 8, 'f64': 8, 'c64': 8,
  'c128': 16,
}  # fmt: skip
_COMPUTATION = re.compile(r'^(ENTRY )?%?([\w.\-]+) .*\{$')
_OPERATION = re.compile(
  r'^\s+(?:ROOT )?%?[\w.\-]+ = (.*?) ([\w\-]+)\((.*)$'
)
_CALLED = re.compile(
  r'(?:to_apply|calls|body|condition|true_computation|false_computation)='
  r'%?([\w.\-]+)'
)
_BRANCHES = re.compile(r'branch_computations=\{([^}]*)\}')
_TRIPS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')
_SHAPE = re.compile(r'(\w+)\[([\d,]*)\]')


class Exchange(NamedTuple):
  """A collective operation.

  Attributes:
    kind: of `KINDS`.
    bytes: of its result on a device.
    times: how often it runs in one call of the program.
    text: the operation as compiled.
  """

  kind: str
  bytes: int
  times: int
  text: str


def exchanges(text: str) -> list[Exchange]:
  """Returns the collective operations of a program.

  Those in a loop count as often as it turns, or once if that is not known.

  Args:
    text: of the compiled program, `compiled.as_text()`.
  """
  bodies, entry = _computations(text)
  times: dict[str, int] = collections.Counter()
  _visit(bodies, entry, 1, times)
  found = []
  for name, count in times.items():
    for shape, operation, rest in bodies[name]:
      kind = operation.removesuffix('-start')
      if kind in KINDS:
        size = _size(shape, started=kind != operation)
        found.append(Exchange(kind, size, count, f'{shape} {kind}({rest}'))
  return found


def by_kind(found: list[Exchange]) -> dict[str, int]:
  """Returns the bytes that a device gets in one call, by kind.

  Args:
    found: operations.
  """
  total: dict[str, int] = dict.fromkeys(KINDS, 0)
  for one in found:
    total[one.kind] += one.bytes * one.times
  return total


def _computations(text):
  """Lines `(shape, operation, rest)` by computation, and the entry's name."""
  bodies, entry, lines = {}, '', []
  for line in text.splitlines():
    if match := _COMPUTATION.match(line):
      lines = bodies[match[2]] = []
      entry = match[2] if match[1] else entry
    elif match := _OPERATION.match(line):
      lines.append(match.groups())
  return bodies, entry


def _visit(bodies, name, times, total) -> None:
  total[name] += times
  for _, operation, rest in bodies[name]:
    trips = 1
    if operation == 'while' and (known := _TRIPS.search(rest)):
      trips = int(known[1])
    for called in _called(rest):
      if called in bodies:
        _visit(bodies, called, times * trips, total)


def _called(rest) -> Iterator[str]:
  yield from _CALLED.findall(rest)
  for branches in _BRANCHES.findall(rest):
    yield from re.findall(r'%?([\w.\-]+)', branches)


def _size(shape, started) -> int:
  """Bytes of a result; one that is started has its operand beside it."""
  sizes = [
    _BYTES.get(kind, 0) * math.prod(map(int, filter(None, axes.split(','))))
    for kind, axes in _SHAPE.findall(shape)
  ]
  return max(sizes, default=0) if started else sum(sizes)
