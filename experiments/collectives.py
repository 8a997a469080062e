"""What devices send each other, read from a compiled program."""

import collections
import math
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

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
_PAIRS = re.compile(r'source_target_pairs=\{(.*?)\}\}?(?:,|$)')
_IOTA = re.compile(
  r'replica_groups=\[([\d,]+)\]<=\[([\d,]+)\](?:T\(([\d,]+)\))?'
)
_LISTED = re.compile(r'replica_groups=\{\{(.*?)\}\}')
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


def by_axis(found: list[Exchange], axes: Mapping[str, int]) -> dict[str, int]:
  """Returns the bytes that a device gets in one call, by axes of the mesh.

  Args:
    found: operations.
    axes: sizes of the mesh by name, in its order. What goes along several is
      under `data+model`, say.
  """
  total: dict[str, int] = collections.Counter()
  for one in found:
    total[_along(one.text, axes)] += one.bytes * one.times
  return dict(total)


def _along(text: str, axes: Mapping[str, int]) -> str:
  """The names of the axes along which devices of a group differ."""
  if pairs := _PAIRS.search(text):
    groups = np.array(re.findall(r'\d+', pairs[1]), int).reshape(-1, 2)
  elif iota := _IOTA.search(text):
    shape, source, order = (
      [int(x) for x in part.split(',')] if part else None
      for part in iota.groups()
    )
    ids = np.arange(math.prod(source)).reshape(source)
    groups = ids.transpose(order).reshape(shape)
  elif listed := _LISTED.search(text):
    groups = np.array(
      [re.findall(r'\d+', group) for group in listed[1].split('},{')], int
    )
  else:
    groups = np.arange(math.prod(axes.values()))[None]
  places = np.stack(np.unravel_index(groups, tuple(axes.values())))
  differ = (places != places[..., :1]).any((1, 2))
  names = [name for name, yes in zip(axes, differ, strict=True) if yes]
  return '+'.join(names) or 'none'


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
