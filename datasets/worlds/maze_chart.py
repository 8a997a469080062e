"""A maze from above, and when each place of it came into view.

It needs no more than what Memory Maze tells, so that it shows the real one and
ours alike: colours of walls are not told, and all walls are grey. A place on
the floor counts as seen when it lies in the frame and before the wall that the
ray through it meets; of a wall one sees the rim. Domes hide nothing, and movers
are not told.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from datasets.worlds import maze_plan, textures
from datasets.worlds.chart import Chart

PIXELS = 12
"""Pixels of a cell's side."""

RAYS = 256
"""Rays of a fan that fills the field of view, more than a frame's columns."""

RIM = 0.3
"""How much of a wall is seen, in cells."""

WALL, FLOOR = np.array([72, 74, 80]), np.array([205, 210, 214])
COLORS = ('red', 'green', 'blue', 'purple', 'yellow', 'salmon')
"""Names of `textures.TARGETS`."""

CAMERA = maze_plan.Maze()
"""The real camera's numbers."""


def chart(episode: Mapping[str, Any]) -> Chart:
  """Returns the map of an episode; its cue is about the dome to be found.

  Args:
    episode: a record of `datasets.memory_maze`.
  """
  oracle = episode['oracle']
  depth = depths(oracle)
  up = len(oracle['maze_layout']) + 1
  picture = draw(oracle)
  away = np.linalg.norm(
    oracle['targets_pos'] - oracle['target_pos'][:, None], axis=-1
  )
  current = away.argmin(-1)
  east, north = oracle['agent_dir'].T
  return Chart(
    lambda t: mark(picture, oracle, current[t]),
    PIXELS * ([1, up] + oracle['agent_pos'] * [1, -1]),
    -np.arctan2(north, east),
    seen(oracle, depth),
    cues(episode, depth, current),
  )


def draw(oracle: Mapping[str, Any]) -> np.ndarray:
  """Returns the maze from above with all domes, uint8 [H, W, 3]."""
  at, free = places(oracle)
  image = np.where(free[..., None], FLOOR, WALL)
  for place, color in zip(
    oracle['targets_pos'], textures.TARGETS, strict=False
  ):
    inside = _away(at, place) < CAMERA.radius
    image[inside] = 255 * color
  return image.astype(np.uint8)


def mark(
  picture: np.ndarray, oracle: Mapping[str, Any], target: int
) -> np.ndarray:
  """Returns the picture with a ring around a dome."""
  away = _away(places(oracle)[0], oracle['targets_pos'][target])
  ring = np.abs(away - CAMERA.radius - 0.1) < 0.6 / PIXELS
  return np.where(ring[..., None], np.uint8(0), picture)


def depths(oracle: Mapping[str, Any]) -> np.ndarray:
  """Returns how far each ray goes to its wall along the view axis, [T, RAYS].

  The rays of a step fill the frame from left to right.
  """
  eye, ahead, right = _axes(oracle)
  rays = ahead[:, None] + _across()[:, None] * right[:, None]
  return _cast(oracle, eye[:, None], rays)


def seen(oracle: Mapping[str, Any], depth: np.ndarray) -> np.ndarray:
  """Returns the step at which each place was first in view, int32 [H, W].

  Args:
    oracle: what is told of the maze.
    depth: as `depths` returns it.
  """
  at, free = places(oracle)
  axes = _axes(oracle)
  reach = np.where(free, 0, RIM).reshape(-1)
  found = np.full(free.size, len(depth), np.int32)
  hidden, at = np.arange(free.size), at.reshape(-1, 2)
  for t, (eye, ahead, right) in enumerate(zip(*axes, strict=True)):
    away = at[hidden] - eye
    shown = _in_view(away @ ahead, away @ right, depth[t], reach[hidden])
    found[hidden[shown]] = t
    hidden = hidden[~shown]
  return found.reshape(free.shape)


def visible(oracle: Mapping[str, Any]) -> np.ndarray:
  """Returns whether the middles of cells are in view, bool [T, cells].

  Cells of walls count as their faces do, half a cell before their middles.

  Args:
    oracle: what is told of the maze.
  """
  free = np.pad(oracle['maze_layout'], 1).reshape(-1) > 0
  side = len(oracle['maze_layout']) + 2
  y, x = np.divmod(np.arange(side**2), side)
  at, reach = np.stack([x, y], -1) - 0.5, np.where(free, 0.0, 1.0)
  eye, *axes = _axes(oracle)
  along, aside = (v @ at.T - (v * eye).sum(1, keepdims=True) for v in axes)
  found, _ = _in_frame(along, aside)
  step, cell = np.nonzero(found)
  deep = along[step, cell]
  depth = _cast(oracle, eye[step], (at[cell] - eye[step]) / deep[:, None])
  found[step, cell] = deep < depth + reach[cell]
  return found


