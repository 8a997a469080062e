"""The plan of the 3D rooms: every number of geometry, camera and script.

The paper shows its rooms and names their colours, but its code and data were
never released: sizes of rooms and openings, the number of objects, turn and
step sizes, and the script are this project's choice, and all are here. The
camera is measured on the paper's frames: horizon at 0.43 of the height, eye at
0.59 of the wall, domes of 0.62 of the eye's height.

Lengths are in cells (2 m in Memory Maze). The simulator's state is made of
integers, `UNIT` of them to a cell, so trajectories are equal on all machines.
"""

from typing import NamedTuple

import numpy as np

UNIT = 1024
ACTIONS = ('noop', 'forward', 'left', 'right', 'forward_left', 'forward_right')
OBJECTS_PER_ROOM = 2


class Layout(NamedTuple):
  """A world of rooms and the script that tours it.

  Attributes:
    rows: rooms along y.
    cols: rooms along x.
    tour: frames of the tour.
    query: frames to imagine.
    stretch: frames seen after the walker was put back to an earlier pose of its
      own at the end of the tour; 0 for going on without that.
    size: pixels of a side of the square frame.
    headings: directions of a full circle; a turn is one of them.
    step: cells walked by a forward action.
    room: cells of a side of a square room.
    opening: width of the opening between adjacent rooms.
    thickness: of the walls.
    height: of the walls.
    eye: height of the camera.
    horizon: fraction of the frame above the horizon.
    field: horizontal field of view, degrees.
    radius: of the domes, whose centres lie on the floor.
    body: distance that the camera keeps from walls.
    second: probability that a room has a second object.
    stray: the most that the first position is off its room's centre, per axis.
    jitter: the most that a waypoint is off its room's centre, per axis.
    reach: a target is reached within this distance.
    redraw: probability that a visit draws a new waypoint for its room.
    wander: probability, in the query, that the next room is any neighbour
      instead of the next one of the tour.
    glance: the least part of a full turn made in a room, in the query.
    action_noise: probability that a random action happens instead.
    movers: number of domes that walk about.
  """

  rows: int
  cols: int
  tour: int
  query: int
  stretch: int = 0
  size: int = 64
  headings: int = 24
  step: float = 0.15
  room: int = 3
  opening: float = 2.0
  thickness: float = 0.2
  height: float = 0.75
  eye: float = 0.44
  horizon: float = 0.43
  field: float = 80.0
  radius: float = 0.27
  body: float = 0.2
  second: float = 0.5
  stray: float = 0.4
  jitter: float = 0.4
  reach: float = 0.3
  redraw: float = 1.0
  wander: float = 1.0
  glance: float = 0.0
  action_noise: float = 0.0
  movers: int = 0

  @property
  def actions(self) -> tuple[str, ...]:
    """Names of the actions."""
    return ACTIONS

  @property
  def context(self) -> int:
    """Frames seen before imagining."""
    return self.tour + self.stretch

  @property
  def frame(self) -> tuple[int, int, int]:
    """(H, W, C)."""
    return self.size, self.size, 3

  @property
  def rooms(self) -> int:
    """Number of rooms."""
    return self.rows * self.cols

  @property
  def objects(self) -> int:
    """Number of places for objects, present or not."""
    return self.rooms * OBJECTS_PER_ROOM

  @property
  def length(self) -> int:
    """Frames of an episode."""
    return self.context + self.query

  @property
  def panels(self) -> int:
    """Number of one-cell wall panels, `(room, side, cell)` flattened."""
    return self.rooms * 4 * self.room


LAPTOP = {
  'size': 32, 'headings': 12, 'step': 0.5, 'jitter': 0.0, 'redraw': 0.0,
  'wander': 0.0, 'glance': 1.0,
}  # fmt: skip
SMOKE = LAPTOP | {'size': 16, 'tour': 13, 'query': 12}

TWO = Layout(rows=1, cols=2, tour=301, query=200)
FOUR = Layout(rows=2, cols=2, tour=501, query=500)
TEN = Layout(rows=2, cols=5, tour=1101, query=900)


def _layouts():
  """Returns each plan at paper, laptop and smoke size, and with a teleport."""
  found = {}
  for name, paper, tour, query in (
    ('two_rooms', TWO, 61, 60),
    ('four_rooms', FOUR, 101, 100),
    ('ten_rooms', TEN, 241, 200),
  ):
    laptop = paper._replace(**LAPTOP, tour=tour, query=query)
    smoke = paper._replace(**SMOKE)
    found |= {name: paper, f'{name}_laptop': laptop, f'{name}_smoke': smoke}
    found |= {
      f'{name}_teleport': paper._replace(stretch=20),
      f'{name}_teleport_laptop': laptop._replace(stretch=10),
      f'{name}_teleport_smoke': smoke._replace(tour=9, stretch=4),
    }
  return found


LAYOUTS = _layouts()


