"""Random access to stretches of recordings, read when they are asked for."""

import collections
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from datasets.recorded import canonical, frames, survey

KEPT = 2**28
"""Bytes of read recordings that a split keeps in memory, so that neighbouring
windows of a long recording do not read it again."""


class Window(NamedTuple):
  """A stretch of a recording that is an episode to a model.

  Attributes:
    facts: of the recording.
    start: its first frame.
    stop: the frame after its last.
  """

  facts: survey.Facts
  start: int
  stop: int


def cut(facts: survey.Facts, length: int | None) -> list[Window]:
  """Returns the windows of a recording one after another.

  Args:
    facts: of the recording.
    length: frames of a window; what is left at the end of an episode is
      dropped. None for whole episodes.
  """
  stops = (*facts.starts[1:], facts.frames)
  return [
    Window(facts, at, at + (length or stop - start))
    for start, stop in zip(facts.starts, stops, strict=True)
    for at in range(start, stop - (length or 1) + 1, length or stop)
  ]


class Windows(Sequence):
  """Episodes of a split, as `docs/data.md` describes them.

  A window is an episode of its own: `is_first` is true where it begins.
  """

  def __init__(self, found: Sequence[Window], aligned: str, side: int | None):
    self._windows = found
    self._aligned = aligned
    self._side = side
    self._kept: collections.OrderedDict[str, dict] = collections.OrderedDict()
    self._lock = threading.Lock()

  def __len__(self) -> int:
    return len(self._windows)

  def __getitem__(self, index: int) -> dict[str, Any]:
    facts, start, stop = self._windows[index]
    whole = self._read(facts)
    part = {k: x[start:stop] for k, x in whole.items() if k != 'oracle'}
    length = stop - start
    steps = np.arange(length)
    return {
      'observation': {facts.observation: part[facts.observation]},
      'action': part['action'],
      'reward': part['reward'],
      'discount': part['discount'],
      'is_first': steps == 0,
      'is_last': steps == length - 1,
      'is_terminal': part['is_terminal'],
      'oracle': {
        k: x[start:stop] if x.shape[:1] == (facts.frames,) else x
        for k, x in whole['oracle'].items()
      },
    }

  def _read(self, facts: survey.Facts) -> dict[str, Any]:
    label = facts.recording.label
    with self._lock:
      if label in self._kept:
        self._kept.move_to_end(label)
        return self._kept[label]
    whole = _read(facts, self._aligned, self._side)
    with self._lock:
      self._kept[label] = whole
      size = sum(map(_size, self._kept.values()))
      while size > KEPT:
        size -= _size(self._kept.popitem(last=False)[1])
    return whole


def _read(
  facts: survey.Facts, aligned: str, side: int | None
) -> dict[str, Any]:
  """Returns a whole recording in the convention of RLDS, read-only."""
  recording = facts.recording
  try:
    arrays = recording.take([*facts.names.values(), *facts.extra])
  except ValueError as error:
    raise ValueError(f'load: {recording.label}: {error}') from error
  fields = {field: arrays[name] for field, name in facts.names.items()}
  name = facts.observation
  observed = fields.pop(name)
  whole = canonical.steps(fields, facts.frames, aligned)
  whole[name] = (
    frames.resized(observed, side) if name == 'image' else np.float32(observed)
  )
  for x in whole.values():
    x.flags.writeable = False
  extra = {n.removeprefix('oracle/'): arrays[n] for n in facts.extra}
  return whole | {'oracle': extra}


def _size(whole: Mapping[str, Any]) -> int:
  return sum(x.nbytes for k, x in whole.items() if k != 'oracle') + sum(
    x.nbytes for x in whole['oracle'].values()
  )
