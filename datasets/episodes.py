"""Data sets by name: described without building, built when first loaded."""

import contextlib
import functools
import importlib
import io
import operator
import os
import pathlib
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from absl import logging

SCALES = ('', 'laptop', 'smoke')


class Episodes(Sequence):
  """Random access to the episodes of a split.

  An episode is a dict of arrays with RLDS names, see `docs/data.md`. Arrays may
  be read-only.

  Attributes:
    name: of the data set, with its scale.
    metadata: what `describe` returns.
  """

  def __init__(self, name: str, metadata: Mapping[str, Any], source, path: str):
    self.name = name
    self.metadata = metadata
    self._source = source
    self._path = path

  def __len__(self) -> int:
    return len(self._source)

  def __getitem__(self, index: int) -> dict[str, Any]:
    at = operator.index(index)
    at += len(self) if at < 0 else 0
    if not 0 <= at < len(self):
      raise IndexError(
        f'Episodes: no such episode; got {index}, need -{len(self)} to '
        f'{len(self) - 1} in {self.name}'
      )
    try:
      return self._source[at]
    except Exception as error:
      raise ValueError(
        f'Episodes: episode {at} of {self.name} in {self._path} cannot be '
        f'read ({error}); build the data set again with '
        f'`python -m datasets.build {self.name} --overwrite`'
      ) from error

  def __repr__(self) -> str:
    return f'Episodes({self.name!r}, {len(self)} of {self._path})'


def names() -> list[str]:
  """Returns all data sets, as `builder/config`."""
  return [
    f'{builder.name}/{config.name}'
    for builder in _builders().values()
    for config in builder.BUILDER_CONFIGS
  ]


def describe(name: str, scale: str = '') -> dict[str, Any]:
  """Returns what a data set is like, without building it.

  Args:
    name: `builder/config`.
    scale: '', or 'laptop' or 'smoke' for a smaller size of it.

  Returns:
    name, num_actions, context, query (frames), frame (H, W, C), length
    (frames of an episode), splits (number of episodes by name) and seed.

  Raises:
    ValueError: there is no such data set.
  """
  builder, config = _find(name, scale)
  return {'name': f'{builder.name}/{config.name}'} | config.facts


def load(
  name: str,
  split: str = 'train',
  scale: str = '',
  data_dir: str | None = None,
) -> Episodes:
  """Returns the episodes of a split, built on first use.

  Args:
    name: `builder/config`, such as 'rooms/four_rooms'.
    split: 'train', 'val' or 'test', or a part of it, such as 'train[:50%]'.
    scale: '', or 'laptop' or 'smoke' for a smaller size of it.
    data_dir: where data sets lie; None for TFDS's default, the environment's
      TFDS_DATA_DIR or ~/tensorflow_datasets.

  Raises:
    ValueError: no such data set or split, or a directory that cannot be used.
  """
  builder_class, config = _find(name, scale)
  metadata = describe(name, scale)
  base, _, rest = split.partition('[')
  if base not in config.episodes:
    raise ValueError(
      f'load: no such split of {metadata["name"]}; got {split!r}, need one of '
      f'{", ".join(config.episodes)}, or a part of it such as '
      f"'{next(iter(config.episodes))}[:50%]'; change load.split"
    )
  make = functools.partial(
    builder_class,
    config=config.name,
    data_dir=data_dir,
    file_format='array_record',
  )
  with _quiet():
    builder = make()
    prepared = builder.is_prepared()
  if not prepared:
    try:
      _build(builder, metadata)
    except OSError:
      if not builder.is_prepared():
        raise
      builder = make()  # Another process was faster.
  try:
    source = builder.as_data_source(split=split)
  except Exception as error:
    if rest:
      raise ValueError(
        f'load: no such part of {metadata["name"]} ({error}); got {split!r}, '
        f"need a slice such as '{base}[:50%]'; change load.split"
      ) from error
    raise ValueError(
      f'load: {metadata["name"]} in {builder.data_dir} cannot be opened '
      f'({error}); build the data set again with '
      f'`python -m datasets.build {metadata["name"]} --overwrite`'
    ) from error
  return Episodes(metadata['name'], metadata, source, str(builder.data_dir))


def _build(builder, metadata):
  import tensorflow_datasets as tfds

  path = pathlib.Path(builder.data_dir)
  try:
    path.parent.mkdir(parents=True, exist_ok=True)
    writable = os.access(path.parent, os.W_OK)
  except OSError:
    writable = False
  if not writable:
    raise ValueError(
      f'load: cannot write {metadata["name"]}; got {path.parent}, need a '
      'directory that can be written; change load.data_dir or TFDS_DATA_DIR'
    )
  episodes = ', '.join(f'{n} {k}' for k, n in metadata['splits'].items())
  print(
    f'Building {metadata["name"]} ({episodes} episodes) in {path}',
    file=sys.stderr,
  )
  tfds.disable_progress_bar()  # The builder draws one bar per split.
  try:
    with _quiet(), contextlib.redirect_stdout(io.StringIO()):
      builder.download_and_prepare()
  finally:
    tfds.enable_progress_bar()


@contextlib.contextmanager
def _quiet():
  """Silences warnings, such as that of a folder not yet filled."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(logging.ERROR)
  try:
    yield
  finally:
    logging.set_verbosity(verbosity)


def _find(name, scale):
  """Returns the builder class and the configuration of a name."""
  if scale not in SCALES:
    raise ValueError(
      f'load: no such scale; got {scale!r}, need one of '
      f'{", ".join(map(repr, SCALES))}; change load.scale'
    )
  full = f'{name}_{scale}' if scale else name
  builder, _, config = full.partition('/')
  found = _builders().get(builder)
  configs = found.builder_configs if found else {}
  if config not in configs:
    raise ValueError(
      f'load: no such data set; got {full!r}, need one of '
      f'{", ".join(names())}; change load.name'
    )
  return found, configs[config]


def _builders():
  """Returns the builder classes of this package's modules by name."""
  import tensorflow_datasets as tfds

  found = {}
  for module in pkgutil.iter_modules([str(pathlib.Path(__file__).parent)]):
    if module.ispkg:
      continue
    module = importlib.import_module(f'datasets.{module.name}')
    for member in vars(module).values():
      if isinstance(member, type) and issubclass(
        member, tfds.core.GeneratorBasedBuilder
      ):
        found[member.name] = member
  return found
