"""The paper's claims, beside what was found here at laptop scale.

A claim is judged by means over seeds. What was not run is neither held nor
refuted. Numbers of the paper are those of its figures.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from experiments.results import specs, tables
from experiments.results.records import Record

ABOVE, CHANCE = 0.95, 0.60
"""What counts as solved, and what as near chance, of rewards."""
SAME = 1.25
"""The ratio of errors up to which they count as near-equal."""

_UNKNOWN = 'not known'


class Claim(NamedTuple):
  """A row: what is claimed, the paper's numbers, ours, whether it holds here.

  `seeds` is how many each of our numbers is a mean of, at least; `holds` is
  None where runs are missing or diverged.
  """

  claim: str
  paper: str
  ours: str
  seeds: int
  holds: bool | None


class _Found(NamedTuple):
  numbers: list[float]
  seeds: int


def claims(records: Sequence[Record]) -> list[Claim]:
  """Returns all claims, in the order of the tables.

  Args:
    records: of all runs.
  """
  found = []
  for judge in (_rewards, _rooms, _doors, _probing, _speed):
    found += judge(records)
  return found


def _find(
  records: Sequence[Record],
  table: str,
  models: Sequence[str],
  *read: specs.Value,
) -> _Found | None:
  """Returns the mean over seeds of each value of each model, or None."""
  cells = [
    tables.cell(tables.values(records, table, model, value))
    for model in models
    for value in read
  ]
  if any(cell.mean is None for cell in cells):
    return None
  return _Found([c.mean for c in cells], min(c.count for c in cells))


def _claim(
  claim: str,
  paper: str,
  found: _Found | None,
  write: Callable[..., str],
  holds: Callable[..., bool],
) -> Claim:
  if found is None:
    return Claim(claim, paper, 'not run', 0, None)
  ours, seeds = found
  if not np.isfinite(ours).all():
    return Claim(claim, paper, 'not finite', seeds, None)
  return Claim(claim, paper, write(*ours), seeds, bool(holds(*ours)))


def _percent(*numbers: float) -> str:
  return ' / '.join(f'{100 * x:.1f} %' for x in numbers)


def _plain(*numbers: float) -> str:
  return ' / '.join(f'{x:.2f}' for x in numbers)


def _solved(*numbers: float) -> bool:
  return min(numbers) > ABOVE


def _at_chance(*numbers: float) -> bool:
  return max(numbers) < CHANCE


def _titles(models: Sequence[str]) -> str:
  return ' / '.join(specs.MODELS[model] for model in models)


_PAPER_REWARDS = {
  's4wm': {100: '100.0 % / 100.0 %', 200: '100.0 % / 100.0 %'},
  'tssm_xl': {100: '100.0 % / 51.2 %', 200: '99.9 % / 51.3 %'},
  'rssm_tbtt': {100: '47.9 % / 49.6 %', 200: '48.7 % / 48.4 %'},
}
_REWARDS = tuple(
  specs.metric(f'{way}_reward_accuracy') for way in ('inference', 'generation')
)


def _rewards(records: Sequence[Record]) -> Iterator[Claim]:
  for width in (100, 200):
    table = f'hallway_{width}'

    def row(model, what, holds, table=table, width=width):
      return _claim(
        f'Distracting Memory, {width} wide (inference / imagination): '
        f'{specs.MODELS[model]} {what}',
        _PAPER_REWARDS.get(model, {}).get(width, 'not in the paper'),
        _find(records, table, [model], *_REWARDS),
        _percent,
        holds,
      )

    yield row('s4wm', 'above 95 % in both', _solved)
    yield row('s5wm', 'above 95 % in both', _solved)
    if _reach(records, table) >= width - 5:
      yield row(
        'tssm_xl',
        'above 95 % by inference, for its memory reaches back to the clue, and '
        'near chance in imagination',
        lambda seen, imagined: _solved(seen) and _at_chance(imagined),
      )
    else:
      yield row(
        'tssm_xl',
        'near chance in both, for its memory does not reach back to the clue',
        _at_chance,
      )
    yield row('rssm_tbtt', 'near chance in both', _at_chance)
    if width == 100:
      yield row(
        'tssm_full',
        'above 95 % in both (ours: attention to all of the past)',
        _solved,
      )


def _reach(records: Sequence[Record], table: str) -> int:
  """Returns how many steps TSSM-XL sees back, as configured."""
  for record in records:
    if (record.table, record.model) == (table, 'tssm_xl'):
      macros = dict(
        re.findall(r'^(XL_DEPTH|WINDOW) = (\d+)', record.config, re.MULTILINE)
      )
      if len(macros) == 2:
        return int(macros['XL_DEPTH']) * int(macros['WINDOW'])
  return 384  # What the plan has.


_GENERATION = specs.metric('generation_mse')
_RECONSTRUCTION = specs.metric('reconstruction_mse')


def _rooms(records: Sequence[Record]) -> Iterator[Claim]:
  for table, title, papers, stays in (
    ('rooms', 'Four Rooms',
     {'tssm_xl': 'one episode of a figure: 22 / 166',
      'rssm_tbtt': 'one episode of a figure: 22 / 160'},
     'stays good to step 500'),
    ('teleport', 'Four Rooms with a teleport', {}, _UNKNOWN),
  ):  # fmt: skip
    for rival in ('tssm_xl', 'rssm_tbtt'):
      models = 's4wm', rival
      yield _claim(
        f'{title}: generation MSE of S4WM at most half of that of '
        f'{specs.MODELS[rival]} ({_titles(models)})',
        papers.get(rival, _UNKNOWN),
        _find(records, table, models, _GENERATION),
        _plain,
        lambda ours, other: ours <= other / 2,
      )
    models = 's4wm', 'tssm_xl', 'rssm_tbtt'
    yield _claim(
      f'{title}: reconstruction MSE near-equal ({_titles(models)})',
      _UNKNOWN,
      _find(records, table, models, _RECONSTRUCTION),
      _plain,
      lambda *errors: max(errors) <= SAME * min(errors),
    )
    yield _claim(
      f'{title}: the error of S4WM stays low to the last step (first half / '
      'last tenth of the steps / mean frame)',
      stays,
      _find(records, table, ['s4wm'], _first_half, _last_tenth, _MEAN_FRAME),
      _plain,
      lambda first, last, mean_frame: last <= min(1.5 * first, mean_frame / 2),
    )


_MEAN_FRAME = specs.metric('baseline_mean_frame_mse')


def _first_half(record: Record) -> float | None:
  steps = _by_step(record)
  return float(steps[: len(steps) // 2].mean()) if len(steps) > 1 else None


def _last_tenth(record: Record) -> float | None:
  steps = _by_step(record)
  tenth = max(len(steps) // 10, 1)
  return float(steps[-tenth:].mean()) if len(steps) > 1 else None


def _by_step(record: Record) -> np.ndarray:
  curve = record.curves.get('generation_mse_by_step', {})
  return np.array(curve.get('mean', ()), float)


def _doors(records: Sequence[Record]) -> Iterator[Claim]:
  for rival, paper in (('rssm_tbtt', 6.28), ('tssm_xl', 9.24)):
    models = 's4wm', rival
    yield _claim(
      'Multi Doors Keys, seven keys: generation MSE of S4WM at most a fifth of '
      f'that of {specs.MODELS[rival]} ({_titles(models)})',
      f'0.10 / {paper:.2f}',
      _find(records, 'doors_7', models, _GENERATION),
      _plain,
      lambda ours, other: ours <= other / 5,
    )


def _probing(records: Sequence[Record]) -> Iterator[Claim]:
  models = 's5wm', 'rssm_tbtt', 's4wm', 'tssm_xl'
  for what, name, paper, sign, write in (
    ('walls', 'wall_accuracy', '98.3 % / 95.0 % / 88.4 % / 86.4 %', 1,
     _percent),
    ('objects', 'object_mse', '1.8 / 5.4 / 8.9 / 10.2', -1, _plain),
  ):  # fmt: skip
    value = specs.probed(name)
    found = _find(records, 'maze', models, value)
    constant = _find(
      records, 'maze', models[:1], specs.probed(f'constant_{name}')
    )
    yield _claim(
      f'Memory Maze 9x9, {what}: S5WM is best ({_titles(models)})',
      paper,
      found,
      write,
      lambda *x, sign=sign: sign * x[0] >= max(sign * y for y in x),
    )
    yield _claim(
      f'Memory Maze 9x9, {what}: RSSM ahead of S4WM ({_titles(models[1:3])})',
      ' / '.join(paper.split(' / ')[1:3]),
      _find(records, 'maze', models[1:3], value),
      write,
      lambda rssm, s4wm, sign=sign: sign * rssm > sign * s4wm,
    )
    least = found and sign * min(sign * x for x in found.numbers)
    yield _claim(
      f'Memory Maze 9x9, {what}: all above the constant predictor (the least '
      'of them / constant)',
      f'{paper.split(" / ")[-1]} / {_UNKNOWN}',
      found and constant and _Found([least, *constant.numbers], found.seeds),
      write,
      lambda least, constant, sign=sign: sign * least > sign * constant,
    )


def _speed(records: Sequence[Record]) -> Iterator[Claim]:
  frames, memory = 'frames_per_second', 'peak_bytes'
  for claim, models, part, key, unit, holds in (
    ('S4WM trains fastest, frames/s, RSSM-TBTT as wide as here',
     ('s4wm', 'tssm_xl_wide', 'rssm_tbtt_wide'), 'train', frames, 1, max),
    ('S4WM trains fastest, frames/s, at equal rows',
     ('s4wm', 'tssm_xl', 'rssm_tbtt'), 'train', frames, 1, max),
    ('RSSM-TBTT needs the least memory to train, MB, at equal rows',
     ('rssm_tbtt', 's4wm', 'tssm_xl'), 'train', memory, 1e6, min),
    ('RSSM-TBTT imagines fastest, frames/s',
     ('rssm_tbtt', 's4wm', 'tssm_xl'), 'imagine', frames, 1, max),
    ('S4WM imagines faster than TSSM-XL, frames/s',
     ('s4wm', 'tssm_xl'), 'imagine', frames, 1, max),
  ):  # fmt: skip
    yield _claim(
      f'Sequences of 1,024 frames: {claim} ({_titles(models)})',
      'so, on one GPU',
      _find(records, 'speed', models, specs.speed(part, key)),
      lambda *x, unit=unit: ' / '.join(f'{y / unit:,.0f}' for y in x),
      lambda *x, holds=holds: x[0] == holds(x),
    )
