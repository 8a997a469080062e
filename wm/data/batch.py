"""The one place where RLDS episodes become a world model's alignment.

In RLDS, `action[t]` is taken at `observation[t]` and `reward[t]` follows it. A
world model pairs a frame with what led to it: `prev_action[t] = action[t - 1]`.
"""

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float

Episode = Mapping[str, Any]

_DTYPES = {'image': np.uint8, 'state': np.float32}


def align(episode: Episode, num_actions: int) -> dict[str, np.ndarray]:
  """Returns one episode, or a stretch of one, as a world model sees it.

  Args:
    episode: RLDS fields stacked over time: what is observed, such as
      `observation/image` uint8 `[T, H, W, C]` or `observation/state` float32
      `[T, S]`, `action` int `[T]` below `num_actions` or float `[T, A]`,
      `is_first` bool `[T]`, perhaps `reward` and `discount` `[T]`.
    num_actions: A.

  Returns:
    image, state: what is observed, as it is.
    prev_action: float32 `[T, A]`, the vector of the action that led to the
      frame, one-hot if actions are integers; zeros where an episode starts and
      at the first step given.
    is_first: bool `[T]`.
    reward: float32 `[T]`, what the action that led to the frame brought, if the
      episode says so; 0 where an episode starts and at the first step given.
    continue: float32 `[T]`, the discount that it brought: 0 from a true end on,
      else 1, also where an episode starts; if the episode says so.
    mask: float32 `[T]`, 1 where the step is scored: the first frame of an
      episode is given, not predicted.

  Raises:
    ValueError: If an action is neither an integer nor a vector, is out of
      range, of another width, or not finite.
  """
  action = _vectors(np.asarray(episode['action']), num_actions)
  is_first = np.asarray(episode['is_first'], bool)
  prev_action = np.zeros((len(action), num_actions), np.float32)
  prev_action[1:] = action[:-1]
  prev_action[is_first] = 0
  seen = {name: np.asarray(x) for name, x in episode['observation'].items()}
  return seen | {
    'prev_action': prev_action,
    'is_first': is_first,
    'mask': 1 - is_first.astype(np.float32),
  } | _followed(episode, is_first)


def _vectors(action: np.ndarray, width: int) -> np.ndarray:
  """Returns actions as vectors `[T, A]`."""
  if action.ndim == 2 and np.issubdtype(action.dtype, np.floating):
    if action.shape[1] != width:
      raise ValueError(
        f'align: action vectors of another width; got {action.shape[1]}, need '
        f'{width}; rebuild the data set or correct its num_actions'
      )
    finite = np.isfinite(action).all(1)
    if not finite.all():
      at = np.argmin(finite)
      raise ValueError(
        f'align: action is not finite; got {action[at]} at step {at}, need '
        'numbers; rebuild the data set'
      )
    return action
  if not np.issubdtype(action.dtype, np.integer):
    raise ValueError(
      f'align: actions must be integers, or vectors of floats; got '
      f'{action.dtype}{list(action.shape)}; rebuild the data set'
    )
  if action.min() < 0 or action.max() >= width:
    raise ValueError(
      f'align: action out of range; got {action.min()} to {action.max()}, '
      f'need 0 to {width - 1}; rebuild the data set or correct its num_actions'
    )
  return np.eye(width, dtype=np.float32)[action]


def _followed(episode: Episode, is_first: np.ndarray) -> dict[str, np.ndarray]:
  """Returns what followed actions, beside the frames that it came with."""
  found = {}
  fields = ('reward', 'reward', 0), ('continue', 'discount', 1)
  for name, field, start in fields:
    if field in episode:
      value = np.roll(np.asarray(episode[field], np.float32), 1)
      value[0] = start
      found[name] = np.where(is_first, np.float32(start), value)
  return found


def numbers(observed: ArrayLike) -> Float[Array, '...']:
  """Returns what is observed in the units of predictions.

  Frames, uint8, are divided by 255; states are as they are.
  """
  x = jnp.asarray(observed)
  return x.astype(jnp.float32) / (255 if x.dtype == jnp.uint8 else 1)


def blank(
  metadata: Mapping[str, Any], lead: tuple[int, ...]
) -> dict[str, np.ndarray]:
  """Returns observations of a data set's kind, all zeros, `[*lead, ...]`.

  Args:
    metadata: of the data set: observation and frame.
    lead: sizes of the axes before those of an observation.
  """
  name = metadata['observation']
  return {name: np.zeros((*lead, *metadata['frame']), _DTYPES[name])}


def split_time(
  batch: Mapping[str, Any], at: int
) -> tuple[dict[str, Any], dict[str, Any]]:
  """Returns the batch before and from time `at`, fields `[B, T, ...]`."""
  before = {name: x[:, :at] for name, x in batch.items()}
  after = {name: x[:, at:] for name, x in batch.items()}
  return before, after
