"""What a user may ask of recordings, checked by name."""

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

from datasets.recorded import alignment, frames, survey


class Wishes(NamedTuple):
  """How recordings become episodes.

  Attributes:
    length: frames of an episode given to the model; None for as many as the
      shortest recorded episode has. Longer ones are cut into windows.
    context: frames seen before imagining; None for half.
    side: resizes frames to side x side; None for frames as they are.
    keys: names of fields that are called otherwise, `{'image': 'rgb'}`.
    val: share of recordings kept for validation where there is no such folder.
    test: share of recordings kept for the test where there is no such folder.
    aligned: 'rlds' if an action is written at the frame where it is taken,
      'last' if at the frame that it led to; None for 'rlds', unless the
      recordings speak against it, which is then a fault.
  """

  length: int | None = None
  context: int | None = None
  side: int | None = None
  keys: tuple[tuple[str, str], ...] = ()
  val: float = 0.1
  test: float = 0.1
  aligned: str | None = None


def wishes(arguments: Mapping[str, Any]) -> Wishes:
  """Returns the wishes of arguments by name; None leaves one as it is.

  Raises:
    ValueError: no such argument, or a value that it cannot have; all are named.
  """
  faults = []
  arguments = {k: x for k, x in arguments.items() if x is not None}
  for name, value in arguments.items():
    if name not in Wishes._fields:
      close = difflib.get_close_matches(name, Wishes._fields, 1)
      hint = f'; did you mean {close[0]}?' if close else ''
      faults.append(
        f'no such argument; got {name!r}, need one of '
        f'{", ".join(Wishes._fields)}{hint}'
      )
    elif need := _need(name, value):
      faults.append(f'{name}: got {value!r}, need {need}')
  asked = Wishes()._replace(
    **{k: x for k, x in arguments.items() if k in Wishes._fields}
  )
  if not faults and not asked.val + asked.test < 1:
    faults.append(
      f'val, test: got {asked.val} and {asked.test}, need less than 1 together'
    )
  if faults:
    raise ValueError(f'load: {"; ".join(faults)}; change load.arguments')
  return asked._replace(keys=tuple(sorted(dict(asked.keys).items())))


def _need(name: str, value: Any) -> str | None:
  """Returns what an argument must be, if it is not."""
  whole = isinstance(value, int) and not isinstance(value, bool)
  if name == 'length':
    good, need = whole and value >= 4, 'an integer, 4 or more'
  elif name == 'context':
    good, need = whole and value >= 2, 'an integer, 2 or more'
  elif name == 'side':
    good = whole and frames.fits(value)
    need = '8 or more: 4, 5, 6 or 7 times a power of 2, such as 32 or 40'
  elif name == 'aligned':
    good, need = value in [*alignment.LATE], ' or '.join(alignment.LATE)
  elif name == 'keys':
    good = isinstance(value, Mapping) and all(
      k in survey.FIELDS and isinstance(x, str) for k, x in value.items()
    )
    need = f'a dict of names by field, which are {", ".join(survey.FIELDS)}'
  else:
    good = isinstance(value, int | float) and 0 <= value < 1
    need = 'a share of recordings, 0 or more and less than 1'
  return None if good else need
