"""A page to watch episodes on: one HTML file that needs nothing else.

`viewer.html` is the page, `timeline.js` and `viewer.js` are what it does; here
they are put together with the episodes, which lie in the page as JSON.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from datasets.worlds.chart import Chart
from experiments import provenance
from experiments.figures import sprites

_FOLDER = Path(__file__).parent


class Shown(NamedTuple):
  """An episode to be shown.

  Attributes:
    number: In its split.
    record: Its arrays, with RLDS names.
    chart: Its map; None where there is none.
  """

  number: int
  record: Mapping[str, Any]
  chart: Chart | None


def write(
  path: Path,
  metadata: Mapping[str, Any],
  split: str,
  count: int,
  shown: Sequence[Shown],
  frames_per_second: float,
) -> None:
  """Writes the page.

  Args:
    path: Of the HTML file.
    metadata: Of the data set, as `datasets.describe` returns it.
    split: That the episodes are of.
    count: Episodes in that split.
    shown: The episodes.
    frames_per_second: At which the page plays first.
  """
  content = {
    'name': metadata['name'],
    'split': split,
    'count': count,
    'seed': metadata.get('seed'),
    'actions': list(metadata.get('actions') or ()),
    'context': metadata['context'],
    'speed': frames_per_second,
    'episodes': [episode(one) for one in shown],
  }
  text = json.dumps(content, allow_nan=False, separators=(',', ':'))
  page = (_FOLDER / 'viewer.html').read_text(encoding='utf-8')
  script = '\n'.join(
    (_FOLDER / name).read_text(encoding='utf-8')
    for name in ('timeline.js', 'viewer.js')
  )
  page = page.replace('/* SCRIPT */', script)
  # `<` ends a script wherever it stands, so JSON has it by its number.
  page = page.replace('/* EPISODES */', text.replace('<', r'\u003c'))
  provenance.write_whole(path, page)


def episode(shown: Shown) -> dict[str, Any]:
  """Returns what the page holds of an episode.

  Returns:
    number; frames, as `sprites.pack` returns them; action and reward of each
    step; whether the last frame is a true end; and the map, None where there is
    none: its pictures without repetition and which of them each step has, path,
    heading, cue, and the step at which each pixel was first seen, as runs of
    equal values from left to right and from top to bottom.
  """
  record = shown.record
  image = np.asarray(record['observation']['image'])
  return {
    'number': shown.number,
    'steps': len(image),
    'frames': sprites.pack(image),
    'action': _numbers(record['action']),
    'reward': _numbers(record['reward']),
    'terminal': bool(np.asarray(record['is_terminal'])[-1]),
    'map': shown.chart and _map(shown.chart),
  }


def _map(chart):
  """Returns a map; most have few pictures, or one."""
  places, pictures, at = {}, [], []
  for t in range(len(chart.path)):
    picture = np.asarray(chart.draw(t))
    place = places.setdefault(picture.tobytes(), len(places))
    if place == len(pictures):
      pictures.append(picture)
    at.append(place)
  seen = np.asarray(chart.seen).reshape(-1)
  starts = np.flatnonzero(np.diff(seen, prepend=seen[0] - 1))
  return {
    'pictures': sprites.pack(np.stack(pictures)),
    'at': at,
    'path': _numbers(np.round(chart.path, 2)),
    'heading': _numbers(np.round(chart.heading, 3)),
    'seen': {
      'value': seen[starts].tolist(),
      'run': np.diff(starts, append=seen.size).tolist(),
    },
    'cue': list(chart.cue),
  }


def _numbers(values):
  """Returns nested lists; what is not finite is None, as JSON needs it."""
  values = np.asarray(values)
  if values.dtype.kind in 'iub':
    return values.astype(int).tolist()
  exact = np.asarray(values, np.float64).round(6)
  return np.where(np.isfinite(exact), exact.astype(object), None).tolist()
