"""What is wrong with the arrays of a recording, and what to do about it."""

from collections.abc import Sequence

import numpy as np

from datasets.recorded import canonical

MOST = 65535
"""The greatest number of an action: one-hot vectors are as long."""


def of_frames(shape: Sequence[int], dtype: np.dtype) -> list[str]:
  """Returns what is wrong with the array of frames, by its header."""
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


def of_states(shape: Sequence[int], dtype: np.dtype) -> list[str]:
  """Returns what is wrong with the array of states, by its header."""
  if len(shape) != 2 or not all(shape):
    return [
      f'state: not vectors; got {list(shape)}, need [T, S]; join all that is '
      'observed at a step in one vector when you save it'
    ]
  if dtype.kind not in 'biuf':
    return [f'state: not numbers; got {dtype}, need numbers']
  return []


def of_vector(field: str, x: np.ndarray, frames: int) -> list[str]:
  """Returns what is wrong with an array other than the frames."""
  if x.dtype.kind not in 'biuf':
    return [f'{field}: not numbers; got {x.dtype}, need numbers']
  if x.ndim == 0 or len(x) not in (frames, frames - 1):
    return [
      f'{field}: its length is not that of frames; got {list(x.shape)}, need '
      f'{frames}, one for each frame, or {frames - 1}, one between two frames; '
      'record a frame before the first action and after every action'
    ]
  if not x.size:
    return [
      f'{field}: is empty; got {list(x.shape)}, need at least one number for '
      'each of two frames; record it again or take it away'
    ]
  with np.errstate(over='ignore'):
    finite = np.isfinite(np.float32(x) if x.dtype.kind == 'f' else x)
  if not finite.all():
    at = int(np.argwhere(~finite)[0, 0])
    return [f'{field}: not finite; got {x[at]} at frame {at}, need numbers']
  if field == 'state':
    return []
  if field != 'action':
    return [] if canonical.flat(x).ndim == 1 else [
      f'{field}: more than one number for a frame; got {list(x.shape)}, need '
      f'[{frames}]'
    ]  # fmt: skip
  return _action_faults(x, frames)


def _action_faults(x: np.ndarray, frames: int) -> list[str]:
  is_number = canonical.is_number(x)
  if is_number and x.max() > MOST:
    return [
      f'action: too great for a number of an action; got {x.max()}, need 0 to '
      f'{MOST}; renumber actions from 0, in all files alike, or save floats '
      '[T, A] if they are continuous'
    ]
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
