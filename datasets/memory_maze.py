"""TFDS builder of Memory Maze: the real one, given or played, and ours."""

import pathlib
from typing import NamedTuple

import tensorflow_datasets as tfds

from datasets import builder, maze_files, npz, processes, rlds
from datasets.worlds import chart as charts
from datasets.worlds import maze_plan

EPISODES = {
  'laptop': {'train': 2048, 'val': 64, 'test': 64},
  'smoke': {'train': 8, 'val': 4, 'test': 4},
  '': {'train': 28000, 'val': 1000, 'test': 1000},
}
"""Number of episodes by the last word of a configuration's name."""

PLAYED = EPISODES | {'laptop': {'train': 256, 'val': 32, 'test': 32}}
"""The same for the real environment, which is slow."""

RENDERED = 256
"""Frames of our maze rendered by one call."""


class Real(NamedTuple):
  """The environment of the package `memory_maze`.

  Attributes:
    cells: N, of N x N cells.
    targets: O, their number.
    context: frames seen before imagining.
    query: frames to imagine.
  """

  cells: int
  targets: int
  context: int
  query: int

  @property
  def actions(self) -> tuple[str, ...]:
    """Names of the actions."""
    return maze_files.ACTIONS

  @property
  def frame(self) -> tuple[int, int, int]:
    """(H, W, C)."""
    return maze_files.SIDE, maze_files.SIDE, 3


def _configs():
  """Returns the variants: the real environment's, then ours."""
  sizes = {'': (501, 500), 'laptop': (126, 125), 'smoke': (13, 12)}
  found = []
  for cells, targets in ((9, 3), (15, 6)):
    for scale, (context, query) in sizes.items():
      world = Real(cells, targets, context, query)
      name = f'{cells}x{cells}' + f'_{scale}' * bool(scale)
      found.append(_config(name, world, 'Memory Maze', PLAYED))
  for name, world in maze_plan.MAZES.items():
    found.append(_config(name, world, 'A maze like Memory Maze', EPISODES))
  return found


def _config(name, world, what, episodes):
  return rlds.config(
    name,
    f'{what}, {world.cells}x{world.cells} cells, {world.context} | '
    f'{world.query} steps of context | query.',
    world,
    episodes,
  )


class MemoryMaze(builder.Builder):
  """Memory Maze."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First release.'}
  BUILDER_CONFIGS = _configs()
  ARGUMENTS = (*builder.Builder.ARGUMENTS, 'seek', 'stray')
  DESCRIPTION = """
First-person walks through random mazes with coloured domes. The border of the
frame has the colour of the dome to be found; who reaches it is rewarded, and
another colour is next. Wall layout, dome positions and one's own position have
to be remembered. A script walks to random places under action noise, so that
rewards are rare: data for probing, not of a good player.
`9x9` and `15x15` are the real ones: the data published with the environment,
if their folder is given, else episodes played in the environment itself, if the
package is installed, by a script of this project, for that of the published
data was not released. `jax_9x9` and `jax_15x15` are this project's own maze,
like it but fast, which needs neither (`datasets/worlds/maze.py`).
Configurations ending in `_laptop` and `_smoke` are smaller than the paper's;
of published files they take the first frames.
"""
  MANUAL_DOWNLOAD_INSTRUCTIONS = """
