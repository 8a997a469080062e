"""What a map shows of an episode, for people; no model sees it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Chart(NamedTuple):
  """A world from above, and what an agent saw of it and when.

  Row 0 of a map is on top; x goes right, y goes down, both in pixels.

  Attributes:
    draw: `(t) -> uint8 [H, W, 3]`, the world at step t, without the agent.
    path: float [T, 2], (x, y) of the agent.
    heading: float [T], radians, 0 to the right, pi / 2 down.
    seen: int32 [H, W], the step at which what lies under a pixel first came
      into view; T where it never did.
    cue: T short lines, what has to be remembered at each step.
  """

  draw: Callable[[int], np.ndarray]
  path: np.ndarray
  heading: np.ndarray
  seen: np.ndarray
  cue: tuple[str, ...]
