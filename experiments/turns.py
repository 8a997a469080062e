"""Turns of runs: one after another, or several at a time."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

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
      elif code := self._do(run):
        log = self._root / run.name / 'log.txt'
        what = 'was stopped' if code in _INTERRUPTED else 'failed'
        where = f'; see {log}' if log.is_file() else ''
        print(f'{run.name} {what}{where}', flush=True)
      self._end(run, code, (time.monotonic() - start) / 60)

  def stop(self, number: int, _: object = None) -> None:
    """Starts no more runs; passes SIGTERM on, as shells pass Ctrl-C on."""
    self.interrupted = 128 + number
    if number == signal.SIGTERM:
      for process in list(self._processes):
        process.terminate()
    with self._changed:
      self._changed.notify_all()

  def _do(self, run: plan.Run) -> int:
    try:
      return _do(self._root, run, self._wait)
    except OSError as error:  # A full disk, or a file in the way.
      print(f'{run.name}: {error}', file=sys.stderr, flush=True)
      return 1

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
