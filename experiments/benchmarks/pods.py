"""Tables of experiments compiled for TPU slices that are not there.

    python -m experiments.benchmarks.pods --table=scaling --workdir=runs/pods

Each row is a run of the pod program at paper scale, in a process of its own;
one that is done is not done again. Prints Markdown:

- `scaling`: S5WM in Four Rooms with an episode a chip, on 1 to 256 chips;
- `models`: each model on the longest episodes there are, on 16 chips;
- `lines`: lines of docs/scaling.md that save memory or time, one by one.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple


class Row(NamedTuple):
  """A row of a table.

  Attributes:
    name: of it.
    topology: of chips.
    model: a file of configs/models.
    data: a file of configs/data.
    batch: episodes of an update.
    bindings: more lines of gin.
  """

  name: str
  topology: str
  model: str
  data: str
  batch: int
  bindings: tuple[str, ...] = ()


MODELS = {
  's5wm': (16,),
  'rssm_tbtt': (8,),
  'tssm_xl': (
    16,
    ('sharding.layout.data = 4', 'sharding.layout.model = 4'),
  ),
  's4dwm': (16,),
  's4wm': (16,),
}
"""Episodes of an update, whose chunks have to go into the chips, and lines."""

CHIPS = {1: '1x1', 4: '2x2', 16: '4x4', 64: '8x8', 256: '16x16'}
LINES = {
  'as it is': (8, ()),
  'bfloat16': (
    8,
    ('learner.whole_sequences.compute = @precision.bfloat16',),
  ),
  'blocks computed again': (8, ('s5.s5.blockwise = @stack.recomputed()',)),
  'all frames at once': (
    8,
    ('world_model.world_model.framewise = @pieces.at_once',),
  ),
  'four batches of a quarter': (2, ('optimizer.adamw.accumulate = 4',)),
}
"""Episodes of an update, and lines of gin."""

TABLES: dict[str, list[Row]] = {
  'scaling': [
    Row(shape, f'v5e:{shape}', 's5wm', 'four_rooms', chips)
    for chips, shape in CHIPS.items()
  ],
  'models': [
    Row(model, 'v5e:4x4', model, 'ten_rooms_teleport', *how)
    for model, how in MODELS.items()
  ],
  'lines': [
    Row(name, 'v5e:1x1', 's5wm', 'four_rooms', *how)
    for name, how in LINES.items()
  ],
}

COLUMNS = (
  'chips', 'batch', 'GB a chip', 'TFLOP, all chips', 'GB moved a chip',
  'MB received a chip', 'least ms', 'bound',
)  # fmt: skip


def pods(table: str, workdir: Path) -> Iterator[str]:
  """Yields the lines of a table in Markdown.

  Args:
    table: of `TABLES`.
    workdir: where run folders are; those that have a pod.json are only read.

  Raises:
    RuntimeError: a program failed; its last words are said.
  """
  yield _line(['', *COLUMNS])
  yield _line(['---'] * (1 + len(COLUMNS)))
  for row in TABLES[table]:
    folder = workdir / table / row.name.replace(' ', '_')
    report = folder / 'pod.json'
    if not report.exists():
      _compile(row, folder)
    yield _line([row.name, *cells(json.loads(report.read_text()))])


def cells(report: Mapping[str, Any]) -> list[str]:
  """Returns the columns of a `pod.json`.

  Args:
    report: what it says.
  """
  received = sum(report['bytes_exchanged_per_chip'].values())
  return [
    f'{report["chips"]}',
    ' x '.join(map(str, report['batch'])),
    f'{report["bytes_per_chip"] / 1e9:.2f}',
    f'{report["flops"] / 1e12:.1f}',
    f'{report["bytes_moved_per_chip"] / 1e9:.1f}',
    f'{received / 1e6:.0f}',
    f'{1000 * report["estimated_seconds_per_step"]:.1f}',
    report['bound'],
  ]


def command(row: Row, workdir: Path) -> list[str]:
  """Returns the arguments of `python` that make a row.

  Args:
    row: of a table.
    workdir: its run folder.
  """
  files = 'base', f'models/{row.model}', f'data/{row.data}'
  bindings = (
    f'BATCH = {row.batch}',
    f"pod.pod.topology = '{row.topology}'",
    *row.bindings,
  )
  return [
    '-m', 'experiments.launch', '--program=pod',
    *(f'--gin_file={name}.gin' for name in files),
    *(f'--gin_bindings={binding}' for binding in bindings),
    f'--workdir={workdir}',
  ]  # fmt: skip


def _compile(row: Row, folder: Path) -> None:
  done = subprocess.run(
    [sys.executable, *command(row, folder)],
    capture_output=True,
    text=True,
    check=False,
  )
  if done.returncode and not (folder / 'pod.json').exists():
    raise RuntimeError(f'pods: {row.name} failed:\n{done.stderr[-2000:]}')


def _line(parts: Sequence[str]) -> str:
  return f'| {" | ".join(parts)} |'


if __name__ == '__main__':
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--table', choices=TABLES, required=True)
  parser.add_argument('--workdir', type=Path, default=Path('runs/pods'))
  arguments = parser.parse_args()
  for line in pods(arguments.table, arguments.workdir):
    print(line, flush=True)
