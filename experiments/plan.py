"""The plan of the face-off: which tables there are, and the runs of each.

A run is a folder `TABLE/MODEL_seedSEED` and the commands that fill it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

SCALES = ('laptop', 'paper', 'smoke')
PAPERS = ('s4wm', 's5wm', 'tssm_xl', 'rssm_tbtt')
"""The models that the paper compares."""

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


class Table(NamedTuple):
  """Runs that belong together.

  Attributes:
    data: a file of configs/data.
    models: files of configs/models, and how many minutes a run of each takes.
    after: the table that runs start from at laptop scale, a stage of a
      curriculum.
    recipe: a file of configs with what laptop.gin leaves open.
    then: a program to run after training.
    stage: whether it is but a stage on the way to another, at laptop scale.
    once: models, or other names, that one seed is enough of.
  """

  data: str
  models: Mapping[str, float]
  after: str | None = None
  recipe: str | None = None
  then: str | None = None
  stage: bool = False
  once: Sequence[str] = ()


def _each(models: Sequence[str], minutes: float) -> dict[str, float]:
  return dict.fromkeys(models, minutes)


_HALLWAY = (*PAPERS, 'tssm_full')

TABLES = {
  'hallway_10': Table(
    'distracting_memory_100',
    _each(_HALLWAY, 3.5),
    recipe='face_off/hallway_10',
    stage=True,
    once=['tssm_full'],
  ),
  'hallway_30': Table(
    'distracting_memory_100',
    _each(_HALLWAY, 4.5),
    after='hallway_10',
    recipe='face_off/hallway_30',
    stage=True,
    once=['tssm_full'],
  ),
  'hallway_100': Table(
    'distracting_memory_100',
    _each(_HALLWAY, 11.5),
    after='hallway_30',
    recipe='face_off/hallway_100',
    once=['tssm_full'],
  ),
  'hallway_200': Table(
    'distracting_memory_200',
    _each(PAPERS, 9),
    after='hallway_100',
    recipe='face_off/hallway_200',
  ),
  'rooms': Table(
    'four_rooms',
    _each(PAPERS, 10.5),
    recipe='face_off/rooms',
    then='extrapolate',
  ),
  'teleport': Table(
    'four_rooms_teleport',
    _each(PAPERS, 10.5),
    after='rooms',
    recipe='face_off/rooms',
    once=['s5wm'],
  ),
  'doors_3': Table(
    'multi_doors_keys_3',
    _each(PAPERS, 8.5),
    recipe='face_off/doors_3',
    once=['s5wm'],
  ),
  'doors_7': Table(
    'multi_doors_keys_7',
    _each(PAPERS, 8.5),
    after='doors_3',
    recipe='face_off/doors_7',
    once=['s5wm'],
  ),
  'maze': Table(
    'memory_maze_9x9',
    _each(PAPERS, 10) | {'oracle': 4},
    recipe='face_off/maze',
    then='probe',
    once=[*PAPERS, 'oracle'],
  ),
  'stochastic': Table(
    'multi_doors_keys_3',
    _each(('s5wm', 'rssm_tbtt'), 8.5),
    recipe='face_off/stochastic',
    once=['s5wm', 'rssm_tbtt'],
  ),
  'speed': Table(
    'four_rooms', {'all': 10}, recipe='face_off/speed', once=['all']
  ),
  'control_hallway': Table(
    'distracting_memory_100',
    _each(PAPERS, 15),
    recipe='control/hallway',
    then='control',
  ),
  'control_hallway_30': Table(
    'distracting_memory_100',
    _each(PAPERS, 20),
    after='hallway_30',
    recipe='control/hallway_30',
    then='control',
    once=PAPERS,
  ),
  'control_doors': Table(
    'multi_doors_keys_3',
    _each(PAPERS, 20),
    recipe='control/doors',
    then='control',
    once=PAPERS,
  ),
  'control_maze': Table(
    'memory_maze_9x9',
    _each(PAPERS, 20),
    recipe='control/maze',
    then='control',
    once=PAPERS,
  ),
  'control_pendulum': Table(
    'inverted_pendulum',
    _each(PAPERS, 6),
    recipe='control/pendulum',
    then='control',
    once=PAPERS,
  ),
}

COMPARISON = tuple(name for name in TABLES if not name.startswith('control'))
"""The tables of the comparison; the others are run if they are named."""

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
    ValueError: there is no such table.
  """
  unknown = set(tables) - set(TABLES)
  if unknown:
    raise ValueError(
      f'face_off: no table {", ".join(sorted(unknown))}; there are '
      f'{", ".join(TABLES)}; change --tables'
    )
  for seed in range(seeds):
    needed = _needed(tables, seed, scale)
    for name, table in TABLES.items():
      left_out = table.stage and scale != 'laptop'
      for model in table.models:
        if model in needed.get(name, ()) and not left_out:
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
