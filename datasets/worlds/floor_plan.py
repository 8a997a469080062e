"""The 3D rooms from above, and when each place of them came into view.

Walls are drawn as thick as they are, floors tinted with their room's colour so
that rooms tell themselves apart. A wall panel or a dome counts as seen as the
record's `visible` says; a place on the floor, when it lies in the frame and
before the wall that the ray through it meets. Domes hide no floor, and movers
are in no record: neither is on the map.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from datasets.worlds import layout as layouts
from datasets.worlds import textures
from datasets.worlds.chart import Chart

PIXELS = 24
"""Pixels of a cell's side."""

RAYS = 256
"""Rays of a fan that fills the field of view, more than a frame's columns."""

TINT = 0.3
"""How much of a floor's colour is its room's."""

COLORS = (
  'blue', 'cerise', 'green', 'bright green', 'purple', 'red', 'bright red',
  'yellow',
)  # fmt: skip
"""Names of `textures.WALLS`."""


def chart(layout: layouts.Layout, episode: Mapping[str, Any]) -> Chart:
  """Returns the map of an episode; its cue says when a room was last left.

  Args:
    layout: the plan.
    episode: a record of `datasets.rooms`.
  """
  oracle = episode['oracle']
  picture = draw(layout, oracle)
  place = oracle['pose'][:, :2] / layouts.UNIT
  angle = 2 * np.pi * oracle['pose'][:, 2] / layout.headings
  up = [0, layout.rows * layout.room]
  return Chart(
    lambda t: picture,
    PIXELS * (up + place * [1, -1]),
    -angle,
    seen(layout, oracle),
    cues(layout, oracle),
  )


