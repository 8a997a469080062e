"""The plan of the mazes: every number of geometry, camera and script.

Those of the camera, the walls, the domes and the walker's speeds are measured
on Memory Maze 1.0.3. Lengths are in cells (2 m there). The simulator's state is
made of integers, `UNIT` of them to a cell.
"""

from typing import NamedTuple

import numpy as np

from datasets.worlds import layout as layouts

ACTIONS, UNIT = layouts.ACTIONS, layouts.UNIT


class Maze(NamedTuple):
  """All the numbers. Lengths are in cells (2 m in Memory Maze).

  Attributes:
    cells: of a side, without the outer ring; odd, below 32.
    targets: domes to be found, at most one in a room.
    rooms: most rooms.
    sides: the least and the greatest side of a room, in cells; odd.
    context: frames seen before imagining.
    query: frames to imagine.
    size: pixels of a side of the square frame.
    headings: directions of a full circle.
    turn: how many of them a turning action turns.
    step: cells walked by a forward action; below 1 - 2 * body.
    height: of the walls.
    eye: height of the camera.
    ahead: what the camera is ahead of the walker's position.
    horizon: fraction of the frame above the horizon.
    field: horizontal field of view, degrees.
    radius: of the domes, whose centres lie on the floor.
    body: radius of the walker.
    reach: a target is reached within this distance.
    arrive: the script's goal is reached within this distance.
    seek: probability that the script's next goal is the current target.
    stray: probability per step that the script begins random actions.
    strays: number of random actions that it then takes.
    action_noise: probability that a random action happens instead.
    movers: number of domes that walk about.
  """

  cells: int = 9
  targets: int = 3
  rooms: int = 6
  sides: tuple[int, int] = (3, 5)
  context: int = 501
  query: int = 500
  size: int = 64
  headings: int = 98
  turn: int = 5
  step: float = 0.25
  height: float = 0.75
  eye: float = 0.45
  ahead: float = 0.075
  horizon: float = 0.44
  field: float = 80.0
  radius: float = 0.3
  body: float = 0.1
  reach: float = 0.387
  arrive: float = 0.3
  seek: float = 0.0
  stray: float = 0.02
  strays: int = 5
  action_noise: float = 0.0
  movers: int = 0

  @property
  def actions(self) -> tuple[str, ...]:
    """Names of the actions."""
    return ACTIONS

  @property
  def length(self) -> int:
    """Frames of an episode."""
    return self.context + self.query

  @property
  def frame(self) -> tuple[int, int, int]:
    """(H, W, C)."""
    return self.size, self.size, 3


_LAPTOP = {
  'size': 32, 'context': 101, 'query': 100, 'headings': 8, 'turn': 1,
  'step': 0.7, 'arrive': 0.4, 'seek': 0.1,
}  # fmt: skip
_SMALL = Maze()
_LARGE = Maze(cells=15, targets=6, rooms=9, sides=(3, 3), seek=0.1)

MAZES = {
  f'jax_{maze.cells}x{maze.cells}{scale}': maze._replace(**changes)
  for maze in (_SMALL, _LARGE)
  for scale, changes in (
    ('', {}),
    ('_laptop', _LAPTOP),
    ('_smoke', _LAPTOP | {'size': 16, 'context': 13, 'query': 12}),
  )
}


def circle(maze: Maze, cells: float) -> np.ndarray:
  """Returns the headings' vectors of a length, int32 [headings, 2]."""
  angle = 2 * np.pi * np.arange(maze.headings) / maze.headings
  vector = np.stack([np.cos(angle), np.sin(angle)], -1) * cells * UNIT
  return np.rint(vector).astype(np.int32)
