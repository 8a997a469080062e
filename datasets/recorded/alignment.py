"""Which frame an action and a reward belong to, in recordings of all kinds.

The convention here is that of RLDS: `action[t]` is taken at frame t and
`reward[t]` follows it. Others write beside a frame what led to it (`last`: the
action and the reward of Memory Maze). One array of either kind is the other one
moved by a frame, so nothing fails when they are taken for each other: a model
just learns that actions have no effect. Hence the tests below.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

LATE = {'rlds': 0, 'last': 1}
"""Frames from an action to where it is written, by convention."""

RARE = 1e-3
"""Probability below which zeros at the end of all recordings are no chance."""


def following(values: np.ndarray, frames: int, aligned: str) -> np.ndarray:
  """Returns what was done at, or followed, each frame.

  Args:
    values: `[T, ...]` in the convention, or `[T - 1, ...]` between the frames,
      which is the same in both.
    frames: T.
    aligned: 'rlds' or 'last'.

  Returns:
    `[T, ...]` as in RLDS, with zeros where nothing is known to follow.
  """
  values = values[LATE[aligned] if len(values) == frames else 0 :]
  rest = [(0, 0)] * (values.ndim - 1)
  return np.pad(values, [(0, frames - len(values)), *rest])


def arriving(flags: np.ndarray, frames: int) -> np.ndarray:
  """Returns flags of frames, bool `[T]`.

  Args:
    flags: `[T]`, or `[T - 1]` for all frames but the first.
    frames: T.
  """
  return np.pad(np.asarray(flags, bool), (frames - len(flags), 0))


class Ends(NamedTuple):
  """What the actions of a recording look like, as they are written.

  Attributes:
    first: whether the first is zero.
    last: whether the last is zero.
    zeros: how many are zero.
    count: how many there are; 0 where they lie between the frames.
  """

  first: bool
  last: bool
  zeros: int
  count: int


def ends(action: np.ndarray, frames: int) -> Ends:
  """Returns what stands at both ends of the actions `[T, ...]` as written."""
  zero = (action == 0).reshape(len(action), -1).all(1)
  count = frames if len(action) == frames else 0
  return Ends(bool(zero[0]), bool(zero[-1]), int(zero.sum()), count)


def told_by_ends(found: Sequence[Ends]) -> str | None:
  """Returns the convention that the ends of all recordings speak for, if any.

  Where actions are written late, the first stands for nothing and is zero in
  every recording; in RLDS it is the last. None where both are, or neither, or
  where zeros are so frequent that it may be chance.
  """
  found = [x for x in found if x.count]
  total = sum(x.count for x in found)
  share = sum(x.zeros for x in found) / max(total, 1)
  if not found or share ** len(found) >= RARE:
    return None
  first, last = all(x.first for x in found), all(x.last for x in found)
  if first == last:
    return None
  return 'last' if first else 'rlds'


class Effect(NamedTuple):
  """How far actions explain how much frames change.

  Attributes:
    rlds: share of the variance that is explained by the action written at the
      first of two frames, adjusted: 0 where there is no effect, in the mean.
    last: the same of the action written at the second.
    chance: a share that there is hardly without an effect, five standard
      deviations.
  """

  rlds: float
  last: float
  chance: float


def effect(
  frames: Sequence[np.ndarray], actions: Sequence[np.ndarray]
) -> Effect:
  """Returns how far actions explain the mean absolute change between frames.

  It is explained by a linear function: of one number for each of discrete
  actions, of values and absolute values of continuous ones.

  Args:
    frames: uint8 `[T, H, W, C]` of some recordings, or states `[T, S]`.
    actions: int `[T]` or float `[T, A]`, as written.
  """
  change = np.log1p(np.concatenate([_change(x) for x in frames]))
  whole = ((change - change.mean()) ** 2).sum()
  if not whole:
    return Effect(0, 0, 0)
  told = {}
  for name, late in LATE.items():
    between = np.concatenate([x[late : len(x) - 1 + late] for x in actions])
    if between.ndim == 1:
      seen = _one_hot(between)
    else:
      seen = np.concatenate([between, np.abs(between)], 1)
      seen = np.pad(seen, ((0, 0), (0, 1)), constant_values=1)
    fit = seen @ np.linalg.lstsq(seen, change, rcond=None)[0]
    free = max(len(change) - seen.shape[1], 1)
    left = ((change - fit) ** 2).sum() / whole
    told[name] = float(1 - left * (len(change) - 1) / free)
  return Effect(**told, chance=5 * (2 * seen.shape[1]) ** 0.5 / free)


def told_by_effect(found: Effect) -> str | None:
  """Returns the convention that frames speak for, if they do so clearly.

  Args:
    found: what `effect` returns.
  """
  low, high = sorted(LATE, key=lambda name: getattr(found, name))
  share, other = getattr(found, high), max(getattr(found, low), 0)
  return high if share > 0.1 + found.chance + 2 * other else None


def _change(frames: np.ndarray) -> np.ndarray:
  """Returns the mean absolute change between frames, `[T - 1]`."""
  kind = np.int16 if frames.dtype == np.uint8 else np.float64
  change = np.abs(np.diff(frames.astype(kind), axis=0))
  return change.mean(tuple(range(1, change.ndim)))


def _one_hot(index: np.ndarray) -> np.ndarray:
  _, index = np.unique(index, return_inverse=True)
  return np.eye(index.max() + 1)[index]
