"""The paper's claims, beside what was found here at laptop scale.

A claim is judged by means over seeds. What was not run is neither held nor
refuted. Numbers of the paper are those of its figures.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from experiments.results import tables
from experiments.results.records import Record

ABOVE, CHANCE = 0.95, 0.60
"""What counts as solved, and what as near chance, of rewards."""
SAME = 1.25
"""The ratio of errors up to which they count as near-equal."""

_REWARDS = ('inference_reward_accuracy', 'generation_reward_accuracy')
_MSE = ('generation_mse',)


class Claim(NamedTuple):
  """A row: what is claimed, the paper's numbers, ours, whether it holds here.

  `holds` is None where runs are missing.
  """

  claim: str
  paper: str
  ours: str
  holds: bool | None


def claims(records: Sequence[Record]) -> list[Claim]:
  """Returns all claims, in the order of the tables.

  Args:
    records: of all runs.
  """
  found = []
  for judge in (_rewards, _rooms, _doors, _probing, _speed):
    found += judge(records)
  return found


def _means(
  records: Sequence[Record], table: str, models: Sequence[str], names
) -> list[float] | None:
  """Returns the mean over seeds of each name of each model, or None."""
  found = [
    tables.cell(tables.values(records, table, model, tables.metric(name))).mean
    for model in models
    for name in names
  ]
  return None if None in found else found


def _claim(
  claim: str,
  paper: str,
  numbers: Sequence[float] | None,
  write: Callable[..., str],
  holds: Callable[..., bool],
) -> Claim:
  if numbers is None:
    return Claim(claim, paper, 'not run', None)
  return Claim(claim, paper, write(*numbers), bool(holds(*numbers)))


def _percent(*numbers: float) -> str:
  return ' / '.join(f'{100 * x:.1f} %' for x in numbers)


def _plain(*numbers: float) -> str:
  return ' / '.join(f'{x:.2f}' for x in numbers)


def _solved(*numbers: float) -> bool:
  return min(numbers) > ABOVE


def _at_chance(*numbers: float) -> bool:
  return max(numbers) < CHANCE


_PAPER_REWARDS = {
  's4wm': {100: '100.0 % / 100.0 %', 200: '100.0 % / 100.0 %'},
  'tssm_xl': {100: '100.0 % / 51.2 %', 200: '99.9 % / 51.3 %'},
  'rssm_tbtt': {100: '47.9 % / 49.6 %', 200: '48.7 % / 48.4 %'},
}


def _rewards(records: Sequence[Record]) -> Iterator[Claim]:
  for width in (100, 200):
    table = f'hallway_{width}'
    where = f'Distracting Memory, {width} wide (inference / imagination)'

    def row(model, what, holds, table=table, where=where, width=width):
      title = tables.MODELS[model]
      paper = _PAPER_REWARDS.get(model, {}).get(width, 'not in the paper')
      numbers = _means(records, table, [model], _REWARDS)
      return _claim(f'{where}: {title} {what}', paper, numbers, _percent, holds)

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
    yield row(
      'tssm_full',
      'above 95 % in both (ours: attention to all of the past)',
      _solved,
    )


def _reach(records: Sequence[Record], table: str) -> int:
  """Returns how many steps TSSM-XL sees back, as configured."""
  for record in records:
    if (record.table, record.model) == (table, 'tssm_xl'):
      macros = dict(re.findall(r'^(XL_DEPTH|WINDOW) = (\d+)', record.config,
                               re.MULTILINE))  # fmt: skip
      return int(macros['XL_DEPTH']) * int(macros['WINDOW'])
  return 384  # What the plan has.


def _rooms(records: Sequence[Record]) -> Iterator[Claim]:
  for table, title in (
    ('rooms', 'Four Rooms'), ('teleport', 'Four Rooms with a teleport')
  ):  # fmt: skip
    for rival in ('tssm_xl', 'rssm_tbtt'):
      yield _claim(
        f'{title}: generation MSE of S4WM at most half of that of '
        f'{tables.MODELS[rival]} (S4WM / {tables.MODELS[rival]})',
        'well under, in its figures',
        _means(records, table, ('s4wm', rival), _MSE),
        _plain,
        lambda ours, other: ours <= other / 2,
      )
    yield _claim(
      f'{title}: reconstruction MSE near-equal (S4WM / TSSM-XL / RSSM-TBTT)',
      'near-equal',
      _means(
        records, table, ('s4wm', 'tssm_xl', 'rssm_tbtt'),
        ('reconstruction_mse',)
      ),
      _plain,
      lambda *errors: max(errors) <= SAME * min(errors),
    )  # fmt: skip
    yield _claim(
      f'{title}: the error of S4WM stays low to the last step (first half / '
      'last tenth of the steps / mean frame)',
      'stays low, in its figures',
      _halves(records, table),
      _plain,
      lambda first, last, mean_frame: last <= min(1.5 * first, mean_frame),
    )


def _halves(records: Sequence[Record], table: str) -> list[float] | None:
  found = []
  for r in records:
    if (r.table, r.model) == (table, 's4wm') and r.curves:
      steps = np.array(r.curves['generation_mse_by_step']['mean'])
      tenth = max(len(steps) // 10, 1)
      found.append([
        steps[: len(steps) // 2].mean(),
        steps[-tenth:].mean(),
        r.metrics['baseline_mean_frame_mse'],
      ])
  return list(np.mean(found, axis=0)) if found else None


def _doors(records: Sequence[Record]) -> Iterator[Claim]:
  for rival, paper in (('rssm_tbtt', 6.28), ('tssm_xl', 9.24)):
    title = tables.MODELS[rival]
    yield _claim(
      'Multi Doors Keys, seven keys: generation MSE of S4WM at most a fifth of '
      f'that of {title} (S4WM / {title})',
      f'0.10 / {paper:.2f}',
      _means(records, 'doors_7', ('s4wm', rival), _MSE),
      _plain,
      lambda ours, other: ours <= other / 5,
    )


def _probes(
  records: Sequence[Record], models: Sequence[str], name: str
) -> list[float] | None:
  found = [
    tables.cell(
      tables.values(records, 'maze', model, tables.probed(name))
    ).mean
    for model in models
  ]
  return None if None in found else found


def _probing(records: Sequence[Record]) -> Iterator[Claim]:
  models = ('s5wm', 'rssm_tbtt', 's4wm', 'tssm_xl')
  names = ' / '.join(tables.MODELS[m] for m in models)
  for what, name, paper, sign, write in (
    ('walls', 'wall_accuracy', '98.3 % / 95.0 % / 88.4 % / 86.4 %', 1,
     _percent),
    ('objects', 'object_mse', '1.8 / 5.4 / 8.9 / 10.2', -1, _plain),
  ):  # fmt: skip
    numbers = _probes(records, models, name)
    constant = _probes(records, ['s5wm'], f'constant_{name}')
    yield _claim(
      f'Memory Maze 9x9, {what}: S5WM is best ({names})',
      paper,
      numbers,
      write,
      lambda *x, sign=sign: sign * x[0] >= max(sign * y for y in x),
    )
    yield _claim(
      f'Memory Maze 9x9, {what}: RSSM ahead of S4WM (RSSM-TBTT / S4WM)',
      ' / '.join(paper.split(' / ')[1:3]),
      numbers and numbers[1:3],
      write,
      lambda rssm, s4wm, sign=sign: sign * rssm > sign * s4wm,
    )
    yield _claim(
      f'Memory Maze 9x9, {what}: all above the constant predictor (the least '
      'of them / constant)',
      'all above',
      numbers and constant and [
        sign * min(sign * x for x in numbers), constant[0]
      ],
      write,
      lambda least, constant, sign=sign: sign * least > sign * constant,
    )  # fmt: skip


def _speed(records: Sequence[Record]) -> Iterator[Claim]:
  speed = next((r.speed for r in records if r.speed), None)
  rows = speed['results'] if speed else []

  def numbers(part, key):
    models = ('s4wm', 's5wm', 'tssm_xl', 'rssm_tbtt')
    found = {r['what']: r[key] for r in rows
             if (r['part'], r.get('length')) == (part, 1024)}  # fmt: skip
    return [found[m] for m in models] if found else None

  names = 'S4WM / S5WM / TSSM-XL / RSSM-TBTT'
  for claim, part, key, unit, holds in (
    ('S4WM trains fastest, frames/s', 'train', 'frames_per_second', 1,
     lambda *x: x[0] >= max(x)),
    ('RSSM-TBTT needs the least memory to train, MB', 'train', 'peak_bytes',
     1e6, lambda *x: x[3] <= min(x)),
    ('RSSM-TBTT imagines fastest, frames/s', 'imagine', 'frames_per_second', 1,
     lambda *x: x[3] >= max(x)),
  ):  # fmt: skip
    yield _claim(
      f'Sequences of 1,024 frames: {claim} ({names})',
      'so, on one GPU',
      numbers(part, key),
      lambda *x, unit=unit: ' / '.join(f'{y / unit:,.0f}' for y in x),
      holds,
    )
