"""The queue of the face-off: every run of the comparison, one at a time.

    python -m experiments.face_off --dry_run
    python -m experiments.face_off --tables=rooms,doors_7

A run that is done is skipped and one that was stopped goes on, so that the
command may be repeated at any time. `python -m experiments.report` makes tables
and figures of what is there.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import rich.console
import rich.table

from experiments import plan


def work(root: Path, runs: Sequence[plan.Run]) -> list[str]:
  """Does the runs that are not done, in order.

  Args:
    root: Where their folders are.
    runs: What to do.

  Returns:
    The names of those that failed, with those that start from them.

  Raises:
    SystemExit: With the code of a run that was interrupted.
  """
  waiting = [run for run in runs if not plan.is_done(root, run)]
  print(f'{len(runs) - len(waiting)} of {len(runs)} runs are done', flush=True)
  failed, slower = [], 1.0
  for number, run in enumerate(waiting):
    left = slower * sum(run.minutes for run in waiting[number:])
    print(
      f'[{number + 1}/{len(waiting)}] {run.name}: about '
      f'{slower * run.minutes:.0f} minutes of {left:.0f}',
      flush=True,
    )
    start = time.monotonic()
    if run.after in failed:
      print(f'  left out: it starts from {run.after}, which failed', flush=True)
      failed.append(run.name)
    elif not _do(root, run):
      print(f'  failed; see {root / run.name / "log.txt"}', flush=True)
      failed.append(run.name)
    minutes = (time.monotonic() - start) / 60
    slower = 0.7 * slower + 0.3 * minutes / run.minutes
  return failed


def _do(root: Path, run: plan.Run) -> bool:
  """Returns whether all commands of a run ended well."""
  folder = root / run.name
  folder.mkdir(parents=True, exist_ok=True)
  with (folder / 'log.txt').open('a') as log:
    for command in run.commands(root):
      print('$', *command, file=log, flush=True)
      code = subprocess.run(
        [sys.executable, '-m', *command], stdout=log, stderr=log, check=False
      ).returncode
      if code in (130, 143):
        raise SystemExit(code)
      if code:
        return False
  return True


def show(root: Path, runs: Sequence[plan.Run]) -> None:
  """Prints the runs by table, with the time that they will take.

  Args:
    root: Where their folders are.
    runs: What to print.
  """
  table = rich.table.Table(title=f'face-off in {root}')
  for column in ('table', 'models', 'seeds', 'done', 'minutes a run'):
    table.add_column(column)
  table.add_column('minutes left', justify='right')
  total = 0.0
  for name in plan.TABLES:
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
  print(
    f'about {total / 60:.1f} hours left on two CPU cores, at laptop scale'
  )


def _quoted(word: str) -> str:
  return f'"{word}"' if ' ' in word else word


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line; returns 0, or 1 if a run failed.

  Args:
    argv: the command line after the program's name; by default that of the
      process.
  """
  given = _parser().parse_args(argv)
  root = Path(given.workdir)
  try:
    runs = [
      run
      for run in plan.runs(given.tables.split(','), given.seeds, given.scale)
      if given.models is None or run.model in given.models.split(',')
    ]
  except ValueError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  if given.dry_run:
    show(root, runs)
    return 0
  try:
    failed = work(root, runs)
  except KeyboardInterrupt:
    return 130
  if failed:
    print(f'failed: {", ".join(failed)}', file=sys.stderr)
  return int(bool(failed))


def _parser() -> argparse.ArgumentParser:
  parser = argparse.ArgumentParser(
    'experiments.face_off',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument(
    '--workdir', default='runs/face_off', help='where the run folders are'
  )
  parser.add_argument(
    '--tables',
    default=','.join(plan.TABLES),
    help='which; a stage that one needs is added',
  )
  parser.add_argument('--models', help='which; by default all of a table')
  parser.add_argument(
    '--seeds', type=int, default=3, help='how many, from 0; by default 3'
  )
  parser.add_argument('--scale', default='laptop', choices=plan.SCALES)
  parser.add_argument(
    '--dry_run',
    action='store_true',
    help='print what would run, and how long it would take',
  )
  return parser


if __name__ == '__main__':
  sys.exit(main())
