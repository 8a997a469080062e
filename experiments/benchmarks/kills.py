"""A training killed at random moments, beside one that is left alone.

    python -m experiments.benchmarks.kills --workdir=runs/kills

A smoke training is started again and again and gets a signal, SIGKILL or one
time in three SIGTERM, after a time drawn from a seed, at most a third of what
the undisturbed training takes: while it starts, compiles, learns or writes a
checkpoint. The last start is left to its end. Then nothing may differ from the
undisturbed one: every update in the logbook once, every array of the last
checkpoint bit for bit, the evaluation.
"""

import argparse
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

_TRAINING = (
  '--gin_file=s4wm_fourrooms.gin',
  '--gin_file=smoke.gin',
  '--gin_bindings=STEPS = 160',
  '--gin_bindings=SAVE_EVERY = 4',
  '--gin_bindings=train.train.log_every = 1',
)
_SPEEDS = 'steps_per_second', 'imagination_frames_per_second'


class Start(NamedTuple):
  """What became of a start.

  Attributes:
    code: that it ended with; -9 after SIGKILL, 143 after a save on SIGTERM.
    passed_over: the step of a torn checkpoint that it found, and said so.
    began: the step that it went on from, None if it did not come so far.
    measured: the last step in the logbook.
    saved: the step of the last whole checkpoint.
    torn: the step of a checkpoint whose writing was cut off.
    output: all that it printed.
  """

  code: int
  passed_over: int | None
  began: int | None
  measured: int
  saved: int
  torn: int | None
  output: str


def kills(workdir: Path, count: int, seed: int) -> Iterator[str]:
  """Yields what happens, line by line.

  Args:
    workdir: A new folder, for both runs.
    count: How many signals.
    seed: Of the moments and of the choice of signals.

  Raises:
    RuntimeError: If a run that was left alone failed, or anything differs.
  """
  workdir.mkdir(parents=True)
  alone, killed = workdir / 'alone', workdir / 'killed'
  before = time.monotonic()
  _check_ended(start(alone))
  longest = (time.monotonic() - before) / 3
  yield f'left alone, it takes {3 * longest:.0f} s'
  yield _row('start', 'signal', 'after', *Start._fields[:-1])
  draw = np.random.default_rng(seed)
  asked = set()
  for number in range(1, count + 1):
    sent = signal.SIGTERM if draw.random() < 1 / 3 else signal.SIGKILL
    seconds = draw.uniform(0, longest)
    found = start(killed, sent, seconds)
    if found.code == 128 + signal.SIGTERM:
      asked.add(found.saved)
    yield _row(number, sent.name, f'{seconds:.1f} s', *found[:-1])
  found = start(killed)
  _check_ended(found)
  yield _row(count + 1, None, None, *found[:-1])

  wrong = differences(alone, killed, asked)
  if wrong:
    raise RuntimeError('kills: ' + '; '.join(wrong))
  yield 'logbook, last checkpoint and evaluation are the same, bit for bit'


def start(
  workdir: Path, sent: int = 0, seconds: float | None = None
) -> Start:
  """Starts the training, or goes on with it.

  Args:
    workdir: The run folder.
    sent: The signal that it gets.
    seconds: When, after its start; None for never.
  """
  process = subprocess.Popen(
    [
      sys.executable, '-m', 'experiments.launch', *_TRAINING,
      f'--workdir={workdir}',
    ],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
  )  # fmt: skip
  try:
    output, _ = process.communicate(timeout=seconds)
  except subprocess.TimeoutExpired:
    process.send_signal(sent)
    output, _ = process.communicate()
  steps = [path.name for path in (workdir / 'checkpoints').glob('*')]
  lines = _logbook(workdir)
  return Start(
    code=process.returncode,
    passed_over=_first(r'(\d+)\.\S+ was not written to its end', output),
    began=_first(r'\| (\d+)/\d+ \[', output),
    measured=lines[-1]['step'] if lines else 0,
    saved=max((int(name) for name in steps if name.isdigit()), default=0),
    torn=_first(r'(\d+)\.', ' '.join(steps)),
    output=output,
  )


def differences(alone: Path, killed: Path, asked: Set[int]) -> list[str]:
  """Returns in what two runs differ, speeds apart.

  Args:
    alone: Folder of the run that was left alone.
    killed: Folder of the other.
    asked: Steps at which SIGTERM made it save, and validate, beside its plan.
  """
  planned, written = _logbook(alone), _logbook(killed)
  written = [
    line
    for line in written
    if line in planned or line['step'] not in asked or 'loss' in line
  ]
  wrong = []
  if planned != written:
    wrong.append('the logbook differs')
  for part in ('params', 'rest'):
    if not _equal(*(_last(folder) / part for folder in (alone, killed))):
      wrong.append(f'{part} of the last checkpoint differ')
  metrics = [
    _without_speeds((folder / 'evaluation/metrics.json').read_text())
    for folder in (alone, killed)
  ]
  if metrics[0] != metrics[1]:
    wrong.append('the evaluation differs')
  return wrong


def _row(*cells: object) -> str:
  return ' | '.join('' if cell is None else str(cell) for cell in cells)


def _first(pattern: str, text: str) -> int | None:
  match = re.search(pattern, text)
  return int(match[1]) if match else None


def _check_ended(found: Start) -> None:
  if found.code:
    raise RuntimeError(f'kills: the training failed:\n{found.output[-2000:]}')


def _logbook(workdir: Path) -> list[dict[str, Any]]:
  path = workdir / 'measurements.jsonl'
  if not path.exists():
    return []
  lines = path.read_text().splitlines(keepends=True)
  return [_without_speeds(line) for line in lines if line.endswith('\n')]


def _without_speeds(text: str) -> dict[str, Any]:
  return {k: v for k, v in json.loads(text).items() if k not in _SPEEDS}


def _last(workdir: Path) -> Path:
  steps = (workdir / 'checkpoints').absolute().glob('[0-9]*')
  return max(steps, key=lambda path: int(path.name))


def _equal(one: Path, other: Path) -> bool:
  with ocp.StandardCheckpointer() as reader:
    trees = reader.restore(one), reader.restore(other)
  same = jax.tree.map(_same_bits, *trees)
  return all(jax.tree.leaves(same))


def _same_bits(x: jax.Array, y: jax.Array) -> bool:
  if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
    x, y = jax.random.key_data(x), jax.random.key_data(y)
  return np.asarray(x).tobytes() == np.asarray(y).tobytes()


if __name__ == '__main__':
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--workdir', type=Path, default=Path('runs/kills'))
  parser.add_argument('--count', type=int, default=10)
  parser.add_argument('--seed', type=int, default=0)
  arguments = parser.parse_args()
  for line in kills(arguments.workdir, arguments.count, arguments.seed):
    print(line, flush=True)