def draw(layout: layouts.Layout, oracle: Mapping[str, Any]) -> np.ndarray:
  """Returns the rooms from above, uint8 [H, W, 3]."""
  at = _places(layout)
  column, row = (at // layout.room).astype(int).transpose(2, 0, 1)
  color = textures.WALLS[oracle['wall_color'][row, column]]
  image = textures.FLOOR + TINT * (color - textures.FLOOR)
  for _, inside in _strips(layout):
    image[inside] = color[inside]
  for o in np.flatnonzero(oracle['object_present']):
    dome = textures.OBJECTS[oracle['object_color'][o]]
    cover = np.clip(0.5 + PIXELS * _depth_in_dome(layout, oracle, o), 0, 1)
    image += cover[..., None] * (dome - image)
  return np.rint(image).astype(np.uint8)


def seen(layout: layouts.Layout, oracle: Mapping[str, Any]) -> np.ndarray:
  """Returns the step at which each place was first in view, int32 [H, W]."""
  visible = oracle['visible']
  first = np.where(visible.any(0), visible.argmax(0), len(visible))
  found = _floor_seen(layout, oracle['pose'])
  walls = np.full_like(found, len(visible))
  for panel, inside in _strips(layout):
    walls[inside] = np.minimum(walls[inside], first[panel])
    found[inside] = walls[inside]
  for o in np.flatnonzero(oracle['object_present']):
    inside = _depth_in_dome(layout, oracle, o) > 0
    found[inside] = first[layout.panels + o]
  return found


def cues(layout: layouts.Layout, oracle: Mapping[str, Any]) -> tuple[str, ...]:
  """Returns a line for each step: the room, and when it was last left."""
  lines, left = [], {}
  rooms, colors = oracle['room'].tolist(), oracle['wall_color'].reshape(-1)
  for t, room in enumerate(rooms):
    if t and rooms[t - 1] != room:
      left[rooms[t - 1]] = t - 1
    line = f'room {room}, {COLORS[colors[room]]}: '
    line += (
      f'left {t - left[room]} steps ago' if room in left else 'first visit'
    )
    if 'source' in oracle and t >= layout.tour:
      line += f'; teleported to step {int(oracle["source"])}'
    lines.append(line)
  return tuple(lines)


def fan(
  layout: layouts.Layout, faces: layouts.Faces, pose: np.ndarray, rays: int
) -> tuple[np.ndarray, np.ndarray]:
  """Returns what the rays of a pose meet, as `raycast.cast` does.

  Args:
    layout: the plan.
    faces: of the plan.
    pose: int32 [3], x, y in 1/UNIT cells and the heading.
    rays: their number, from left to right.

  Returns:
    Cells along the view axis, [rays], and the index of the face, int [rays].
  """
  eye, ahead, right = _axes(layout, pose)
  wide = np.tan(np.deg2rad(layout.field / 2))
  across = ((np.arange(rays) + 0.5) / rays * 2 - 1) * wide
  ray = ahead + across[:, None] * right
  toward = ray[:, faces.axis]
  toward = np.where(np.abs(toward) < 1e-6, 1e-6, toward)
  depth = (faces.at - eye[faces.axis]) / toward
  along = eye[1 - faces.axis] + depth * ray[:, 1 - faces.axis]
  met = (along >= faces.low - 1e-4) & (along <= faces.high + 1e-4)
  depth[~met | (depth <= 0)] = np.inf
  face = depth.argmin(-1)
  return depth[np.arange(rays), face], face


def _axes(layout, pose):
  """Returns the eye and the axes ahead and to the right, each [2]."""
  angle = 2 * np.pi * pose[2] / layout.headings
  ahead = np.array([np.cos(angle), np.sin(angle)])
  return pose[:2] / layouts.UNIT, ahead, ahead[::-1] * [1, -1]


def _floor_seen(layout, pose):
  """Returns when each place would be seen if it were floor, int32 [H, W]."""
  at, faces = _places(layout), layouts.faces(layout)
  wide = np.tan(np.deg2rad(layout.field / 2))
  near = layout.eye / ((1 - layout.horizon) * 2 * wide)
  found = np.full(at.shape[:2], len(pose), np.int32).reshape(-1)
  hidden, at = np.arange(found.size), at.reshape(-1, 2).astype(np.float32)
  for t in range(len(pose)):
    if t and (pose[t] == pose[t - 1]).all():
      continue
    eye, ahead, right = (x.astype(np.float32) for x in _axes(layout, pose[t]))
    depth, _ = fan(layout, faces, pose[t], RAYS)
    away = at[hidden] - eye
    deep = np.maximum(away @ ahead, 1e-6)
    ray = (1 + away @ right / (deep * wide)) * (RAYS / 2)
    inside = (ray >= 0) & (ray < RAYS) & (deep >= near)
    ray = np.where(inside, ray, 0).astype(int)
    shown = inside & (deep < depth[ray] + 1 / PIXELS)  # Up to the wall.
    found[hidden[shown]] = t
    hidden = hidden[~shown]
  return found.reshape(layout.rows * layout.room * PIXELS, -1)


def _places(layout):
  """Returns where the map's pixels are, in cells: [H, W, 2], (x, y)."""
  height, width = layout.rows * layout.room, layout.cols * layout.room
  x = (np.arange(width * PIXELS) + 0.5) / PIXELS
  y = (np.arange(height * PIXELS) + 0.5)[::-1] / PIXELS
  return np.stack(np.meshgrid(x, y), -1)


def _strips(layout):
  """Yields the panels of walls, (panel, bool [H, W] where it stands).

  A panel stands behind its face, on its own room's half of the wall. The ends
  of stubs are faces, too, but lie across the side that their panel is on.
  """
  at, faces = _places(layout), layouts.faces(layout)
  half = layout.thickness / 2
  for axis, place, low, high, side, _, panel in zip(*faces, strict=True):
    if axis != panel // layout.room % 2:
      continue
    behind = (place - at[..., axis]) * (1 if side < 2 else -1)
    along = at[..., 1 - axis]
    across = (behind >= 0) & (behind <= half)
    yield panel, across & (along >= low) & (along <= high)


def _depth_in_dome(layout, oracle, o):
  """Returns how far inside a dome's rim each pixel is, in cells, [H, W]."""
  away = _places(layout) - oracle['object_position'][o] / layouts.UNIT
  return layout.radius - np.hypot(*away.transpose(2, 0, 1))