class Faces(NamedTuple):
  """Vertical rectangles seen from above as axis-aligned segments.

  Attributes:
    axis: int [F], 0 where the face lies on x = at, 1 on y = at.
    at: float [F].
    low: float [F], where the segment begins on the other axis.
    high: float [F], where it ends.
    side: int [F], which way it looks: 0 +x, 1 +y, 2 -x, 3 -y.
    room: int [F], the room whose colour it has.
    panel: int [F], the panel that it belongs to.
  """

  axis: np.ndarray
  at: np.ndarray
  low: np.ndarray
  high: np.ndarray
  side: np.ndarray
  room: np.ndarray
  panel: np.ndarray


def neighbour(layout: Layout, room: int, side: int) -> int:
  """Returns the room on a side (0 +x, 1 +y, 2 -x, 3 -y), or -1."""
  row, col = divmod(room, layout.cols)
  row += (0, 1, 0, -1)[side]
  col += (1, 0, -1, 0)[side]
  inside = 0 <= row < layout.rows and 0 <= col < layout.cols
  return row * layout.cols + col if inside else -1


def faces(layout: Layout) -> Faces:
  """Returns all the wall faces, cut at the borders of panels.

  Outer walls are whole. A partition is a pair of stubs with an opening between
  them; each stub's end is shared by the two rooms.
  """
  found = []
  half, gap = layout.thickness / 2, (layout.room - layout.opening) / 2
  for room in range(layout.rooms):
    origin = np.array(divmod(room, layout.cols)[::-1]) * layout.room
    for side in range(4):
      axis, far = side % 2, side < 2
      edge = origin[axis] + layout.room * far
      at = edge - half if far else edge + half
      looks = (side + 2) % 4
      start = origin[1 - axis]
      end = start + layout.room
      panel = (room * 4 + side) * layout.room
      if neighbour(layout, room, side) < 0:
        pieces = [(start + i, start + i + 1, i) for i in range(layout.room)]
      else:
        last = layout.room - 1
        pieces = [(start, start + gap, 0), (end - gap, end, last)]
        low, high = sorted((at, edge))
        for place, toward, cell in (
          (start + gap, 1 - axis, 0),
          (end - gap, 3 - axis, last),
        ):
          found.append((1 - axis, place, low, high, toward, room, panel + cell))
      for low, high, cell in pieces:
        found.append((axis, at, low, high, looks, room, panel + cell))
  return Faces(*map(np.array, zip(*found, strict=True)))


def blocks(layout: Layout) -> np.ndarray:
  """Returns where a body's centre cannot be: int [N, 2, 2], (low, high) x, y.

  The stubs of all partitions, widened by the body; the outer walls are left to
  `bounds`.
  """
  found = []
  wide = layout.thickness / 2 + layout.body
  gap = (layout.room - layout.opening) / 2
  for room in range(layout.rooms):
    origin = np.array(divmod(room, layout.cols)[::-1]) * layout.room
    for axis in range(2):
      if neighbour(layout, room, axis) < 0:
        continue
      edge, start = origin[axis] + layout.room, origin[1 - axis]
      for low, high in (
        (start, start + gap + layout.body),
        (start + layout.room - gap - layout.body, start + layout.room),
      ):
        box = np.array([[edge - wide, low], [edge + wide, high]])
        found.append(box if axis == 0 else box[:, ::-1])
  return np.rint(np.array(found) * UNIT).astype(np.int32)


def bounds(layout: Layout) -> np.ndarray:
  """Returns the least and greatest (x, y) of a body's centre, int [2, 2]."""
  wide = layout.thickness / 2 + layout.body
  size = np.array([layout.cols, layout.rows]) * layout.room
  return np.rint(np.stack([size * 0 + wide, size - wide]) * UNIT).astype(
    np.int32
  )


def centres(layout: Layout) -> np.ndarray:
  """Returns the rooms' centres (x, y), int [rooms, 2]."""
  row, col = np.divmod(np.arange(layout.rooms), layout.cols)
  middle = (np.stack([col, row], -1) + 0.5) * layout.room
  return np.rint(middle * UNIT).astype(np.int32)


def strides(layout: Layout) -> np.ndarray:
  """Returns the displacement of a forward action, int [headings, 2]."""
  angle = 2 * np.pi * np.arange(layout.headings) / layout.headings
  stride = np.stack([np.cos(angle), np.sin(angle)], -1) * layout.step
  return np.rint(stride * UNIT).astype(np.int32)


def ring(layout: Layout) -> np.ndarray:
  """Returns the rooms in the order of the tour, int [rooms].

  Along the first row and back along the second: with one or two rows, each
  room is next to the one before.
  """
  grid = np.arange(layout.rooms).reshape(layout.rows, layout.cols)
  return np.concatenate([row[:: 1 - 2 * (i % 2)] for i, row in enumerate(grid)])


def neighbours(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
  """Returns each room's neighbours, int [rooms, 4], and their number.

  The neighbours come first in a row; the rest of it is -1.
  """
  table = np.array(
    [
      sorted((neighbour(layout, r, s) for s in range(4)), reverse=True)
      for r in range(layout.rooms)
    ]
  )
  return table, (table >= 0).sum(-1)
