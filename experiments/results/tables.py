"""Tables of the face-off: means and standard errors over seeds."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.results import specs
from experiments.results.records import Record

Values = dict[int, float]
"""A number by seed."""


class Cell(NamedTuple):
  """A number of a model over seeds.

  None where no run is there, NaN where that of a seed is not finite.
  """

  mean: float | None
  stderr: float | None
  count: int


class Table(NamedTuple):
  """A table.

  Attributes:
    name: of `experiments.questions`.
    title: for people.
    note: what it says, and how.
    columns: of it.
    rows: by model, a cell of each column.
    bounds: what needs no model, and its numbers by title of a column.
  """

  name: str
  title: str
  note: str
  columns: tuple[specs.Column, ...]
  rows: dict[str, tuple[Cell, ...]]
  bounds: dict[str, dict[str, float | None]]


def values(
  records: Sequence[Record],
  table: str,
  model: str,
  value: specs.Value,
) -> Values:
  """Returns a number of a model by seed.

  Args:
    records: of all runs.
    table: of which.
    model: of which.
    value: `(record) -> number or None`.
  """
  found = {
    r.seed: value(r) for r in records if (r.table, r.model) == (table, model)
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


def tables(records: Sequence[Record]) -> list[Table]:
  """Returns all tables of which there is a run.

  Args:
    records: of all runs.

  Raises:
    ValueError: a model has no title.
  """
  unknown = {r.model for r in records} - set(specs.MODELS)
  if unknown:
    raise ValueError(
      f'report: no title for the model {", ".join(sorted(unknown))}; add it to '
      'MODELS of experiments/results/specs.py, and its colour to COLORS of '
      'experiments/figures/face_off.py'
    )
  found = []
  for name, spec in specs.SPECS.items():
    source = spec.source or name
    runs = [r for r in records if r.table == source]
    there = {r.model for r in runs}
    rows = {
      model: tuple(
        cell(values(runs, source, model, c.value)) for c in spec.columns
      )
      for model in specs.MODELS
      if model in there
    }
    bounds = {
      label: {title: _mean(runs, value) for title, value in of.items()}
      for label, of in spec.bounds.items()
    }
    if rows:
      found.append(
        Table(name, spec.title, spec.note, spec.columns, rows, bounds)
      )
  return found


def _mean(records: Sequence[Record], value: specs.Value) -> float | None:
  found = [x for x in map(value, records) if _is_finite(x)]
  return float(np.mean(found)) if found else None


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
    if model != 'oracle' and _is_finite(cells[column].mean)
  }
  if which is None or len(means) < 2:
    return None
  return which(means, key=means.get)


def written(cell: Cell, column: specs.Column) -> str:
  """Returns a cell as text, mean ± standard error."""
  if cell.mean is None:
    return '–'
  if not _is_finite(cell.mean):
    return 'not finite'
  text = column.unit.format(cell.mean * column.scale)
  if cell.stderr is None or (column.best is None and not cell.stderr):
    return text
  number, _, unit = text.partition(' ')
  digits = len(number.partition('.')[2])
  error = f'{cell.stderr * column.scale:.{digits}f}'
  return f'{number} ± {error} {unit}'.rstrip()


def seeds(row: Sequence[Cell]) -> str:
  """Returns how many seeds the numbers of a row have, as text."""
  counts = sorted({cell.count for cell in row} - {0})
  return ' to '.join(map(str, dict.fromkeys((*counts[:1], *counts[-1:]))))


def plain(table: Table) -> dict[str, Any]:
  """Returns a table as JSON has it; what is not finite is None there."""
  return {
    'title': table.title,
    'columns': [c.title for c in table.columns],
    'rows': {m: [_plain(c) for c in row] for m, row in table.rows.items()},
    'bounds': table.bounds,
  }


def _plain(cell: Cell) -> dict[str, float | None]:
  return {
    name: x if _is_finite(x) else None for name, x in cell._asdict().items()
  }


def _is_finite(x: float | None) -> bool:
  return x is not None and math.isfinite(x)
