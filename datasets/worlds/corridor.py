"""The plan of Multi Doors Keys: every number of the map and of the script.

The paper's pictures show MiniGrid's tiles, a corridor three cells high, a door
room above each door and a key room below each gap, at a period of four columns;
a key opens a door of its colour and is used up, and an open door stays open.
This project's choice, for the paper's code and data were never released: the
number of steps (76 | 174 is a weak recollection of the paper's for three keys;
five and seven have its ratio, and the paper's figure imagines at least 595),
the size of the rooms, that any number of keys can be held, that the keys fit
the doors so that all can be opened in the end, that opening one pays 1, and the
script (`errands.py`).
"""

from typing import NamedTuple

import numpy as np

from datasets.worlds import tiles

ACTIONS = ('left', 'right', 'forward', 'pickup', 'toggle')

HEIGHT = 11
DOOR, TOP, MIDDLE, BOTTOM, GAP, KEY = 3, 4, 5, 6, 7, 8
"""Rows: of doors, of the corridor, of gaps and of keys."""

REACH = 2
"""Cells in view to each side of the agent."""


class Corridor(NamedTuple):
  """A world of doors and keys, and the script that runs errands in it.

  Attributes:
    keys: number of keys, of doors, and of either's rooms.
    context: frames seen.
    query: frames after them.
    fetch: probability that an errand is for a key, while there is one: low
      enough for some to be left to take in the query.
    action_noise: probability that another action than the one meant happens.
    movers: coloured squares that walk about in the corridor and mean nothing.
    stray: probability that the script takes a random action instead, so that
      there is data beside its way.
  """

  keys: int = 3
  context: int = 76
  query: int = 174
  fetch: float = 0.25
  action_noise: float = 0.0
  movers: int = 0
  stray: float = 0.0

  @property
  def length(self) -> int:
    """Frames of an episode."""
    return self.context + self.query

  @property
  def actions(self) -> tuple[str, ...]:
    """Names of the actions."""
    return ACTIONS

  @property
  def frame(self) -> tuple[int, int, int]:
    """(H, W, C)."""
    side = (2 * REACH + 1) * tiles.SIDE
    return side, side, 3

  @property
  def columns(self) -> np.ndarray:
    """Columns of the doors, and of the gaps and keys: int [K]."""
    return 4 * np.arange(self.keys) + 2

  @property
  def last(self) -> int:
    """The last column of the corridor; the first is 1."""
    return 4 * self.keys - 1


THREE = Corridor(keys=3, context=76, query=174, fetch=0.25)
FIVE = Corridor(keys=5, context=151, query=349, fetch=0.2)
SEVEN = Corridor(keys=7, context=301, query=699, fetch=0.15)
SMOKE = {'context': 13, 'query': 12}

CORRIDORS = {
  'keys_3': THREE,
  'keys_5': FIVE,
  'keys_7': SEVEN,
  'keys_3_laptop': THREE,
  'keys_5_laptop': FIVE._replace(context=101, query=199, fetch=0.25),
  'keys_7_laptop': SEVEN._replace(context=151, query=299, fetch=0.25),
  'keys_3_smoke': THREE._replace(**SMOKE),
  'keys_5_smoke': FIVE._replace(**SMOKE),
  'keys_7_smoke': SEVEN._replace(**SMOKE),
}


def floor(corridor: Corridor) -> np.ndarray:
  """Returns the kinds of cells without doors and keys, int32 [H, W]."""
  grid = np.full((HEIGHT, 4 * corridor.keys + 1), tiles.WALL, np.int32)
  grid[TOP:GAP, 1:-1] = tiles.EMPTY
  for column in corridor.columns:
    grid[1:DOOR, column - 1 : column + 2] = tiles.EMPTY
    grid[KEY:-1, column - 1 : column + 2] = tiles.EMPTY
    grid[[DOOR, GAP], column] = tiles.EMPTY
  return grid


def ends(corridor: Corridor) -> tuple[int, int]:
  """Returns columns between which all doors and keys come into view."""
  first, last = corridor.columns[[0, -1]]
  return min(first + REACH, last), max(last - REACH, first)
