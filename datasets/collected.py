"""Episodes that were acted elsewhere, as a TFDS data set of their own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from datasets import rlds, shards

Split = Callable[[], tuple[shards.Make, int]]
"""`() -> (make, count)`, where `make(number)` returns a batch of records, and
how many batches there are."""


class Collected(shards.ShardedBuilder, skip_registration=True):
  """Episodes of any length, as records of `rlds.record`.

  Args:
    about: a line on where they come from.
    frame: (H, W, C) of all of them.
    splits: as `write` takes them.
    **arguments: of TFDS's builders.
  """

  VERSION = tfds.core.Version('1.0.0')

  def __init__(
    self,
    about: str,
    frame: tuple[int, int, int],
    splits: Mapping[str, Split],
    **arguments: Any,
  ):
    self._about, self._frame, self._given = about, frame, splits
    super().__init__(**arguments)

  def _info(self) -> tfds.core.DatasetInfo:
    return tfds.core.DatasetInfo(
      builder=self,
      description=self._about,
      features=rlds.features(None, self._frame, {}),
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
  frame: tuple[int, int, int],
  splits: Mapping[str, Split],
) -> Path:
  """Writes a data set; returns its path, which `tfds:PATH` reads.

  It is written as a whole or not at all.

  Args:
    folder: where; the data set is `collected/1.0.0` in it.
    about: a line on where the episodes come from.
    frame: (H, W, C) of all of them.
    splits: of the data set, by name; none is called if there is one already.

  Raises:
    ValueError: there is one already.
  """
  builder = Collected(about, frame, splits, data_dir=str(folder))
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
