"""The questions of the face-off: which tables there are, and of what."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

SCALES = ('laptop', 'paper', 'smoke')
_LAPTOP = ('laptop',)
PAPERS = ('s4wm', 's5wm', 'tssm_xl', 'rssm_tbtt')
"""The models that the paper compares."""


class Table(NamedTuple):
  """Runs that belong together.

  Attributes:
    data: a file of configs/data.
    models: files of configs/models, and how many minutes a run of each takes.
    after: the table that runs start from at laptop scale, a stage of a
      curriculum.
    question: a file of configs with what is asked, at all scales.
    recipe: a file of configs with what laptop.gin leaves open.
    then: a program to run after training.
    scales: at which there is such a table; a stage on the way to another, or a
      recipe that is made for a size, has no other than the laptop's.
    once: models, or other names, that one seed is enough of.
  """

  data: str
  models: Mapping[str, float]
  after: str | None = None
  question: str | None = None
  recipe: str | None = None
  then: str | None = None
  scales: Sequence[str] = SCALES
  once: Sequence[str] = ()


def _each(models: Sequence[str], minutes: float) -> dict[str, float]:
  return dict.fromkeys(models, minutes)


_HALLWAY = (*PAPERS, 'tssm_full')

TABLES = {
  'hallway_10': Table(
    'distracting_memory_100',
    _each(_HALLWAY, 3.5),
    recipe='face_off/hallway_10',
    scales=_LAPTOP,
    once=['tssm_full'],
  ),
  'hallway_30': Table(
    'distracting_memory_100',
    _each(_HALLWAY, 4.5),
    after='hallway_10',
    recipe='face_off/hallway_30',
    scales=_LAPTOP,
    once=['tssm_full'],
  ),
  'hallway_100': Table(
    'distracting_memory_100',
    _each(_HALLWAY, 11.5),
    after='hallway_30',
    recipe='face_off/hallway_100',
    once=['tssm_full'],
  ),
  'hallway_200': Table(
    'distracting_memory_200',
    _each(PAPERS, 9),
    after='hallway_100',
    recipe='face_off/hallway_200',
  ),
  'rooms': Table(
    'four_rooms',
    _each(PAPERS, 10.5),
    recipe='face_off/rooms',
    then='extrapolate',
  ),
  'teleport': Table(
    'four_rooms_teleport',
    _each(PAPERS, 10.5),
    after='rooms',
    recipe='face_off/rooms',
    once=['s5wm'],
  ),
  'doors_3': Table(
    'multi_doors_keys_3',
    _each(PAPERS, 8.5),
    recipe='face_off/doors_3',
    once=['s5wm'],
  ),
  'doors_7': Table(
    'multi_doors_keys_7',
    _each(PAPERS, 8.5),
    after='doors_3',
    recipe='face_off/doors_7',
    once=['s5wm'],
  ),
  'maze': Table(
    'memory_maze_9x9',
    _each(PAPERS, 10) | {'oracle': 4},
    recipe='face_off/maze',
    then='probe',
    once=[*PAPERS, 'oracle'],
  ),
  'stochastic': Table(
    'multi_doors_keys_3',
    _each(('s5wm', 'rssm_tbtt'), 8.5),
    question='face_off/futures',
    recipe='face_off/stochastic',
    once=['s5wm', 'rssm_tbtt'],
  ),
  'speed': Table(
    'four_rooms', {'all': 10}, question='face_off/speed', once=['all']
  ),
  'control_hallway': Table(
    'distracting_memory_100',
    _each(PAPERS, 15),
    recipe='control/hallway',
    then='control',
    scales=_LAPTOP,
  ),
  'control_hallway_30': Table(
    'distracting_memory_100',
    _each(PAPERS, 16),
    after='hallway_30',
    recipe='control/hallway_30',
    then='control',
    scales=_LAPTOP,
    once=PAPERS,
  ),
  'control_doors': Table(
    'multi_doors_keys_3',
    _each(PAPERS, 25),
    recipe='control/doors',
    then='control',
    scales=_LAPTOP,
    once=PAPERS,
  ),
  'control_maze': Table(
    'memory_maze_9x9',
    _each(PAPERS, 30),
    recipe='control/maze',
    then='control',
    scales=_LAPTOP,
    once=PAPERS,
  ),
  'control_pendulum': Table(
    'inverted_pendulum',
    _each(PAPERS, 9),
    recipe='control/pendulum',
    then='control',
    scales=_LAPTOP,
    once=PAPERS,
  ),
}


def comparison(scale: str) -> list[str]:
  """Returns the tables of the comparison; others are run if they are named.

  Args:
    scale: of `SCALES`.
  """
  return [
    name
    for name, table in TABLES.items()
    if not name.startswith('control') and scale in table.scales
  ]
