"""One recorded episode: where its fields are, and what is wrong with them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from datasets.recorded import alignment

FIELDS = {
  'image': ('image', 'observation/image'),
  'action': ('action',),
  'reward': ('reward',),
  'is_first': ('is_first',),
  'is_terminal': ('is_terminal', 'done'),
  'discount': ('discount',),
}
"""Fields of an episode, and the names that they are looked for by."""

DERIVED = ('is_last',)
"""Fields that follow from the others."""


class Recording(NamedTuple):
  """A recorded episode, not yet read.

  Attributes:
    label: what a person calls it, such as the name of its file.
    shapes: `() -> {name: (shape, dtype)}` of all its arrays; may read, may
      raise ValueError.
    take: `(names) -> {name: array}` of some of them.
    extra: `(shapes) -> names` of arrays that may go along beside the fields.
  """

  label: str
  shapes: Callable[[], Mapping[str, tuple[tuple[int, ...], np.dtype]]]
  take: Callable[[Sequence[str]], Mapping[str, np.ndarray]]
  extra: Callable[[Mapping[str, Any]], Sequence[str]] = list


class Facts(NamedTuple):
  """What is known of a recording, without its frames.

  Attributes:
    recording: the recording.
    names: where its fields are, by field.
    extra: names of what else goes along.
    frames: T.
    frame: (H, W, C).
    kind: of actions, ('discrete', 1) or ('continuous', A).
    low: the smallest action.
    high: the greatest.
    reward: sum of rewards.
    paid: how many are not zero.
    ends: of the actions.
    starts: frames at which an episode starts.
    terminal: how many episodes of it end, rather than being cut off.
    assumed: sentences.
    faults: sentences; where there are any, the rest may be missing.
  """

  recording: Recording
  names: Mapping[str, str] = {}
  extra: Sequence[str] = ()
  frames: int = 0
  frame: tuple[int, ...] = ()
  kind: tuple[str, int] = ('', 0)
  low: float = 0
  high: float = 0
  reward: float = 0
  paid: int = 0
  ends: alignment.Ends = alignment.Ends(False, False, 0, 0)
  starts: tuple[int, ...] = (0,)
  terminal: int = 0
  assumed: tuple[str, ...] = ()
  faults: tuple[str, ...] = ()


def survey(
  recording: Recording, keys: Mapping[str, str], aligned: str
) -> Facts:
  """Returns what is known of a recording; its faults are among it.

  Args:
    recording: the recording.
    keys: names of fields that are not called as here.
    aligned: 'rlds' or 'last', as `recorded.alignment` explains.
  """
  try:
    shapes = recording.shapes()
  except ValueError as error:
    return Facts(recording, faults=(str(error),))
  names, assumed, faults = _find(shapes, keys)
  used = {*names.values(), *DERIVED}
  facts = Facts(
    recording,
    names=names,
    extra=[n for n in recording.extra(shapes) if n not in used],
  )
  if 'image' in names:
    faults += _frame_faults(*shapes[names['image']])
  if faults:
    return facts._replace(faults=tuple(faults), assumed=tuple(assumed))
  frames, *frame = shapes[names['image']][0]
  try:
    vectors = recording.take([n for f, n in names.items() if f != 'image'])
  except ValueError as error:
    return facts._replace(faults=(str(error),))
  fields = {f: vectors[n] for f, n in names.items() if f != 'image'}
  faults = [
    fault
    for field, x in fields.items()
    for fault in _vector_faults(field, x, frames)
  ]
  facts = facts._replace(
    frames=frames, frame=tuple(frame), assumed=tuple(assumed)
  )
  if faults:
    return facts._replace(faults=tuple(faults))
  assumed += _assumed(fields, frames)
  steps = canonical(fields, frames, aligned)
  starts = tuple(np.flatnonzero(steps['is_first']).tolist())
  ended = np.flatnonzero(steps['is_terminal'])
  inside = set((ended + 1).tolist()) - {*starts, frames}
  if inside:
    at = min(inside) - 1
    faults.append(
      f'{names["is_terminal"]}: an episode goes on after its end; got True at '
      f'frame {at} of {frames}, need it at the last frame of an episode alone; '
      'record each episode into a file, or is_first where the next one starts'
    )
  action = steps['action']
  return facts._replace(
    kind=('discrete', 1)
    if action.ndim == 1
    else ('continuous', action.shape[1]),
    low=float(action.min()),
    high=float(action.max()),
    reward=float(steps['reward'].sum()),
    paid=int(np.count_nonzero(steps['reward'])),
    ends=alignment.ends(as_action(fields['action']), frames),
    starts=starts,
    terminal=len(ended),
    assumed=tuple(assumed),
    faults=tuple(faults),
  )


def canonical(
  fields: Mapping[str, np.ndarray], frames: int, aligned: str
) -> dict[str, np.ndarray]:
  """Returns the fields but the frames in the convention of RLDS.

  Args:
    fields: as recorded; `action` must be among them.
    frames: T.
    aligned: 'rlds' or 'last'.

  Returns:
    action: int32 `[T]` or float32 `[T, A]`.
    reward: float32 `[T]`.
    discount: float32 `[T]`, 0 where it was recorded as 0, or where an action
      leads to an end; else 1.
    is_first, is_terminal: bool `[T]`; where no `is_terminal` was recorded, an
      episode ends if the action before its last frame has a discount of 0.
  """
  action = as_action(fields['action'])
  nothing = np.zeros(frames)
  reward = np.float32(_flat(fields.get('reward', nothing)))
  first = alignment.arriving(_flat(fields.get('is_first', nothing)), frames)
  first |= np.arange(frames) == 0
  over = _flat(fields.get('discount', nothing + 1)) == 0
  over = alignment.following(over, frames, aligned)
  if 'is_terminal' in fields:
    ended = alignment.arriving(_flat(fields['is_terminal']), frames)
  else:
    ended = np.append(first[1:], True) & ~first & np.roll(over, 1)
  return {
    'action': alignment.following(action, frames, aligned),
    'reward': alignment.following(reward, frames, aligned),
    'discount': np.float32(~(over | np.append(ended[1:], False))),
    'is_first': first,
    'is_terminal': ended,
  }


def as_action(x: np.ndarray) -> np.ndarray:
  """Returns int32 `[T]` of numbers of actions, or else float32 `[T, A]`."""
  flat = _flat(x)
  is_number = flat.ndim == 1 and np.issubdtype(flat.dtype, np.integer)
  return np.int32(flat) if is_number else np.float32(x)


def _flat(x: np.ndarray) -> np.ndarray:
  return x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x


def _find(
  shapes: Mapping[str, Any], keys: Mapping[str, str]
) -> tuple[dict[str, str], list[str], list[str]]:
  """Returns where the fields are, what was assumed, and what is missing."""
  names, assumed, faults = {}, [], []
  found = ', '.join(
    f'{n} {dtype}{list(shape)}' for n, (shape, dtype) in shapes.items()
  )
  for field, known in FIELDS.items():
    if field in keys:
      known = (keys[field], f'observation/{keys[field]}')
    name = next((n for n in known if n in shapes), None)
    pictures = [n for n, (shape, _) in shapes.items() if len(shape) == 4]
    if name:
      names[field] = name
    elif field == 'image' and field not in keys and len(pictures) == 1:
      names[field] = pictures[0]
      assumed.append(f'{pictures[0]} is image: there are no other frames')
    elif field in ('image', 'action') or field in keys:
      faults.append(
        f'{field}: is missing; got {found or "no arrays"}, need {known[0]!r}; '
        f"change load.arguments, such as {{'keys': {{'{field}': NAME}}}}"
      )
  return names, assumed, faults


def _frame_faults(shape: Sequence[int], dtype: np.dtype) -> list[str]:
  if len(shape) != 4 or not all(shape) or shape[3] > shape[1]:
    return [
      f'image: not frames; got {list(shape)}, need [T, H, W, C]; transpose '
      'the array or add an axis when you save it'
    ]
  if dtype != np.uint8:
    return [
      f'image: not bytes; got {dtype}, need uint8, 0 to 255; save '
      '(255 * image).astype("uint8") if they are 0 to 1'
    ]
  return []


def _vector_faults(field: str, x: np.ndarray, frames: int) -> list[str]:
  """Returns what is wrong with one of the arrays beside the frames."""
  if x.dtype.kind not in 'biuf':
    return [f'{field}: not numbers; got {x.dtype}, need numbers']
  if x.ndim == 0 or len(x) not in (frames, frames - 1):
    return [
      f'{field}: its length is not that of image; got {list(x.shape)}, need '
      f'{frames}, one for each frame, or {frames - 1}, one between two frames; '
      'record a frame before the first action and after every action'
    ]
  if not np.isfinite(x).all():
    at = int(np.argwhere(~np.isfinite(x))[0, 0])
    return [f'{field}: not finite; got {x[at]} at frame {at}, need numbers']
  if field != 'action':
    return [] if _flat(x).ndim == 1 else [
      f'{field}: more than one number for a frame; got {list(x.shape)}, need '
      f'[{frames}]'
    ]  # fmt: skip
  return _action_faults(x, frames)


def _action_faults(x: np.ndarray, frames: int) -> list[str]:
  is_number = np.issubdtype(x.dtype, np.integer) and _flat(x).ndim == 1
  if is_number and x.min() < 0:
    return [
      f'action: negative; got {x.min()}, need numbers of actions from 0; save '
      'floats [T, A] if it is continuous'
    ]
  if x.ndim > 2 or (x.ndim == 1 and not is_number):
    return [
      f'action: neither numbers nor vectors; got {x.dtype}{list(x.shape)}, '
      f'need int [{frames}], or float [{frames}, A]; save '
      'action.astype("int32") of discrete actions, action[:, None] of one that '
      'is continuous'
    ]
  return []


def _assumed(fields: Mapping[str, np.ndarray], frames: int) -> list[str]:
  """Says what arrays that are shorter than frames, or missing, stand for."""
  where = {
    'action': 'at the last frame it is 0',
    'reward': 'at the last frame it is 0',
    'discount': 'at the last frame it is 1',
    'is_first': 'it is about all frames but the first',
    'is_terminal': 'it is about all frames but the first',
  }
  said = [
    f'{field}: one less than frames, so it lies between them; {where[field]}'
    for field, x in fields.items()
    if len(x) == frames - 1
  ]
  if 'reward' not in fields:
    said.append('reward: missing, so it is 0')
  if 'discount' in fields and 'is_terminal' not in fields:
    said.append(
      'is_terminal: missing, so an episode ends if the last discount is 0'
    )
  return said
