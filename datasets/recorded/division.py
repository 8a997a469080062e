"""Which recordings belong to which split, and how they become windows."""

from collections.abc import Mapping, Sequence

from datasets import rlds
from datasets.recorded import survey, windows
from datasets.recorded.wishes import Wishes

SHORTEST = 4
"""Frames of an episode of which two are seen and one at least is imagined."""


def given(
  groups: Mapping[str, Sequence[survey.Recording]],
) -> tuple[dict[str, list[survey.Recording]], list[str]]:
  """Returns recordings by split, and what was assumed.

  Args:
    groups: recordings by folder, or by split of TFDS.

  Returns:
    Those of train, val and test if there is a train; else all, as ''. And
    sentences.
  """
  alias = {'validation': 'val', 'valid': 'val'}
  found = {alias.get(k, k): list(x) for k, x in groups.items()}
  if 'train' not in found:
    return {'': [x for group in groups.values() for x in group]}, []
  return {k: found[k] for k in rlds.SPLITS if k in found}, [
    f'not used: {len(x)} recordings in {k!r}, which is no split'
    for k, x in found.items()
    if k not in rlds.SPLITS
  ]


def divided(
  good: Mapping[str, Sequence[survey.Facts]], wishes: Wishes
) -> tuple[dict[str, list[survey.Facts]], list[str], list[str]]:
  """Returns recordings by split, what was assumed, and faults.

  A split that was not given is cut off the end of train: whole recordings, so
  that no two splits share one.

  Args:
    good: recordings by split as they were given; '' where nobody said.
    wishes: what was asked for.
  """
  splits = {k: list(good.get(k, ())) for k in rlds.SPLITS}
  train = splits['train'] or list(good.get('', ()))
  missing = {
    k: max(1, round(getattr(wishes, k) * len(train)))
    for k in ('val', 'test')
    if k not in good and getattr(wishes, k)
  }
  need = 1 + sum(missing.values())
  if len(train) < need:
    return splits, [], [
      f'splits: too few recordings; got {len(train)}, need {need}, for '
      f'{", ".join(["train", *missing])}; record more, or cut them into more '
      'files, or put files into folders train, val and test'
    ]  # fmt: skip
  at = len(train) - sum(missing.values())
  rest, splits['train'] = train[at:], train[:at]
  for split, count in missing.items():
    splits[split], rest = rest[:count], rest[count:]
  said = [
    f'{k} is {some([x.recording.label for x in splits[k]])}, from the end: '
    f'there is no {k} of its own'
    for k in missing
  ]
  return splits, said, []


def cut(
  splits: Mapping[str, Sequence[survey.Facts]], length: int | None
) -> tuple[dict[str, list[windows.Window]], int, list[str], list[str]]:
  """Returns windows by split, their length, what was assumed, and faults.

  Args:
    splits: recordings by split.
    length: frames of a window; None for those of the shortest episode.
  """
  facts = [x for found in splits.values() for x in found]
  whole = [window for x in facts for window in windows.cut(x, None)]
  sizes = [x.stop - x.start for x in whole]
  if not whole:
    return {}, 0, [], []
  asked, length = length, length or min(sizes)
  shortest = whole[sizes.index(min(sizes))].facts.recording.label
  found = {
    k: [window for x in given for window in windows.cut(x, length)]
    for k, given in splits.items()
  }
  said, faults = [], []
  if not asked:
    said.append(f'length is {length}, that of the shortest episode: {shortest}')
  if length < SHORTEST:
    faults.append(
      f'length: too few frames in the shortest episode; got {length} in '
      f'{shortest}, need {SHORTEST}; change load.arguments, such as '
      f"{{'length': {sorted(sizes)[len(sizes) // 2]}}}, which leaves shorter "
      'ones out'
    )
  elif length > max(sizes):
    faults.append(
      f'length: no episode is as long; got {length}, need {max(sizes)} or '
      'less; change load.arguments'
    )
  dropped = sum(sizes) - length * sum(map(len, found.values()))
  if dropped:
    short = sum(size < length for size in sizes)
    said.append(
      f'{dropped} of {sum(sizes)} frames are in no window of {length}: the '
      f'ends of longer episodes, and {short} episodes that are shorter'
    )
  return found, length, said, faults


def some(labels: Sequence[str]) -> str:
  """Returns a few of the names, and how many there are."""
  if len(labels) <= 3:
    return ', '.join(labels)
  return f'{", ".join(labels[:2])} ... {labels[-1]}, {len(labels)} in all'
