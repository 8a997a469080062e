"""The queue of the face-off: every run of the comparison.

    python -m experiments.face_off --dry_run
    python -m experiments.face_off --tables=rooms,doors_7 --jobs=2

A run that is done is skipped and one that was stopped goes on, so that the
command may be repeated at any time. `python -m experiments.report` makes tables
and figures of what is there.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import rich.console
import rich.table

from experiments import plan, questions, turns


def show(root: Path, runs: Sequence[plan.Run], scale: str) -> None:
  """Prints the runs by table, with the time that they will take.

  Args:
    root: Where their folders are.
    runs: What to print.
    scale: Of `questions.SCALES`; times are known of a laptop.
  """
  table = rich.table.Table(title=f'face-off in {root}')
  for column in ('table', 'models', 'seeds', 'done', 'minutes a run'):
    table.add_column(column)
  table.add_column('minutes left', justify='right')
  total = 0.0
  for name in questions.TABLES:
    group = [run for run in runs if run.table == name]
    waiting = [run for run in group if not plan.is_done(root, run)]
    left = sum(run.minutes for run in waiting)
    total += left
    if group:
      table.add_row(
        name,
        ' '.join(dict.fromkeys(run.model for run in group)),
        str(len({run.seed for run in group})),
        f'{len(group) - len(waiting)}/{len(group)}',
        ' '.join(f'{m:g}' for m in sorted({run.minutes for run in group})),
        f'{left:.0f}',
      )
  rich.console.Console().print(table)
  for run in runs:
    if not plan.is_done(root, run):
      for command in run.commands(root):
        print('python -m', *map(_quoted, command))
  if scale == 'laptop':
    print(f'about {total / 60:.1f} hours left on one CPU core')


def _quoted(word: str) -> str:
  return f'"{word}"' if ' ' in word else word


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line; returns 0, or 1 if a run failed.

  Args:
    argv: the command line after the program's name; by default that of the
      process.
  """
  given = _parser().parse_args(argv)
  folder = 'face_off' + f'_{given.scale}' * (given.scale != 'laptop')
  root = Path(given.workdir or f'runs/{folder}')
  try:
    runs = _chosen(given)
  except ValueError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  if given.dry_run:
    show(root, runs, given.scale)
    return 0
  try:
    failed = turns.work(root, runs, given.jobs)
  except ValueError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  if failed:
    print(f'failed: {", ".join(failed)}', file=sys.stderr)
  return int(bool(failed))


def _chosen(given: argparse.Namespace) -> list[plan.Run]:
  """Returns the runs that were asked for.

  Raises:
    ValueError: There is no such table or model, or no seed.
  """
  if given.seeds < 1:
    raise ValueError(
      f'face_off: a run has a seed; got {given.seeds}; change --seeds'
    )
  tables = given.tables and given.tables.split(',')
  tables = tables or questions.comparison(given.scale)
  runs = list(plan.runs(tables, given.seeds, given.scale))
  if given.models is None:
    return runs
  models, known = set(given.models.split(',')), {run.model for run in runs}
  if models - known:
    raise ValueError(
      f'face_off: no run of {", ".join(sorted(models - known))} in these '
      f'tables; there are {", ".join(sorted(known))}; change --models'
    )
  return [run for run in runs if run.model in models]


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    'experiments.face_off',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument(
    '--workdir',
    help='where the run folders are; by default runs/face_off, or, at another '
    'scale, runs/face_off_SCALE',
  )
  parser.add_argument(
    '--tables',
    help='which; by default those of the comparison; a stage that one needs is '
    'added',
  )
  parser.add_argument('--models', help='which; by default all of a table')
  parser.add_argument(
    '--seeds', type=int, default=3, help='how many, from 0; by default 3'
  )
  parser.add_argument(
    '--jobs', type=int, default=1, help='how many runs at a time'
  )
  parser.add_argument('--scale', default='laptop', choices=questions.SCALES)
  parser.add_argument(
    '--dry_run',
    action='store_true',
    help='print what would run, and how long it would take',
  )
  return parser


if __name__ == '__main__':
  sys.exit(main())
