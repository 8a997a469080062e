"""All recordings of a data set together: what they are, and what is wrong."""

import collections
import concurrent.futures
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from datasets.recorded import (
  alignment,
  canonical,
  division,
  folders,
  frames,
  steps,
  survey,
)
from datasets.recorded import windows as cutting
from datasets.recorded.wishes import Wishes

_SOURCES = {'folder': folders, 'tfds': steps}
_LOOKED_AT = 4
_FRAMES = 256
"""How many recordings, and frames of each, are compared with the actions."""


class Report(NamedTuple):
  """What there is to say of recordings.

  Attributes:
    name: of the data set.
    wishes: what was asked for.
    aligned: how actions are taken to be written, 'rlds' or 'last'.
    facts: of all good recordings.
    evidence: sentences on how actions are written.
    metadata: as `datasets.describe` returns it; None where there are faults.
    windows: what becomes an episode, by split.
    assumed: what was not said, and what was done about it.
    faults: what must be mended.
  """

  name: str
  wishes: Wishes
  aligned: str
  facts: Sequence[survey.Facts] = ()
  evidence: Sequence[str] = ()
  metadata: Mapping[str, Any] | None = None
  windows: Mapping[str, Sequence[cutting.Window]] = {}
  assumed: Sequence[str] = ()
  faults: Sequence[str] = ()


def examine(name: str, wishes: Wishes, on_bad: Callable[[str], None]) -> Report:
  """Returns the report; does not look twice at files that did not change.

  Args:
    name: 'folder:PATH' or 'tfds:NAME'.
    wishes: what was asked for.
    on_bad: what to do about a recording that has faults: raise, and they are
      among the report's; or return, and it is left out.

  Raises:
    ValueError: there are no recordings.
  """
  scheme, _, path = name.partition(':')
  return _examine(name, wishes, on_bad, _SOURCES[scheme].stamp(path))


@functools.lru_cache(8)
def _examine(name, wishes, on_bad, stamp) -> Report:
  del stamp
  scheme, _, path = name.partition(':')
  aligned = wishes.aligned or 'rlds'
  given, assumed = division.given(_SOURCES[scheme].recordings(path))
  cores = len(os.sched_getaffinity(0))
  with concurrent.futures.ThreadPoolExecutor(cores) as pool:
    look = functools.partial(
      survey.survey, keys=dict(wishes.keys), aligned=aligned
    )
    surveyed = {k: list(pool.map(look, x)) for k, x in given.items()}
  good, faults, left_out = _sorted_out(surveyed, on_bad)
  assumed += left_out
  facts = [x for split in good.values() for x in split]
  if not facts:
    faults += [] if faults else ['no recording is left; all have faults']
    return Report(name, wishes, aligned, assumed=assumed, faults=faults)
  assumed += _grouped({x.recording.label: x.assumed for x in facts})
  try:
    told, evidence = _alignment(facts)
  except ValueError as error:
    return Report(name, wishes, aligned, facts, (), None, {}, assumed, [
      *faults, str(error)
    ])  # fmt: skip
  if not wishes.aligned and 'last' in told:
    faults.append(
      'action: seems to stand beside the frame that it led to, not beside that '
      f'at which it was taken; got {"; ".join(evidence)}, need '
      "{'aligned': 'last'} if that is so, {'aligned': 'rlds'} if it is not; "
      'change load.arguments'
    )
  elif not wishes.aligned:
    assumed.append(
      'action[t] is taken at frame t, reward[t] follows it '
      "({'aligned': 'rlds'})"
    )
  faults += _side_faults(facts[0].frame, wishes.side)
  splits, said, wrong = division.divided(good, wishes)
  assumed, faults = assumed + said, faults + wrong
  cut, length, said, wrong = division.cut(splits, wishes.length)
  assumed, faults = assumed + said, faults + wrong
  context = wishes.context or length // 2
  if not faults and context >= length:
    faults.append(
      f'context: leaves nothing to imagine; got {context} of {length} frames, '
      f'need 2 to {length - 1}; change load.arguments'
    )
  report = Report(
    name, wishes, aligned, facts, evidence, None, cut, assumed, faults
  )
  if faults:
    return report
  return report._replace(metadata=_metadata(report, length, context))


