"""Episodes of data sets by name, built when first loaded."""

import contextlib
import functools
import io
import operator
import os
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import logging

from datasets import catalogue, npz, recordings


class Episodes(Sequence):
  """Random access to the episodes of a split.

  An episode is a dict of arrays with RLDS names, see `docs/data.md`. Arrays may
  be read-only.

  Attributes:
    name: of the data set, with its scale.
    metadata: what `catalogue.describe` returns.
  """

  def __init__(
    self, name: str, metadata: Mapping[str, Any], source, path: str, remedy: str
  ):
    self.name = name
    self.metadata = metadata
    self._source = source
    self._path = path
    self._remedy = remedy

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
        f'read ({error}); {self._remedy}'
      ) from error

  def __repr__(self) -> str:
    return f'Episodes({self.name!r}, {len(self)} of {self._path})'


def load(
  name: str,
  split: str = 'train',
  scale: str = '',
  arguments: Mapping[str, Any] | None = None,
  data_dir: str | None = None,
  manual_dir: str | None = None,
  on_bad: Callable[[str], None] = npz.refuse,
) -> Episodes:
  """Returns the episodes of a split, built on first use.

  Args:
    name: as `catalogue.describe` takes it.
    split: 'train', 'val' or 'test', or a part of it, such as 'train[:50%]'.
    scale: '', or 'laptop' or 'smoke' for a smaller size of it.
    arguments: as `catalogue.describe` takes them.
    data_dir: where data sets lie; None for TFDS's default, the environment's
      TFDS_DATA_DIR or ~/tensorflow_datasets.
    manual_dir: files to import, for data sets that are published as files.
    on_bad: what to do about a bad file, `npz.refuse` or `npz.skip`.

  Raises:
    ValueError: no such data set or split, or a directory that cannot be used.
  """
  if catalogue.is_recorded(name):
    source, metadata = recordings.load(name, split, arguments, on_bad)
    remedy = f'look at it with `python -m datasets.inspect {name}`'
    return Episodes(name, metadata, source, name, remedy)
  builder_class, config = catalogue.find(name, scale, arguments)
  metadata = catalogue.describe(name, scale, arguments)
  base = _base(split, metadata)
  make = _maker(builder_class, config, data_dir)
  with _quiet():
    builder = make()
    builder.on_bad = on_bad
    prepared = builder.is_prepared()
  if not prepared:
    try:
      _build(builder, metadata, manual_dir)
    except OSError:
      if not builder.is_prepared():
        raise
      builder = make()  # Another process was faster.
  remedy = (
    'build the data set again with '
    f'`python -m datasets.build {metadata["name"]} --overwrite`'
  )
  try:
    source = builder.as_data_source(split=split)
  except Exception as error:
    if split != base:
      raise ValueError(
        f'load: no such part of {metadata["name"]} ({error}); got {split!r}, '
        f"need a slice such as '{base}[:50%]'; change load.split"
      ) from error
    raise ValueError(
      f'load: {metadata["name"]} in {builder.data_dir} cannot be opened '
      f'({error}); {remedy}'
    ) from error
  # Of published files there may be fewer than there are in a world.
  counts = {k: x.num_examples for k, x in builder.info.splits.items()}
  metadata['splits'] = counts
  where = str(builder.data_dir)
  return Episodes(metadata['name'], metadata, source, where, remedy)


def preview(
  name: str,
  split: str = 'test',
  count: int = 1,
  scale: str = '',
  arguments: Mapping[str, Any] | None = None,
  data_dir: str | None = None,
  on_bad: Callable[[str], None] = npz.refuse,
) -> Episodes:
  """Returns the first episodes of a split, without building the data set.

  What is on disk is read, else they are made in memory: byte for byte those
  that `load` returns, but where it is given published files.

  Args:
    name: as `catalogue.describe` takes it.
    split: 'train', 'val' or 'test'; a part of one only of what is on disk.
    count: number of episodes, at most.
    scale: as `load` takes it.
    arguments: as `catalogue.describe` takes them.
    data_dir: as `load` takes it.
    on_bad: as `load` takes it.

  Raises:
    ValueError: no such data set or split.
  """
  if catalogue.is_recorded(name):
    data = load(name, split, scale, arguments, on_bad=on_bad)
    return _first(data, data.metadata, count)
  builder_class, config = catalogue.find(name, scale, arguments)
  with _quiet():
    prepared = _maker(builder_class, config, data_dir)().is_prepared()
  if prepared:
    data = load(name, split, scale, arguments, data_dir)
    return _first(data, data.metadata, count)
  metadata = catalogue.describe(name, scale, arguments)
  if split != (base := _base(split, metadata)):
    raise ValueError(
      f'preview: {metadata["name"]} is not built, and made are the first '
      f'episodes of a split; got {split!r}, need {base!r} and a count; change '
      'preview.split and preview.count, or load it'
    )
  return _first(_Made(builder_class, config, split), metadata, count)


def _base(split, metadata):
  """Returns the split that a split is, or is a part of."""
  base, known = split.partition('[')[0], metadata['splits']
  if base not in known:
    raise ValueError(
      f'load: no such split of {metadata["name"]}; got {split!r}, need one of '
      f'{", ".join(known)}, or a part of it such as '
      f"'{next(iter(known))}[:50%]'; change load.split"
    )
  return base


class _Made(Sequence):
  """The episodes of a split, made when asked for, a batch at a time."""

  def __init__(self, builder_class, config, split):
    self._source = builder_class.made(config, split)
    self._features = builder_class.fields(config)
    self._batch = functools.lru_cache(1)(self._source.make)

  def __len__(self):
    return self._source.count

  def __getitem__(self, index):
    place = index % self._source.size
    record = self._batch(index - place)[place]
    stored = self._features.serialize_example(record)
    return self._features.deserialize_example_np(stored)


def _first(data, metadata, count):
  found = [data[index] for index in range(min(count, len(data)))]
  return Episodes(metadata['name'], metadata, found, 'memory', 'ask again')


def _maker(builder_class, config, data_dir):
  return functools.partial(
    builder_class,
    config=config.name,
    data_dir=data_dir,
    file_format='array_record',
  )


def _build(builder, metadata, manual_dir):
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
    files = tfds.download.DownloadConfig(manual_dir=manual_dir)
    with _quiet(), contextlib.redirect_stdout(io.StringIO()):
      builder.download_and_prepare(download_config=files)
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
