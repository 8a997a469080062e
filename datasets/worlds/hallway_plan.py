"""The hallway of Distracting Memory from above, for people."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from datasets.worlds import chart as charts
from datasets.worlds import hallway, passage, tiles
from datasets.worlds.squares import Squares


def chart(plan: passage.Hallway, episode: Mapping[str, Any]) -> charts.Chart:
  """Returns the map of an episode, and how long ago the clue was seen.

  Args:
    plan: of the hallway.
    episode: a record of the data set.
  """
  oracle = episode['oracle']
  x, y, heading = np.asarray(oracle['pose']).T
  near = _cells(plan, x, y)
  seen = np.where(near.any(0), near.argmax(0), len(x)).astype(np.int32)
  return charts.Chart(
    draw=lambda t: tiles.whole(_grid(plan, oracle, t)),
    path=(np.stack([x, y], -1) + 0.5) * tiles.SIDE,
    heading=heading * (np.pi / 2),
    seen=seen.repeat(tiles.SIDE, 0).repeat(tiles.SIDE, 1),
    cue=_cues(
      tiles.NAMES[oracle['clue']], near[(slice(None), *passage.CLUE[::-1])]
    ),
  )


def visible(plan: passage.Hallway, episode: Mapping[str, Any]) -> np.ndarray:
  """Returns which cells of chance are in view at each step, bool [T, S].

  They are those of the hallway that may have a distractor, the clue and the two
  choices; the others are alike in all episodes.

  Args:
    plan: of the hallway.
    episode: a record of the data set.
  """
  x, y, _ = np.asarray(episode['oracle']['pose']).T
  drawn = np.zeros((passage.HEIGHT, plan.width), bool)
  drawn[passage.MIDDLE, passage.FIRST : plan.last + 1] = True
  drawn[passage.CLUE[::-1]] = True
  drawn[passage.CHOICES, plan.junction] = True
  return _cells(plan, x, y)[:, drawn]


def _cells(plan, x, y):
  """Returns which cells are in view at each step, bool [T, H, W]."""
  return _near(x, plan.width)[:, None] & _near(y, passage.HEIGHT)[..., None]


def _near(place, count):
  """Returns which rows or columns are in view at each step, bool [T, count]."""
  return np.abs(place[:, None] - np.arange(count)) <= 2


def _grid(plan, oracle, t):
  """Returns the kinds of all cells at a step, int32 [H, W]."""
  fixed = hallway.Map(*(oracle[k] for k in hallway.Map._fields))
  movers = None
  if plan.movers:
    movers = Squares(oracle['mover_column'][t], oracle['mover_color'])
  pose = oracle['pose'][t]
  world = hallway.World(fixed, pose[:2], pose[2], t, movers=movers)
  return np.asarray(hallway.grid(plan, jax.tree.map(jnp.asarray, world)))


def _cues(name, in_view):
  """Returns a line for each step, from whether the clue is in view: [T]."""
  steps = np.arange(len(in_view))
  last = np.maximum.accumulate(np.where(in_view, steps, -1))
  return tuple(
    'clue not seen yet'
    if then < 0
    else f'clue {name}, in view'
    if then == now
    else f'clue {name}, last seen {now - then} steps ago'
    for now, then in enumerate(last)
  )
