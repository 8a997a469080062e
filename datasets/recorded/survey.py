"""One recorded episode: where its fields are, and what is wrong with them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from datasets.recorded import alignment, canonical
from datasets.recorded import faults as wrong

FIELDS = {
  'image': ('image', 'observation/image'),
  'state': ('state', 'observation/state'),
  'action': ('action',),
  'reward': ('reward',),
  'is_first': ('is_first',),
  'is_terminal': ('is_terminal', 'done'),
  'discount': ('discount',),
}
"""Fields of an episode, and the names that they are looked for by; of the first
two one is observed."""

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
    frame: (H, W, C), or (S,) of states.
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

  @property
  def observation(self) -> str:
    """The field that is observed, 'image' or 'state'."""
    return 'state' if 'state' in self.names else 'image'


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
  observed = facts.observation
  if observed in names:
    check = {'image': wrong.of_frames, 'state': wrong.of_states}[observed]
    faults += check(*shapes[names[observed]])
  if faults:
    return facts._replace(faults=tuple(faults), assumed=tuple(assumed))
  frames, *frame = shapes[names[observed]][0]
  try:
    vectors = recording.take([n for f, n in names.items() if f != 'image'])
  except ValueError as error:
    return facts._replace(faults=(str(error),))
  fields = {f: vectors[n] for f, n in names.items() if f != 'image'}
  faults = [
    fault
    for field, x in fields.items()
    for fault in wrong.of_vector(field, x, frames)
  ]
  fields.pop('state', None)
  facts = facts._replace(
    frames=frames, frame=tuple(frame), assumed=tuple(assumed)
  )
  if faults:
    return facts._replace(faults=tuple(faults))
  assumed += _assumed(fields, frames)
  steps = canonical.steps(fields, frames, aligned)
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
    ends=alignment.ends(canonical.action(fields['action']), frames),
    starts=starts,
    terminal=len(ended),
    assumed=tuple(assumed),
    faults=tuple(faults),
  )


def _find(
  shapes: Mapping[str, Any], keys: Mapping[str, str]
) -> tuple[dict[str, str], list[str], list[str]]:
  """Returns where the fields are, what was assumed, and what is missing."""
  names, assumed, faults = {}, [], []
  found = ', '.join(
    f'{n} {dtype}{list(shape)}' for n, (shape, dtype) in shapes.items()
  )
  asked = {f: (n, f'observation/{n}') for f, n in keys.items()}
  for field, known in (FIELDS | asked).items():
    name = next((n for n in known if n in shapes), None)
    if name:
      names[field] = name
  pictures = [n for n, (shape, _) in shapes.items() if len(shape) == 4]
  chosen = {'image', 'state'} & {*asked}
  if 'image' not in names and not chosen and len(pictures) == 1:
    names['image'] = pictures[0]
    assumed.append(f'{pictures[0]} is image: there are no other frames')
  if len(chosen) == 2:
    faults.append('keys: image and state; one is observed, take out the other')
    return names, assumed, faults
  if (pictures or chosen == {'image'}) and 'state' not in asked:
    names.pop('state', None)
  if 'state' in names:
    names.pop('image', None)
  observed = 'state' if 'state' in {*names, *asked} else 'image'
  for field in dict.fromkeys((observed, 'action', *asked)):
    if field not in names:
      need = repr(asked.get(field, FIELDS[field])[0])
      need += " or 'state'" if need == "'image'" else ''
      faults.append(
        f'{field}: is missing; got {found or "no arrays"}, need {need}; '
        f"change load.arguments, such as {{'keys': {{'{field}': NAME}}}}"
      )
  return names, assumed, faults


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