def cues(
  episode: Mapping[str, Any], depth: np.ndarray, current: np.ndarray
) -> tuple[str, ...]:
  """Returns a line for each step: the dome to be found, and when it was seen.

  Args:
    episode: a record.
    depth: as `depths` returns it.
    current: int [T], the dome to be found at each step.
  """
  oracle, last, lines = episode['oracle'], {}, []
  away = oracle['targets_pos'] - _axes(oracle)[0][:, None]
  along, aside = (np.einsum('tod,td->to', away, x) for x in _axes(oracle)[1:])
  paid = np.cumsum(episode['reward']) - episode['reward']
  far = np.linalg.norm(oracle['target_vec'], axis=-1)
  for t, target in enumerate(current):
    for shown in np.flatnonzero(_in_view(along[t], aside[t], depth[t], 0)):
      last[shown] = t
    line = f'target {COLORS[target]}, {far[t]:.1f} cells away, '
    ago = t - last.get(target, t + 1)
    line += {0: 'in view', -1: 'not seen yet'}.get(ago, f'seen {ago} steps ago')
    lines.append(f'{line}; {paid[t]:.0f} rewards so far')
  return tuple(lines)


def _in_view(along, aside, depth, reach):
  """Returns whether places are in the frame and before their ray's wall."""
  inside, ray = _in_frame(along, aside)
  return inside & (along < depth[ray] + reach)


def _in_frame(along, aside):
  """Returns whether places are in the frame, and the rays through them."""
  wide = np.tan(np.deg2rad(CAMERA.field / 2))
  low = CAMERA.eye / ((1 - CAMERA.horizon) * 2 * wide)
  deep = np.maximum(along, 1e-6)
  ray = (1 + aside / (deep * wide)) * (RAYS / 2)
  inside = (ray >= 0) & (ray < RAYS) & (deep >= low)
  return inside, np.where(inside, ray, 0).astype(int)


def _cast(oracle, eye, rays):
  """Returns how far rays [..., 2] go, in their lengths: [...].

  Rays cross lines of the grid; a crossing meets a wall where the cell past it
  is one.
  """
  rays = np.where(np.abs(rays) < 1e-6, 1e-6, rays)
  solid = np.pad(oracle['maze_layout'], 1).astype(int) == 0
  lines = np.arange(len(solid) - 1)
  found = np.full(rays.shape[:-1], np.inf)
  for axis in range(2):
    toward = rays[..., axis, None]
    depth = (lines - eye[..., axis, None]) / toward
    along = eye[..., 1 - axis, None] + depth * rays[..., 1 - axis, None]
    past = lines + (toward > 0)
    beside = np.floor(np.clip(along, -1, len(solid) - 2)).astype(int) + 1
    met = solid[beside, past] if axis == 0 else solid[past, beside]
    depth = np.where(met & (depth > 0), depth, np.inf)
    found = np.minimum(found, depth.min(-1))
  return found


def _axes(oracle):
  """Returns the eye and the axes ahead and to the right, each [T, 2]."""
  ahead = np.asarray(oracle['agent_dir'], float)
  eye = oracle['agent_pos'] + CAMERA.ahead * ahead
  return eye, ahead, ahead[:, ::-1] * [1, -1]


def _across():
  """Returns where the rays of a fan go, cells aside per cell ahead, [RAYS]."""
  wide = np.tan(np.deg2rad(CAMERA.field / 2))
  return ((np.arange(RAYS) + 0.5) / RAYS * 2 - 1) * wide


def places(oracle):
  """Returns where the map's pixels are, [H, W, 2], and which are free."""
  free = np.pad(oracle['maze_layout'], 1)[::-1] > 0
  free = free.repeat(PIXELS, 0).repeat(PIXELS, 1)
  x = (np.arange(len(free)) + 0.5) / PIXELS - 1
  return np.stack(np.meshgrid(x, x[::-1]), -1), free


def _away(at, place):
  return np.linalg.norm(at - place, axis=-1)
