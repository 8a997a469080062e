"""Fields of a recording, but the frames, in the convention of RLDS."""

from collections.abc import Mapping

import numpy as np

from datasets.recorded import alignment


def steps(
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
  nothing = np.zeros(frames)
  reward = np.float32(flat(fields.get('reward', nothing)))
  first = alignment.arriving(flat(fields.get('is_first', nothing)), frames)
  first |= np.arange(frames) == 0
  over = flat(fields.get('discount', nothing + 1)) == 0
  over = alignment.following(over, frames, aligned)
  if 'is_terminal' in fields:
    ended = alignment.arriving(flat(fields['is_terminal']), frames)
  else:
    ended = np.append(first[1:], True) & ~first & np.roll(over, 1)
  return {
    'action': alignment.following(action(fields['action']), frames, aligned),
    'reward': alignment.following(reward, frames, aligned),
    'discount': np.float32(~(over | np.append(ended[1:], False))),
    'is_first': first,
    'is_terminal': ended,
  }


def action(x: np.ndarray) -> np.ndarray:
  """Returns int32 `[T]` of numbers of actions, or else float32 `[T, A]`."""
  return np.int32(flat(x)) if is_number(x) else np.float32(x)


def is_number(x: np.ndarray) -> bool:
  """Returns whether actions are told by number, not as vectors."""
  return flat(x).ndim == 1 and np.issubdtype(x.dtype, np.integer)


def flat(x: np.ndarray) -> np.ndarray:
  """Returns `[T]` of `[T, 1]`, and others as they are."""
  return x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x
