"""Episodes that were acted elsewhere, as a TFDS data set of their own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from datasets import shards

Split = Callable[[], tuple[shards.Make, int]]
"""`() -> (make, count)`, where `make(number)` returns a batch of records, and
how many batches there are."""


class Collected(shards.ShardedBuilder, skip_registration=True):
  """Episodes of any length, as records of `rlds.episode`.

  Args:
    about: a line on where they come from.
    fields: features of a record.
    splits: as `write` takes them.
    **arguments: of TFDS's builders.
  """

  VERSION = tfds.core.Version('1.0.0')

  def __init__(
    self,
    about: str,
    fields: tfds.features.FeaturesDict,
    splits: Mapping[str, Split],
    **arguments: Any,
  ):
    self._about, self._fields, self._given = about, fields, splits
    super().__init__(**arguments)

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
      builder=self,
      description=self._about,
      features=self._fields,
      disable_shuffling=True,
    )

  def _split_shards(self, dl_manager, most):
    del dl_manager, most
    found = {}
    for split, given in self._given.items():
      make, count = given()
      found[split] = [_shard(make, number) for number in range(count)]
    return found


def write(
  folder: Path,
  about: str,
  fields: tfds.features.FeaturesDict,
  splits: Mapping[str, Split],
) -> Path:
  """Writes a data set; returns its path, which `tfds:PATH` reads.

  It is written as a whole or not at all.

  Args:
    folder: where; the data set is `collected/1.0.0` in it.
    about: a line on where the episodes come from.
    fields: features of a record, as `rlds.features` makes them.
    splits: of the data set, by name; none is called if there is one already.

  Raises:
    ValueError: there is one already.
  """
  builder = Collected(about, fields, splits, data_dir=str(folder))
  if builder.is_prepared():
    raise ValueError(
      f'collected: there are episodes in {builder.data_dir} already; move them '
      'away, or take another --workdir'
    )
  builder.workers = 1  # What makes records uses all cores itself.
  builder.download_and_prepare(file_format='array_record')
  return Path(builder.data_dir)


def _shard(make: shards.Make, number: int) -> shards.Shard:
  return lambda: iter(enumerate(make(number)))