The folder holds train/*.npz and eval/*.npz, one episode each, as published by
https://github.com/jurgisp/memory-maze; or *.npz of which the last become val
and test. Only `9x9` and `15x15`, and their smaller sizes, read it.
"""

  @staticmethod
  def oracle(config):
    """Returns the features of the maze's hidden state."""
    world = config.world
    return maze_files.oracle(config.length, world.cells, world.targets)

  @classmethod
  def variant(cls, config, arguments):
    """Returns a variant of our maze; the real one has no arguments.

    Raises:
      ValueError: arguments of the real one, or as `Builder.variant` says.
    """
    if arguments and isinstance(config.world, Real):
      raise ValueError(
        f'load: {config.name} has no arguments; got {dict(arguments)}, need a '
        f'maze of this project, such as jax_{config.name}; change '
        'load.arguments'
      )
    return super().variant(config, arguments)

  @staticmethod
  def maker(config, split, size):
    """Returns `(first) -> records`, as `Builder.maker` says."""
    if isinstance(config.world, Real):
      return _player(config, split, size)
    from datasets.worlds import maze_film

    shoot = maze_film.camera(config.world, RENDERED)
    keys = builder.keys(config, split, size)

    return lambda first: [rlds.record(**take) for take in shoot(keys(first))]

  @classmethod
  def made(cls, config, split):
    """Returns the source of a split.

    The real environment plays one episode at a time, so that all cores do.
    """
    if isinstance(config.world, Real):
      count = config.episodes[split]
      return builder.Source(cls.maker(config, split, 1), count, 1)
    return super().made(config, split)

  @staticmethod
  def environment(config):
    """Returns our maze as a brax environment.

    Raises:
      ValueError: the real one, which is none.
    """
    if isinstance(config.world, Real):
      raise ValueError(
        f"environment: {config.name} is MuJoCo's, not one of brax; need "
        f'jax_{config.name}, or third_party.memory_maze; change '
        'environment.name'
      )
    from datasets.worlds import maze

    return maze.MemoryMaze(config.world)

  @staticmethod
  def visible(config, episode):
    """Returns which cells are in view, bool [T, S]."""
    del config
    from datasets.worlds import maze_chart

    return maze_chart.visible(episode['oracle'])

  @staticmethod
  def chart(config, episode) -> charts.Chart:
    """Returns the maze from above, with what was seen of it."""
    from datasets.worlds import maze_chart

    return maze_chart.chart(episode)

  def sources(self, dl_manager):
    """Returns files that are given to the real one, or else what is made."""
    config = self.builder_config
    if isinstance(config.world, Real) and (folder := _folder(dl_manager)):
      return _imports(config, folder, self.on_bad)
    return super().sources(dl_manager)


def _player(config, split, size):
  """Returns `(first) -> records` played in the real environment."""
  from third_party import memory_maze

  try:
    memory_maze.require()
  except ValueError as error:
    raise ValueError(
      f'{error}; or give the published files, by `python -m datasets.build '
      f'memory_maze/{config.name} --manual_dir=FOLDER` or load.manual_dir'
    ) from error
  play = processes.apart('third_party.memory_maze', 'record')
  cells, part = config.world.cells, rlds.SPLITS.index(split)

  def make(first):
    return [
      maze_files.record(
        play(f'{cells}x{cells}', (config.seed, part, index), config.length),
        config.length,
      )
      for index in range(first, first + size)
    ]

  return make


def _imports(config, folder, on_bad):
  """Returns the sources of files; all are looked at before any is used."""
  world, length = config.world, config.length
  schema = maze_files.schema(length, world.cells, world.targets)
  found = {}
  for split, files in maze_files.splits(folder, config.episodes).items():
    good = npz.usable(files, schema, on_bad, f'Checking {split}')
    if not good:
      raise ValueError(
        f'memory_maze: no good files for {split}; got {folder}, need '
        f'episodes of {world.cells}x{world.cells} cells; change load.manual_dir'
      )
    read = _reader(good, schema, length)
    found[split] = builder.Source(read, len(good), 1)
  return found


def _reader(files, schema, length):
  """Returns `(first) -> records` of files, one at a time."""
  return lambda first: [
    maze_files.record(npz.read(files[first], schema), length)
  ]


def _folder(dl_manager):
  """Returns TFDS's folder of files given by hand, None where none is given.

  TFDS has a folder for all data sets where the user names none; that one counts
  only where it has files of ours.
  """
  shared = pathlib.Path(dl_manager.download_dir) / 'manual'
  try:
    folder = pathlib.Path(dl_manager.manual_dir)
  except AssertionError as error:
    named = dl_manager._manual_dir
    if named and pathlib.Path(named) != shared:
      raise ValueError(
        f'memory_maze: {named} is empty or no folder; need one of NPZ files; '
        'change load.manual_dir'
      ) from error
    return None
  found = any(folder.glob('*.npz')) or any(folder.glob('*/*.npz'))
  return folder if found or folder != shared else None
