"""The corridor of Multi Doors Keys from above, for people."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from datasets.worlds import chart as charts
from datasets.worlds import corridor as corridors
from datasets.worlds import doors_keys, squares, tiles


def chart(
  corridor: corridors.Corridor, episode: Mapping[str, Any]
) -> charts.Chart:
  """Returns the map of an episode, with its doors and keys as they are.

  Args:
    corridor: the plan.
    episode: a record of the data set.
  """
  oracle = episode['oracle']
  x, y, heading = np.asarray(oracle['pose']).T
  near = _near(corridor, x, y)
  seen = np.where(near.any(0), near.argmax(0), len(x)).astype(np.int32)
  grid = jax.jit(functools.partial(doors_keys.grid, corridor))
  return charts.Chart(
    draw=lambda t: tiles.whole(np.asarray(grid(_world(oracle, t)))),
    path=(np.stack([x, y], -1) + 0.5) * tiles.SIDE,
    heading=heading * (np.pi / 2),
    seen=seen.repeat(tiles.SIDE, 0).repeat(tiles.SIDE, 1),
    cue=tuple(map(_cue, oracle['inventory'], oracle['door_open'])),
  )


def visible(
  corridor: corridors.Corridor, episode: Mapping[str, Any]
) -> np.ndarray:
  """Returns which doors and places of keys are in view, bool [T, 2 K].

  The other cells are alike in all episodes.

  Args:
    corridor: the plan.
    episode: a record of the data set.
  """
  x, y, _ = np.asarray(episode['oracle']['pose']).T
  near = _near(corridor, x, y)[..., corridor.columns]
  return np.concatenate(
    [near[:, corridors.DOOR], near[:, corridors.KEY]], axis=-1
  )


def redrawn(
  corridor: corridors.Corridor,
  episode: Mapping[str, Any],
  door_open: np.ndarray,
) -> np.ndarray:
  """Returns the frames with doors in other states, uint8 [T, ...].

  A door that the agent stands in is left as it is.

  Args:
    corridor: the plan.
    episode: a record of the data set.
    door_open: which doors are drawn open, bool [T, K]; the others are locked.
  """
  oracle = episode['oracle']
  x, y, _ = np.asarray(oracle['pose']).T
  column = corridor.columns - x[:, None] + corridors.REACH
  row = corridors.DOOR - y + corridors.REACH
  side = 2 * corridors.REACH + 1
  there = (column >= 0) & (column < side) & ((row >= 0) & (row < side))[:, None]
  there &= (column != corridors.REACH) | (row != corridors.REACH)[:, None]
  step, door = np.nonzero(there)
  kind = np.where(door_open, tiles.OPEN, tiles.LOCKED)
  kind = (kind + oracle['door_color'])[step, door]
  image = np.array(episode['observation']['image'])
  cells = image.reshape(len(image), side, tiles.SIDE, side, tiles.SIDE, 3)
  cells[step, row[step], :, column[step, door]] = tiles.pictures()[kind, 0]
  return image


def _near(corridor, x, y):
  """Returns which cells are in view at each step, bool [T, H, W]."""
  height, width = corridors.floor(corridor).shape
  away = np.maximum(
    np.abs(y[:, None, None] - np.arange(height)[:, None]),
    np.abs(x[:, None, None] - np.arange(width)),
  )
  return away <= corridors.REACH


def _world(oracle, t):
  """Returns the state at a step, as far as it is on the map."""
  movers = None
  if 'mover_color' in oracle:
    movers = squares.Squares(oracle['mover_column'][t], oracle['mover_color'])
  world = doors_keys.World(
    oracle['door_color'],
    oracle['key_color'],
    oracle['door_open'][t],
    oracle['key_taken'][t],
    oracle['inventory'][t],
    oracle['pose'][t, :2],
    oracle['pose'][t, 2],
    t,
    movers=movers,
  )
  return jax.tree.map(jnp.asarray, world)


def _cue(inventory, is_open):
  held = [
    f'{count} {name}'
    for count, name in zip(inventory, tiles.NAMES, strict=True)
    if count
  ]
  held = ', '.join(held) or 'nothing'
  return f'holds {held}; {sum(is_open)} of {len(is_open)} doors open'
