"""Recordings of one's own, by name: what they are like, and their episodes.

`folder:PATH` is a folder of NPZ files, `tfds:NAME[/CONFIG][:VERSION]` or
`tfds:PATH` a prepared RLDS data set of TFDS. `docs/recordings.md` shows how to
make, check and use them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from datasets import npz
from datasets.recorded import examination, windows, wishes

SCHEMES = ('folder:', 'tfds:')

_SPLIT = re.compile(r'(\w+)(?:\[(-?\d+%?)?:(-?\d+%?)?\])?')


def describe(
  name: str,
  arguments: Mapping[str, Any] | None = None,
  on_bad: Callable[[str], None] = npz.refuse,
) -> dict[str, Any]:
  """Returns what recordings are like; reads all but most of their frames.

  Args:
    name: 'folder:PATH' or 'tfds:NAME'.
    arguments: as `wishes.Wishes` has them, by name.
    on_bad: what to do about a recording that has faults.

  Returns:
    As `datasets.describe`.

  Raises:
    ValueError: they cannot be used; all faults are named.
  """
  return dict(_sound(name, arguments, on_bad).metadata)


def load(
  name: str,
  split: str,
  arguments: Mapping[str, Any] | None = None,
  on_bad: Callable[[str], None] = npz.refuse,
) -> tuple[windows.Windows, dict[str, Any]]:
  """Returns the episodes of a split, read when asked for, and `describe`'s.

  Args:
    name: as `describe` takes it.
    split: 'train', 'val' or 'test', or a part of it, such as 'train[:50%]'.
    arguments: as `describe` takes them.
    on_bad: as `describe` takes it.

  Raises:
    ValueError: they cannot be used, or there are no episodes in the split.
  """
  report = _sound(name, arguments, on_bad)
  return (
    windows.Windows(
      _part(report.windows, split, name), report.aligned, report.wishes.side
    ),
    dict(report.metadata),
  )


def look(
  name: str,
  arguments: Mapping[str, Any] | None = None,
  on_bad: Callable[[str], None] = npz.refuse,
) -> examination.Report:
  """Returns all that can be said of recordings, faults included.

  Args:
    name: as `describe` takes it.
    arguments: as `describe` takes them.
    on_bad: as `describe` takes it.

  Raises:
    ValueError: there is nothing to look at, or a wrong argument.
  """
  scheme, colon, path = name.partition(':')
  if scheme + colon not in SCHEMES or not path:
    raise ValueError(
      f'load: no such recordings; got {name!r}, need folder:PATH or '
      'tfds:NAME[/CONFIG][:VERSION]; change load.name'
    )
  return examination.examine(name, wishes.wishes(arguments or {}), on_bad)


def _sound(name, arguments, on_bad):
  report = look(name, arguments, on_bad)
  if report.faults:
    faults = ''.join(f'\n- {fault}' for fault in report.faults)
    raise ValueError(
      f'load: {name} cannot be used as it is:{faults}\n'
      f'`python -m datasets.inspect {name}` says what is there'
    )
  return report


def _part(
  found: Mapping[str, Sequence[windows.Window]], split: str, name: str
) -> Sequence[windows.Window]:
  match = _SPLIT.fullmatch(split)
  if not match or match[1] not in found:
    raise ValueError(
      f'load: no such split of {name}; got {split!r}, need one of '
      f"{', '.join(found)}, or a part of it such as 'train[:50%]'; change "
      'load.split'
    )
  chosen = found[match[1]]

  def place(text):
    if text and text.endswith('%'):
      return round(int(text[:-1]) * len(chosen) / 100)
    return int(text) if text else None

  chosen = chosen[place(match[2]) : place(match[3])]
  if not chosen:
    counts = ', '.join(f'{len(x)} {k}' for k, x in found.items())
    raise ValueError(
      f'load: no episodes; got {split!r} of {name} with {counts}, need at '
      f'least one; record more files, put some into a folder {match[1]}, or '
      'change val and test of load.arguments, or load.split'
    )
  return chosen
