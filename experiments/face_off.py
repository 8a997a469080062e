"""The queue of the face-off: every run of the comparison.

    python -m experiments.face_off --dry_run
    python -m experiments.face_off --tables=rooms,doors_7 --jobs=2

A run that is done is skipped and one that was stopped goes on, so that the
command may be repeated at any time. `python -m experiments.report` makes tables
and figures of what is there.
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import rich.console
import rich.table

from experiments import plan


def work(root: Path, runs: Sequence[plan.Run], jobs: int = 1) -> list[str]:
  """Does the runs that are not done, each after the one it starts from.

  Args:
    root: Where their folders are.
    runs: What to do, in order.
    jobs: How many at a time; each has its share of the cores for itself.

  Returns:
    The names of those that failed, with those that start from them.

  Raises:
    SystemExit: The queue or a run was interrupted; with 128 + the signal.
  """
  waiting = [run for run in runs if not plan.is_done(root, run)]
  print(f'{len(runs) - len(waiting)} of {len(runs)} runs are done', flush=True)
  turns = _Turns(root, waiting, jobs)
  workers = [
    threading.Thread(target=turns.work, args=(cores,)) for cores in _cores(jobs)
  ]
  before = {
    number: signal.signal(number, turns.stop)
    for number in (signal.SIGINT, signal.SIGTERM)
  }
  try:
    for worker in workers:
      worker.start()
    for worker in workers:
      worker.join()
  finally:
    for number, handler in before.items():
      signal.signal(number, handler)
  if turns.interrupted:
    raise SystemExit(turns.interrupted)
  return turns.failed


_INTERRUPTED = (130, 143, -signal.SIGINT, -signal.SIGTERM)


class _Turns:
  """Which run is whose turn; workers share it."""

  def __init__(self, root: Path, runs: Sequence[plan.Run], jobs: int):
    self.failed: list[str] = []
    self.interrupted = 0
    self._root, self._count, self._jobs = root, len(runs), jobs
    self._waiting, self._busy = list(runs), []
    self._processes: set[subprocess.Popen] = set()
    self._slower = 1.0
    self._changed = threading.Condition()

  def work(self, cores: set[int] | None) -> None:
    """Does runs on some cores until none is left."""
    if cores:
      os.sched_setaffinity(0, cores)  # Of this thread and what it starts.
    while run := self._take():
      start = time.monotonic()
      if run.after in self.failed:
        print(f'{run.name} is left out: {run.after} failed', flush=True)
        code = 1
      elif code := _do(self._root, run, self._wait):
        log = self._root / run.name / 'log.txt'
        what = 'was stopped' if code in _INTERRUPTED else 'failed'
        print(f'{run.name} {what}; see {log}', flush=True)
      self._end(run, code, (time.monotonic() - start) / 60)

  def stop(self, number: int, _: object = None) -> None:
    """Starts no more runs; passes SIGTERM on, as shells pass Ctrl-C on."""
    self.interrupted = 128 + number
    if number == signal.SIGTERM:
      for process in list(self._processes):
        process.terminate()
    with self._changed:
      self._changed.notify_all()

  def _wait(self, process: subprocess.Popen) -> int:
    self._processes.add(process)
    if self.interrupted:
      process.terminate()
    code = process.wait()
    self._processes.discard(process)
    return code

  def _take(self) -> plan.Run | None:
    with self._changed:
      while self._waiting and not self.interrupted:
        unready = {run.name for run in self._busy + self._waiting}
        for run in self._waiting:
          if run.after not in unready:
            self._waiting.remove(run)
            self._busy.append(run)
            self._say(run)
            return run
        self._changed.wait()
      return None

  def _say(self, run: plan.Run) -> None:
    left = sum(run.minutes for run in self._busy + self._waiting) / self._jobs
    print(
      f'[{self._count - len(self._waiting)}/{self._count}] {run.name}: about '
      f'{self._slower * run.minutes:.0f} minutes of {self._slower * left:.0f}',
      flush=True,
    )

  def _end(self, run: plan.Run, code: int, minutes: float) -> None:
    with self._changed:
      self._busy.remove(run)
      if code in _INTERRUPTED:
        self.interrupted = abs(code) % 128 + 128
      elif code:
        self.failed.append(run.name)
      else:
        self._slower = 0.7 * self._slower + 0.3 * minutes / run.minutes
      self._changed.notify_all()


def _cores(jobs: int) -> list[set[int] | None]:
  """Returns the cores of each of some jobs; None where all are for all.

  Raises:
    ValueError: there are fewer cores than jobs.
  """
  if not 1 <= jobs <= (os.cpu_count() or 1):
    raise ValueError(
      f'face_off: a job needs a core; got {jobs} jobs and {os.cpu_count()} '
      'cores; change --jobs'
    )
  if jobs == 1 or not hasattr(os, 'sched_getaffinity'):
    return [None] * jobs
  cores = sorted(os.sched_getaffinity(0))
  return [set(cores[job::jobs]) for job in range(jobs)]


def _do(
  root: Path, run: plan.Run, wait: Callable[[subprocess.Popen], int]
) -> int:
  """Returns 0 after all commands of a run, or the code of one that failed."""
  folder = root / run.name
  folder.mkdir(parents=True, exist_ok=True)
  with (folder / 'log.txt').open('a') as log:
    for command in run.commands(root):
      print('$', *command, file=log, flush=True)
      words = [sys.executable, '-m', *command]
      if code := wait(subprocess.Popen(words, stdout=log, stderr=log)):
        return code
  return 0


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
    f'about {total / 60:.1f} hours left on one CPU core, at laptop scale'
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
  folder = 'face_off' + f'_{given.scale}' * (given.scale != 'laptop')
  root = Path(given.workdir or f'runs/{folder}')
  try:
    runs = _chosen(given)
  except ValueError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  if given.dry_run:
    show(root, runs)
    return 0
  try:
    failed = work(root, runs, given.jobs)
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
  runs = list(plan.runs(given.tables.split(','), given.seeds, given.scale))
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
    default=','.join(plan.COMPARISON),
    help='which; a stage that one needs is added; control_... if named alone',
  )
  parser.add_argument('--models', help='which; by default all of a table')
  parser.add_argument(
    '--seeds', type=int, default=3, help='how many, from 0; by default 3'
  )
  parser.add_argument(
    '--jobs', type=int, default=1, help='how many runs at a time'
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
