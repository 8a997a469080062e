"""Measurements of a run: JSON lines, TensorBoard scalars, a progress bar."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

import tensorboardX
import tqdm


class Logbook(NamedTuple):
  """Where a run's measurements go."""

  lines: IO[str]
  scalars: tensorboardX.SummaryWriter
  bar: tqdm.tqdm


def logbook(workdir: Path, step: int, steps: int) -> Logbook:
  """Opens a run's measurements at a step; what was written after it goes.

  A run that was killed may have measured more than it saved: those steps will
  be done, and measured, again.

  Args:
    workdir: The run folder.
    step: Updates done.
    steps: Updates in all.
  """
  path = Path(workdir) / 'measurements.jsonl'
  kept = [line for line in _whole_lines(path) if line['step'] <= step]
  partial = path.with_suffix('.tmp')
  partial.write_text(''.join(json.dumps(line) + '\n' for line in kept))
  os.replace(partial, path)
  return Logbook(
    lines=path.open('a', buffering=1),
    scalars=tensorboardX.SummaryWriter(
      str(Path(workdir) / 'tensorboard'), purge_step=step + 1
    ),
    bar=tqdm.tqdm(
      total=steps,
      initial=step,
      desc='train',
      unit='step',
      dynamic_ncols=True,
      mininterval=0.5,
    ),
  )


def nowhere() -> Logbook:
  """Returns a logbook of what another process writes down."""
  return Logbook(
    lines=open(os.devnull, 'w'),
    scalars=tensorboardX.SummaryWriter(write_to_disk=False),
    bar=tqdm.tqdm(disable=True),
  )


def write(
  book: Logbook, step: int, measurements: Mapping[str, float]
) -> None:
  """Writes numbers measured at a step and moves the bar there."""
  book.lines.write(json.dumps({'step': step, **measurements}) + '\n')
  for name, value in measurements.items():
    book.scalars.add_scalar(name, value, step)
  if 'loss' in measurements:
    book.bar.set_postfix(loss=f'{measurements["loss"]:.4g}', refresh=False)
  book.bar.update(step - book.bar.n)


def close(book: Logbook) -> None:
  """Writes out and closes everything."""
  book.lines.close()
  book.scalars.close()
  book.bar.close()


def _whole_lines(path: Path) -> list[dict[str, float]]:
  if not path.exists():
    return []
  return [
    json.loads(line)
    for line in path.read_text().splitlines(keepends=True)
    if line.endswith('\n')
  ]
