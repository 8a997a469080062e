"""How long ago an agent last saw, in the context, what it sees now."""

import numpy as np


def age(visible: np.ndarray, context: int) -> np.ndarray:
  """Returns how far back each frame has to be remembered, int32 [T].

  That is, of all things in view, the most steps since one was last in view in
  the context; -1 if something in view never was. In the context it is 0.

  Args:
    visible: bool [T, S], which of S things are in view at each step.
    context: steps that are observed.
  """
  steps = np.arange(len(visible))
  before = visible[:context]
  last = np.where(before.any(0), context - 1 - before[::-1].argmax(0), -1)
  since = np.where(visible & (last >= 0), steps[:, None] - last, 0).max(1)
  unknown = (visible & (last < 0)).any(1)
  found = np.where(unknown, -1, since)
  return np.where(steps < context, 0, found).astype(np.int32)
