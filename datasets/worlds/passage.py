"""The plan of Distracting Memory: every number of the map and of the script.

Recovered from the authors' video and pictures: MiniGrid's MemoryEnv, nine cells
high and `width` wide, with squares of four colours for objects; the distractors
on the row of the hallway; the view of five by five cells; the way of the agent,
2.5 widths of frames, and where it is cut into context and query.
This project's choice, where one sample cannot tell: the clue is always at
(3, 5); the clue and the two choices block, distractors do not; the agent stays
at its choice; numbers of episodes at laptop size.
"""

import math
import re
from typing import NamedTuple

import numpy as np

from datasets.worlds import tiles

ACTIONS = ('left', 'right', 'forward')

HEIGHT, MIDDLE = 9, 4
"""Rows of the map, and the row of the hallway."""

CLUE = (3, 5)
CHOICES = (2, 6)
"""(x, y) of the clue, and rows of the two choices, in the last free column."""

FIRST = 4
"""First column of distractors; the last is `Hallway.last`."""

FILLED = 0.5
"""Probability that a cell of the hallway has a distractor."""

SMALL = 10
"""The least width, and that of smoke sizes."""


class Hallway(NamedTuple):
  """A world with a clue at one end of a hallway and two choices at the other.

  Attributes:
    width: columns of the map, even.
    action_noise: probability that a random action happens instead.
    movers: squares that walk about in the hallway and mean nothing.
    stray: probability that the script takes a random action instead, so that
      there is data beside its way.
  """

  width: int = 100
  action_noise: float = 0.0
  movers: int = 0
  stray: float = 0.0

  @property
  def actions(self) -> tuple[str, ...]:
    """Names of the actions."""
    return ACTIONS

  @property
  def frame(self) -> tuple[int, int, int]:
    """(H, W, C)."""
    side = 5 * tiles.SIDE
    return side, side, 3

  @property
  def junction(self) -> int:
    """The column of the choices."""
    return self.width - 2

  @property
  def last(self) -> int:
    """The last column of distractors."""
    return self.width - 4

  @property
  def slips(self) -> float:
    """Probability that a random action happens, by noise or by the script."""
    return 1 - (1 - self.action_noise) * (1 - self.stray)

  @property
  def turn(self) -> int:
    """The column where the script turns back.

    With slips a column before the junction, where none makes a choice.
    """
    return self.junction - (self.slips > 0)

  @property
  def pace(self) -> float:
    """Cells that the script gains by a step in the long run.

    With slips it faces ahead, aside or back: a Markov chain that leaves the
    right heading for a wrong one by either of two slips, and goes on to the
    opposite one, or back, by one.
    """
    slip = self.slips / 3
    right = 1 - 2 * slip
    aside = 2 * slip / right
    back = aside * slip / (1 - slip)
    return (right - slip * back) / (1 + aside + back)

  @property
  def context(self) -> int:
    """Frames seen before imagining, up to the middle of the last walk."""
    return round((2 * self.width - 1) / self.pace)

  @property
  def query(self) -> int:
    """Frames to imagine; with slips enough to make a choice nearly always."""
    steps = (self.width // 2 + 1) / self.pace
    late = math.sqrt((2.5 * self.width / self.pace) * (1 / self.pace - 1))
    return math.ceil(steps + 4 * late)

  @property
  def length(self) -> int:
    """Frames of an episode."""
    return self.context + self.query


def check(hallway: Hallway) -> Hallway:
  """Returns a hallway if there can be one of its width.

  Raises:
    ValueError: the width is odd or too small.
  """
  if hallway.width % 2 or hallway.width < SMALL:
    raise ValueError(
      f'Hallway: no such width; got {hallway.width}, need an even number, '
      f'{SMALL} or more; change Hallway.width, or the name of the data set, as '
      'in width_60'
    )
  return hallway


def named(name: str) -> Hallway | None:
  """Returns the hallway of a name such as 'width_100' or 'width_60_laptop'.

  Raises:
    ValueError: the width is odd or too small.
  """
  found = re.fullmatch(r'width_(\d+)(_laptop|_smoke|)', name)
  if found is None:
    return None
  hallway = check(Hallway(int(found[1])))
  return Hallway(SMALL) if found[2] == '_smoke' else hallway


def walls(hallway: Hallway) -> np.ndarray:
  """Returns the map without coloured things, int32 [H, W]."""
  end = hallway.junction - 1
  grid = np.full((HEIGHT, hallway.width), tiles.EMPTY, np.int32)
  grid[[0, -1]] = tiles.WALL
  grid[:, [0, -1]] = tiles.WALL
  grid[[2, 6], 1:5] = tiles.WALL
  grid[[3, 5], 4:end] = tiles.WALL
  grid[:, end] = tiles.WALL
  grid[MIDDLE, end] = tiles.EMPTY
  return grid
