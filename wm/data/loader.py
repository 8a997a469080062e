"""Batches for training, as a pure function of the step."""

from collections.abc import Iterator, Sequence

import grain
import numpy as np

from wm.data import batch as batching
from wm.types import Batch, Loader


def whole_episodes(
  episodes: Sequence[batching.Episode],
  num_actions: int,
  *,
  batch: int,
  seed: int,
) -> Loader:
  """Returns a loader of whole episodes in a new order each epoch.

  Every row starts where its episode starts, so `is_first` is left out: a
  backbone knows statically that no episode starts inside and that the past of
  the batch is empty.

  Args:
    episodes: Random access to episodes of one length.
    num_actions: A.
    batch: B, episodes in a batch.
    seed: Of the order.

  Raises:
    ValueError: If there are fewer episodes than a batch needs.
  """
  _check_batch(batch, len(episodes))
  rows = (
    grain.MapDataset.source(episodes)
    .seed(seed)
    .shuffle()
    .repeat(None)
    .map(lambda episode: batching.align(episode, num_actions))
    .map(_without_starts)
  )

  def loader(step: int) -> Batch:
    chosen = [rows[step * batch + i] for i in range(batch)]
    return {name: np.stack([r[name] for r in chosen]) for name in chosen[0]}

  return loader


def in_order(
  episodes: Sequence[batching.Episode],
  num_actions: int,
  *,
  batch: int,
  count: int,
) -> Iterator[Batch]:
  """Yields the first `count` episodes once, `batch` at a time.

  A last batch that is not full is filled up with copies whose mask is 0.
  """
  for start in range(0, count, batch):
    index = range(start, min(start + batch, count))
    rows = [batching.align(episodes[i], num_actions) for i in index]
    for _ in range(batch - len(rows)):
      rows.append({**rows[-1], 'mask': np.zeros_like(rows[-1]['mask'])})
    rows = [_without_starts(row) for row in rows]
    yield {name: np.stack([r[name] for r in rows]) for name in rows[0]}


def prefetch(loader: Loader, start: int, ahead: int = 2) -> Iterator[Batch]:
  """Yields the batches of step `start`, `start + 1`, ... made in threads."""
  steps = grain.MapDataset.range(2**62).map(loader)
  options = grain.ReadOptions(num_threads=ahead, prefetch_buffer_size=ahead)
  batches = iter(steps.to_iter_dataset(options))
  batches.set_state({'next_index': start})
  return batches


def _check_batch(batch: int, available: int) -> None:
  if not 0 < batch <= available:
    raise ValueError(
      f'loader: a batch needs episodes; got batch={batch} with {available} '
      f'episodes, need 1 to {available}; change the gin macro BATCH or the '
      'data set'
    )


def _without_starts(row: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  return {name: x for name, x in row.items() if name != 'is_first'}