def _metadata(report: Report, length: int, context: int) -> dict[str, Any]:
  kind, width = report.facts[0].kind
  high = max(int(x.high) for x in report.facts)
  number = high + 1 if kind == 'discrete' else width
  frame, side = report.facts[0].frame, report.wishes.side
  return {
    'name': report.name,
    'actions': tuple(f'action {i}' for i in range(number)),
    'num_actions': number,
    'context': context,
    'query': length - context,
    'observation': report.facts[0].observation,
    'frame': (side, side, frame[-1]) if side else frame,
    'length': length,
    'splits': {split: len(found) for split, found in report.windows.items()},
    'seed': 0,
  }


def _sorted_out(surveyed: Mapping[str, Sequence[survey.Facts]], on_bad):
  """Returns good recordings by split, faults of others, and what is said."""
  sound = [x for split in surveyed.values() for x in split if not x.faults]
  frame, kind = (
    collections.Counter(found).most_common(1)
    for found in ([x.frame for x in sound], [x.kind for x in sound])
  )

  def wrong(x):
    return x.faults or [
      f'{what}: not as in other recordings; got {_shown(got)}, need '
      f'{_shown(usual[0][0])}; record it again or take it away'
      for what, got, usual in (
        (x.observation, x.frame, frame),
        ('action', x.kind, kind),
      )
      if got != usual[0][0]
    ]

  good = {split: [] for split in surveyed}
  refused, skipped = {}, []
  for split, found in surveyed.items():
    for x in found:
      label, faults = x.recording.label, wrong(x)
      if not faults:
        good[split].append(x)
        continue
      try:
        on_bad(f'{label}: {"; ".join(faults)}')
        skipped.append(label)
      except ValueError:
        refused[label] = faults
  said = [f'left out for faults: {division.some(skipped)}'] * bool(skipped)
  return good, _grouped(refused), said


def _alignment(facts: Sequence[survey.Facts]) -> tuple[set[str], list[str]]:
  """Returns the conventions that actions speak for, and how they do."""
  asked = [x for x in facts if x.ends.count]
  if not asked:
    return set(), ['actions lie between the frames: there is no question']
  ends = alignment.told_by_ends([x.ends for x in asked])
  spread = asked[:: -(-len(asked) // _LOOKED_AT)]
  seen, done = [], []
  for x in spread:
    names = x.names[x.observation], x.names['action']
    try:
      arrays = x.recording.take(names)
    except ValueError as error:
      raise ValueError(f'{error} ({x.recording.label})') from error
    seen.append(arrays[names[0]][:_FRAMES])
    done.append(canonical.action(arrays[names[1]])[:_FRAMES])
  explained = alignment.effect(seen, done)
  effect = alignment.told_by_effect(explained)
  first = sum(x.ends.first for x in asked)
  last = sum(x.ends.last for x in asked)
  return {ends, effect} - {None}, [
    f'action is zero at the first frame of {first} of {len(asked)} recordings, '
    f'at the last of {last}',
    'how much frames change is explained to '
    f'{max(explained.rlds, 0):.0%} by the action written before the change, '
    f'to {max(explained.last, 0):.0%} by the one after',
  ]


def _side_faults(frame: tuple[int, ...], side: int | None) -> list[str]:
  if len(frame) == 1:
    return [
      f'side: states have none; got {side}; change load.arguments'
    ] * bool(side)
  height, width, _ = frame
  if side or (height == width and frames.fits(height)):
    return []
  return [
    f'side: frames do not fit a model; got {height}x{width}, need a square '
    'with a side of 8 or more: 4, 5, 6 or 7 times a power of 2; change '
    f"load.arguments, such as {{'side': {frames.nearest(height, width)}}}"
  ]


def _grouped(said: Mapping[str, Sequence[str]]) -> list[str]:
  """Returns sentences of many recordings, each kind of them once.

  Args:
    said: sentences by label of the recording; what comes after the first
      semicolon may differ among them.
  """
  groups = collections.defaultdict(list)
  for label, sentences in said.items():
    for sentence in sentences:
      groups[sentence.split(';')[0]].append((label, sentence))
  return [
    f'{found[0][1]} ({division.some([label for label, _ in found])})'
    for found in groups.values()
  ]


def _shown(x: tuple) -> str:
  return ' '.join(map(str, x)) if isinstance(x[0], str) else 'x'.join(
    map(str, x)
  )  # fmt: skip
