"""Which figures the face-off has, and what is in them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from experiments.figures import face_off
from experiments.results import records as reading
from experiments.results import specs, tables
from experiments.results.records import Record

_TITLES = specs.MODELS
_BY_STEP, _BY_AGE = 'generation_mse_by_step', 'generation_mse_by_age'
_RELIABILITY = 'mean_calibration'
_MEAN_FRAME = 'baseline_mean_frame_mse_by_step'


def write(folder: Path, records: Sequence[Record]) -> dict[str, list[str]]:
  """Writes all figures that there are runs for.

  Args:
    folder: where to.
    records: of all runs.

  Returns:
    File names by table.
  """
  found: dict[str, list[str]] = {}
  names = [n for n in specs.SPECS if any(r.table == n for r in records)]
  for table in names:
    runs = [r for r in records if r.table == table]
    for kind, draw in _KINDS.items():
      path = folder / f'{table}_{kind}.png'
      if draw(path, table, runs):
        found.setdefault(table, []).append(path.name)
  return found


def _frames(path: Path, table: str, runs: Sequence[Record]) -> bool:
  rows, truth, steps = [], None, None
  for model, title in _TITLES.items():
    for record in runs:
      if (record.model, record.seed) == (model, 0):
        shown = reading.shown(record)
        if shown is not None:
          truth, steps = shown['truth'], shown['steps']
          rows.append((title, shown['imagination']))
  if truth is None or table.startswith('control'):  # What strays ends early.
    return False
  face_off.frames(path, [('truth', truth), *rows], steps)
  return True


def _curves(name: str, xlabel: str, log: bool) -> Callable[..., bool]:
  def draw(path: Path, table: str, runs: Sequence[Record]) -> bool:
    lines = {m: line for m in _TITLES if (line := _line(runs, m, name))}
    if not lines or (log and not table.startswith(('rooms', 'teleport'))):
      return False
    baseline = None
    if not log:
      model = next(iter(lines))
      baseline = _line(runs, model, _MEAN_FRAME)
    face_off.curves(path, lines, _TITLES, baseline, xlabel, log)
    return True

  return draw


def _calibration(path: Path, table: str, runs: Sequence[Record]) -> bool:
  found = {r.model: r.curves.get(_RELIABILITY) for r in runs if r.seed == 0}
  points = {
    model: (np.array(found[model]['x']), np.array(found[model]['mean']))
    for model in _TITLES
    if found.get(model)
  }
  if not points:
    return False
  face_off.reliability(path, points, _TITLES)
  return True


def _line(
  runs: Sequence[Record], model: str, name: str
) -> face_off.Line | None:
  runs = [r for r in runs if r.model == model and name in r.curves]
  found = [r.curves[name] for r in runs]
  if not found:
    return None
  x = set.intersection(*(set(curve['x']) for curve in found))
  y = [
    [y for at, y in zip(curve['x'], curve['mean'], strict=True) if at in x]
    for curve in found
  ]
  return np.array(sorted(x)), np.array(y, float)


def _rewards(path: Path, table: str, runs: Sequence[Record]) -> bool:
  panels = [
    _panel(runs, title, specs.metric(name), 100)
    for title, name in (
      ('by inference', 'inference_reward_accuracy'),
      ('in imagination', 'generation_reward_accuracy'),
    )
  ]
  if not table.startswith('hallway') or not panels[0][1]:
    return False
  face_off.bars(
    path,
    panels,
    _TITLES,
    [{'chance': 50}] * 2,
    'reward accuracy, %',
    (0, 109),
  )
  return True


def _success(path: Path, table: str, runs: Sequence[Record]) -> bool:
  panel = _panel(runs, '', specs.acted('success'), 100)
  if not panel[1]:
    return False
  bounds = {
    who: 100 * next(r.control[f'{who}_success'] for r in runs if r.control)
    for who in ('random', 'script')
  }
  label = 'success in the true world, %'
  face_off.bars(path, [panel], _TITLES, [bounds], label, (0, 109))
  return True


def _speed(path: Path, table: str, runs: Sequence[Record]) -> bool:
  if table != 'speed':
    return False
  panels = [
    _panel(runs, column.title, column.value, column.scale)
    for column in specs.SPECS['speed'].columns
  ]
  face_off.bars(path, panels, _TITLES, [{}] * len(panels), '')
  return True


def _probes(path: Path, table: str, runs: Sequence[Record]) -> bool:
  if table != 'maze':
    return False
  panels, marks = [], []
  for title, name, scale in (
    ('walls, accuracy in %', 'wall_accuracy', 100),
    ('objects, squared error', 'object_mse', 1),
  ):
    panels.append(_panel(runs, title, specs.probed(name), scale))
    constant = next(
      (r.probe[f'constant_{name}'] for r in runs if r.probe), None
    )
    marks.append({} if constant is None else {'constant': scale * constant})
  if not panels[0][1]:
    return False
  face_off.bars(path, panels, _TITLES, marks, '')
  return True


def _panel(runs, title, value, scale):
  cells = {
    model: tables.cell(tables.values(runs, runs[0].table, model, value))
    for model in _TITLES
  }
  return title, {
    model: (scale * cell.mean, scale * (cell.stderr or 0.0))
    for model, cell in cells.items()
    if cell.mean is not None
  }


_KINDS = {
  'frames': _frames,
  'by_step': _curves(_BY_STEP, 'imagined step', False),
  'by_age': _curves(_BY_AGE, 'steps since last seen in the context', True),
  'rewards': _rewards,
  'calibration': _calibration,
  'probes': _probes,
  'success': _success,
  'speed': _speed,
}
