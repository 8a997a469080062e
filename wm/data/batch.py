"""The one place where RLDS episodes become a world model's alignment.

In RLDS, `action[t]` is taken at `observation[t]` and `reward[t]` follows it. A
world model pairs a frame with what led to it: `prev_action[t] = action[t - 1]`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

Episode = Mapping[str, Any]


def align(episode: Episode, num_actions: int) -> dict[str, np.ndarray]:
  """Returns one episode, or a stretch of one, as a world model sees it.

  Args:
    episode: RLDS fields stacked over time: `observation/image` uint8
      `[T, H, W, C]`, `action` int `[T]` below `num_actions`, `is_first` bool
      `[T]`.
    num_actions: A.

  Returns:
    image: uint8 `[T, H, W, C]`.
    prev_action: float32 `[T, A]`, one-hot of the action that led to the frame;
      zeros where an episode starts and at the first step given.
    is_first: bool `[T]`.
    mask: float32 `[T]`, 1 where the step is scored: the first frame of an
      episode is given, not predicted.

  Raises:
    ValueError: If an action is no integer, or out of range.
  """
  action = np.asarray(episode['action'])
  if not np.issubdtype(action.dtype, np.integer):
    raise ValueError(
      f'align: actions must be integers; got {action.dtype}; rebuild the data '
      'set'
    )
  if action.min() < 0 or action.max() >= num_actions:
    raise ValueError(
      f'align: action out of range; got {action.min()} to {action.max()}, '
      f'need 0 to {num_actions - 1}; rebuild the data set or correct its '
      'num_actions'
    )
  is_first = np.asarray(episode['is_first'], bool)
  prev_action = np.zeros((len(action), num_actions), np.float32)
  steps = np.arange(1, len(action))
  prev_action[steps, action[:-1]] = 1
  prev_action[is_first] = 0
  return {
    'image': np.asarray(episode['observation']['image']),
    'prev_action': prev_action,
    'is_first': is_first,
    'mask': 1 - is_first.astype(np.float32),
  }


def split_time(
  batch: Mapping[str, Any], at: int
) -> tuple[dict[str, Any], dict[str, Any]]:
  """Returns the batch before and from time `at`, fields `[B, T, ...]`."""
  before = {name: x[:, :at] for name, x in batch.items()}
  after = {name: x[:, at:] for name, x in batch.items()}
  return before, after
