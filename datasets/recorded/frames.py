"""The size of recorded frames: what a model takes, and how to get there."""

import numpy as np


def fits(side: int) -> bool:
  """Whether a square frame can be halved, once or more, to a side of 4 to 7."""
  return side >= 8 and _halved(side) >= 4


def nearest(height: int, width: int) -> int:
  """Returns the greatest side that fits into a frame; at most 64, or 8."""
  greatest = max(8, min(height, width, 64))
  return next(side for side in range(greatest, 0, -1) if fits(side))


def resized(frames: np.ndarray, side: int | None) -> np.ndarray:
  """Returns frames of side x side, each pixel the mean of what it covers.

  A frame that is not square is squeezed, not cropped.

  Args:
    frames: uint8 `[T, H, W, C]`.
    side: of the frames returned; None for frames as they are.

  Returns:
    uint8 `[T, side, side, C]`.
  """
  if side is None or frames.shape[1:3] == (side, side):
    return frames
  rows, cols = (_covered(side, size) for size in frames.shape[1:3])
  means = np.empty((len(frames), side, side, frames.shape[3]), np.uint8)
  for frame, mean in zip(frames, means, strict=True):
    exact = np.einsum('ih,hwc,jw->ijc', rows, frame, cols, optimize=True)
    mean[:] = np.rint(exact)
  return means


def _halved(side: int) -> int:
  while side > 7 and side % 2 == 0:
    side //= 2
  return side if side <= 7 else 0


def _covered(side: int, size: int) -> np.ndarray:
  """How much of each of `size` pixels lies in each of `side`, rows sum to 1."""
  edges = np.linspace(0, size, side + 1)
  pixels = np.arange(size)
  low = np.maximum(edges[:-1, None], pixels)
  high = np.minimum(edges[1:, None], pixels + 1)
  return np.float32(np.maximum(high - low, 0) * side / size)
