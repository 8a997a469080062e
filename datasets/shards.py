"""Building by shards: each core makes and writes whole files.

A shard is a function of its number, so that what is built does not depend on
how many are built at a time, and no more than a batch of episodes for each core
is in memory. TFDS's own writer keeps a whole split there, or needs TensorFlow.
"""

import concurrent.futures
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
import tqdm
from tensorflow_datasets.core import example_serializer, file_adapters

Make = Callable[[int], list]
"""`(first) -> records` of a batch of episodes first, first + 1, and so on."""

Shard = Callable[[], Iterator[tuple[int, dict[str, Any]]]]
"""Yields the numbered records of a file."""

LARGE = 2**29
"""Bytes of a shard before it is compressed, at most, about."""

FEW = 32
"""Shards of a small split, at most; enough to keep many cores busy."""


def shards(make: Make, count: int, size: int, weight: int) -> list[Shard]:
  """Returns the shards of a split.

  Args:
    make: makes `size` records at a time; those after `count` are dropped, so
      that all batches have one shape.
    count: number of episodes.
    size: of a batch.
    weight: bytes of an episode before it is compressed.
  """
  batches = -(-count // size)
  parts = max(-(-count * weight // LARGE), min(batches, FEW))
  each = -(-batches // min(parts, batches)) * size

  def read(start):
    for first in range(start, min(start + each, count), size):
      yield from enumerate(make(first)[: count - first], first)

  return [functools.partial(read, start) for start in range(0, count, each)]


def write(
  builder: tfds.core.DatasetBuilder,
  split: str,
  shards: Sequence[Shard],
  workers: int | None = None,
) -> tfds.core.SplitInfo:
  """Writes the shards of a split, with a progress bar.

  Args:
    builder: whose features and file format they have.
    split: its name.
    shards: in order.
    workers: shards written at a time; None for one on each core.

  Returns:
    What TFDS keeps of the split.
  """
  features = builder.info.features
  serializer = example_serializer.ExampleSerializer(
    features.get_serialized_info()
  )
  files = builder._get_filename_template(split)
  adapter = file_adapters.ADAPTER_FOR_FORMAT[builder.info.file_format]
  label = f'{builder.info.full_name} {split}'

  def one(number):
    path = files.sharded_filepath(shard_index=number, num_shards=len(shards))
    lengths = []

    def serialized():
      for key, record in shards[number]():
        encoded = features.encode_example(record)
        yield key, serializer.serialize_example(encoded)
        lengths.append(key)

    adapter.write_examples(path, serialized())
    return len(lengths), path.stat().length

  workers = workers or len(os.sched_getaffinity(0))
  pool = concurrent.futures.ThreadPoolExecutor(workers)
  bar = tqdm.tqdm(
    total=len(shards), desc=label, unit=' shards', mininterval=0.5
  )
  with pool, bar:
    try:
      coming = [pool.submit(one, number) for number in range(len(shards))]
      for done in concurrent.futures.as_completed(coming):
        done.result()
        bar.update()
    except BaseException:
      pool.shutdown(cancel_futures=True)
      raise
  lengths, sizes = np.transpose([done.result() for done in coming]).tolist()
  return tfds.core.SplitInfo(
    name=split,
    shard_lengths=lengths,
    num_bytes=sum(sizes),
    filename_template=files,
  )


class ShardedBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):
  """A TFDS builder that is built by shards.

  Attributes:
    workers: shards made at a time; None for one on each core.
  """

  workers: int | None = None

  def _split_shards(self, dl_manager, most) -> Mapping[str, Sequence[Shard]]:
    """Returns the shards of each split, of at most `most` episodes if given."""
    raise NotImplementedError

  def _shard_iterators_per_split(self, dl_manager):
    return self._split_shards(dl_manager, None)

  def _download_and_prepare(self, dl_manager, download_config=None):
    most = download_config and download_config.max_examples_per_split
    start = time.monotonic()
    found = [
      write(self, split, parts, self.workers)
      for split, parts in self._split_shards(dl_manager, most).items()
    ]
    self.info.set_splits(tfds.core.SplitDict(found))
    print(
      f'{self.info.full_name}: '
      f'{self.info.splits.total_num_examples:,} episodes, '
      f'{sum(split.num_bytes for split in found) / 1e6:,.1f} MB, built in '
      f'{time.monotonic() - start:,.0f} s',
      file=sys.stderr,
    )
