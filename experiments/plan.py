"""The plan of the face-off: the runs of its tables.

A run is a folder `TABLE/MODEL_seedSEED` and the commands that fill it.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from experiments.questions import TABLES

Command = tuple[str, ...]


class Run(NamedTuple):
  """One run folder and what fills it.

  Attributes:
    table: the table that it belongs to.
    model: a file of configs/models, or another name of what is run.
    seed: of parameters, data order and draws.
    minutes: how long it takes at laptop scale on a CPU core.
    after: the name of the run that it starts from, or None.
    commands: `(root) -> commands`, arguments of `python -m`.
    product: the file that its last command writes at its end.
  """

  table: str
  model: str
  seed: int
  minutes: float
  after: str | None
  commands: Callable[[Path], list[Command]]
  product: str

  @property
  def name(self) -> str:
    """The folder, below the root of all."""
    return _name(self.table, self.model, self.seed)


_PRODUCTS = {
  'train': 'evaluation/metrics.json',
  'extrapolate': 'extrapolation/metrics.json',
  'probe': 'probe/metrics.json',
  'control': 'control/metrics.json',
  'oracle': 'probe/metrics.json',
  'speed': 'speed.md',
}
"""The file that a program writes at its end."""

_OTHERS = {'oracle': ('oracle', 's5wm'), 'all': ('speed', 's4wm')}
"""The program of a run that is not of one model, and a model for its file."""


def runs(
  tables: Sequence[str], seeds: int, scale: str = 'laptop'
) -> Iterator[Run]:
  """Yields the runs of tables, each after the one that it starts from.

  Seeds come one after another, so that a queue that is stopped early has all
  of a table for the first seeds.

  Args:
    tables: names of `TABLES`; runs that theirs start from are added.
    seeds: how many, from 0.
    scale: of `SCALES`.

  Raises:
    ValueError: there is no such table, or not at this scale.
  """
  unknown = set(tables) - set(TABLES)
  if unknown:
    raise ValueError(
      f'face_off: no table {", ".join(sorted(unknown))}; there are '
      f'{", ".join(TABLES)}; change --tables'
    )
  absent = [name for name in tables if scale not in TABLES[name].scales]
  if absent:
    raise ValueError(
      f'face_off: no table {", ".join(absent)} at {scale} scale; there are '
      f'{", ".join(n for n in TABLES if scale in TABLES[n].scales)}; change '
      '--tables or --scale'
    )
  for seed in range(seeds):
    needed = _needed(tables, seed, scale)
    for name, table in TABLES.items():
      for model in table.models:
        if model in needed.get(name, ()):
          yield _run(name, model, seed, scale)


def is_done(root: Path, run: Run) -> bool:
  """Returns whether all of a run is there.

  Args:
    root: where run folders are.
    run: one of them.
  """
  return (root / run.name / run.product).is_file()


def _needed(tables, seed, scale):
  """The models of each table that runs with a seed."""
  needed = {}
  for name in tables:
    once = TABLES[name].once if seed else ()
    needed[name] = set(TABLES[name].models) - set(once)
  for name in reversed(TABLES) if scale == 'laptop' else ():
    after = TABLES[name].after
    if after and name in needed:
      needed.setdefault(after, set()).update(needed[name])
  return needed


def _name(table: str, model: str, seed: int) -> str:
  return f'{table}/{model}_seed{seed}'


def _run(name: str, model: str, seed: int, scale: str) -> Run:
  table = TABLES[name]
  program, config = _OTHERS.get(model, ('train', model))
  then = table.then if program == 'train' else None
  laptop = scale == 'laptop'
  after = _name(table.after, model, seed) if table.after and laptop else None
  files = ['base.gin', f'models/{config}.gin', f'data/{table.data}.gin']
  files += [f'{table.question}.gin'] if table.question else []
  files += [f'{scale}.gin'] if scale != 'paper' else []
  files += [f'{table.recipe}.gin'] if table.recipe and laptop else []

  def commands(root: Path) -> list[Command]:
    bindings = [f'SEED = {seed}']
    if after:
      bindings += [
        'train.train.start = @checkpoint.parameters()',
        f"checkpoint.parameters.folder = '{root / after}'",
      ]
    given = (
      *(f'--gin_file={file}' for file in files),
      *(f'--gin_bindings={binding}' for binding in bindings),
      f'--workdir={root / _name(name, model, seed)}',
    )
    return [
      ('experiments.launch', f'--program={each}', *given)
      for each in (program, then)
      if each
    ]

  return Run(
    name,
    model,
    seed,
    table.models[model],
    after,
    commands,
    _PRODUCTS[then or program],
  )
