"""Tables of the face-off: means and standard errors over seeds."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.results.records import Record

MODELS = {
  's4wm': 'S4WM',
  's5wm': 'S5WM',
  's4dwm': 'S4DWM',
  'tssm_xl': 'TSSM-XL',
  'tssm_full': 'TSSM (full)',
  'rssm_tbtt': 'RSSM-TBTT',
  'oracle': 'supervised oracle',
}
"""What rows are called, in their order."""

Values = dict[int, float]
"""A number by seed."""


class Column(NamedTuple):
  """A column of a table.

  Attributes:
    title: of it.
    value: `(record) -> number or None`.
    unit: a format, such as '{:.2f}'.
    best: `min` or `max`, or None where nothing is better.
    scale: what numbers are multiplied by.
  """

  title: str
  value: Callable[[Record], float | None]
  unit: str = '{:.2f}'
  best: Callable[[Sequence[float]], float] | None = min
  scale: float = 1.0


class Cell(NamedTuple):
  """A number of a model over seeds; None where no run is there."""

  mean: float | None
  stderr: float | None
  count: int


class Table(NamedTuple):
  """A table.

  Attributes:
    name: of `experiments.plan`.
    title: for people.
    note: what it says, and how.
    columns: of it.
    rows: by model, a cell of each column.
    bounds: what needs no model, and its numbers by title of a column.
  """

  name: str
  title: str
  note: str
  columns: tuple[Column, ...]
  rows: dict[str, tuple[Cell, ...]]
  bounds: dict[str, dict[str, float | None]]


def metric(name: str) -> Callable[[Record], float | None]:
  """Returns what reads a number of an evaluation."""
  return lambda record: record.metrics.get(name)


def probed(name: str) -> Callable[[Record], float | None]:
  """Returns what reads a number of a probe."""
  return lambda record: record.probe.get(name)


def longer(factor: str, name: str) -> Callable[[Record], float | None]:
  """Returns what reads a number of an evaluation on longer episodes."""
  return lambda record: record.extrapolation.get(factor, {}).get(name)


def values(
  records: Sequence[Record],
  table: str,
  model: str,
  value: Callable[[Record], float | None],
) -> Values:
  """Returns a number of a model by seed.

  Args:
    records: of all runs.
    table: of which.
    model: of which.
    value: `(record) -> number or None`.
  """
  found = {
    r.seed: value(r)
    for r in records
    if (r.table, r.model) == (table, model)
  }
  return {seed: x for seed, x in sorted(found.items()) if x is not None}


def cell(found: Values) -> Cell:
  """Returns the mean of a number over seeds, and its standard error."""
  if not found:
    return Cell(None, None, 0)
  numbers = np.array(list(found.values()), float)
  count = len(numbers)
  error = numbers.std(ddof=1) / np.sqrt(count) if count > 1 else None
  return Cell(float(numbers.mean()), error and float(error), count)


_COST = (
  Column('minutes to train', lambda r: r.training.get('minutes'), '{:.1f}'),
  Column('parameters, M', metric('parameters'), '{:.2f}', None, 1e-6),
)
_FRAMES = (
  Column('generation MSE', metric('generation_mse')),
  Column('reconstruction MSE', metric('reconstruction_mse'), best=None),
)
_REWARD = (
  Column('reward by inference', metric('inference_reward_accuracy'),
         '{:.1f} %', max, 100),
  Column('reward in imagination', metric('generation_reward_accuracy'),
         '{:.1f} %', max, 100),
)  # fmt: skip
_MEAN_FRAME = {
  'mean frame of the context': {
    'generation MSE': metric('baseline_mean_frame_mse')
  }
}

SPECS = {
  'hallway_100': (
    'Distracting Memory, 100 wide',
    'Accuracy of the reward at the end, on 1,000 episodes; chance is 50 %.',
    (*_REWARD, *_FRAMES, *_COST),
    _MEAN_FRAME,
  ),
  'hallway_200': (
    'Distracting Memory, 200 wide',
    'Accuracy of the reward at the end, on 1,000 episodes; chance is 50 %.',
    (*_REWARD, *_FRAMES, *_COST),
    _MEAN_FRAME,
  ),
  'rooms': (
    'Four Rooms',
    'Squared error per frame, summed over pixels and channels.',
    (*_FRAMES, *_COST),
    _MEAN_FRAME,
  ),
  'length': (
    'Four Rooms, longer than in training',
    'Generation MSE where episodes are 1, 2 and 4 times as long, with the same '
    'context, and reconstruction MSE at 4 times.',
    tuple(
      Column(f'{f} T', longer(f, 'generation_mse')) for f in ('1', '2', '4')
    )
    + (
      Column('reconstruction, 4 T', longer('4', 'reconstruction_mse'),
             best=None),
    ),
    {
      'mean frame of the context': {
        f'{f} T': longer(f, 'baseline_mean_frame_mse') for f in ('1', '2', '4')
      }
    },
  ),
  'teleport': (
    'Four Rooms with a teleport',
    'Squared error per frame; what follows the teleport has to be recalled by '
    'what is seen, not by a fixed delay.',
    (*_FRAMES, *_COST),
    _MEAN_FRAME,
  ),
  'doors_7': (
    'Multi Doors Keys, seven keys',
    'Squared error per frame, and how often a door in view is in the right '
    'state.',
    (
      *_FRAMES,
      Column('door states in imagination', metric('generation_door_accuracy'),
             '{:.1f} %', max, 100),
      *_COST,
    ),
    _MEAN_FRAME,
  ),
  'maze': (
    'Memory Maze, probes',
    'Walls: accuracy over cells. Objects: squared error in cells, over the '
    'second half of the episode.',
    (
      Column('walls', probed('wall_accuracy'), '{:.1f} %', max, 100),
      Column('objects', probed('object_mse')),
      *_FRAMES,
      *_COST,
    ),
    {
      'constant predictor': {
        'walls': probed('constant_wall_accuracy'),
        'objects': probed('constant_object_mse'),
      }
    },
  ),
  'stochastic': (
    'Multi Doors Keys with movers, several futures',
    'Squared error per frame in the mean over imagined futures of a context, '
    'of the best of them, and of their mean frame.',
    (
      *_FRAMES,
      Column('best future', metric('generation_mse_best_of_k')),
      Column('mean of futures', metric('generation_mse_of_mean')),
      Column('door states in imagination', metric('generation_door_accuracy'),
             '{:.1f} %', max, 100),
    ),
    _MEAN_FRAME,
  ),
}  # fmt: skip


def tables(records: Sequence[Record]) -> list[Table]:
  """Returns all tables of which there is a run.

  Args:
    records: of all runs.
  """
  found = []
  for name, (title, note, columns, bounds) in SPECS.items():
    source = 'rooms' if name == 'length' else name
    there = {r.model for r in records if r.table == source}
    rows = {
      model: tuple(
        cell(values(records, source, model, c.value)) for c in columns
      )
      for model in MODELS
      if model in there
    }
    runs = [r for r in records if r.table == source]
    known = {
      label: {title: _first(runs, value) for title, value in of.items()}
      for label, of in bounds.items()
    }
    if rows:
      found.append(Table(name, title, note, columns, rows, known))
  return found


def _first(
  records: Sequence[Record], value: Callable[[Record], float | None]
) -> float | None:
  found = (value(r) for r in records)
  return next((x for x in found if x is not None), None)


def best(table: Table, column: int) -> str | None:
  """Returns the model that is best in a column; bounds do not compete.

  Args:
    table: of which.
    column: its number.
  """
  which = table.columns[column].best
  means = {
    model: cells[column].mean
    for model, cells in table.rows.items()
    if model != 'oracle' and cells[column].mean is not None
  }
  if which is None or len(means) < 2:
    return None
  return which(means, key=means.get)


def written(cell: Cell, column: Column) -> str:
  """Returns a cell as text, mean ± standard error."""
  if cell.mean is None:
    return '–'
  text = column.unit.format(cell.mean * column.scale)
  if cell.stderr is None or column.best is None:
    return text
  number, _, unit = text.partition(' ')
  digits = len(number.partition('.')[2])
  error = f'{cell.stderr * column.scale:.{digits}f}'
  return f'{number} ± {error} {unit}'.rstrip()


def plain(table: Table) -> dict[str, Any]:
  """Returns a table as JSON has it."""
  return {
    'title': table.title,
    'columns': [c.title for c in table.columns],
    'rows': {m: [c._asdict() for c in row] for m, row in table.rows.items()},
    'bounds': table.bounds,
  }
