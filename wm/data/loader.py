"""Batches for training, as a pure function of the step."""

import functools
from collections.abc import Callable, Iterator, Sequence

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
  rows = _shuffled(episodes, num_actions, seed).map(_without_starts)

  def loader(step: int, some: Sequence[int] | None = None) -> Batch:
    some = range(batch) if some is None else some
    return _stack([rows[step * batch + i] for i in some])

  return loader


def episode_chunks(
  episodes: Sequence[batching.Episode],
  num_actions: int,
  *,
  batch: int,
  chunk: int,
  seed: int,
  multiple: int = 1,
) -> Loader:
  """Returns a loader of chunks, in which each row walks through episodes.

  A row takes up in one batch where it ended in the last, through whole episodes
  in order, so that a memory can be carried along; `is_first` says where the
  next episode starts inside a chunk. A batch has as many frames as `batch`
  whole episodes, in rows that lie evenly apart in time: updates of all loaders
  see equally much. The first episode of a row is entered in its midst. One
  decoded episode per row stays in memory (2 GB for 166 rows of 1001 frames of
  64x64).

  Args:
    episodes: Random access to episodes of one length.
    num_actions: A.
    batch: Frames of a batch, in episodes.
    chunk: T, steps of a batch.
    seed: Of the order.
    multiple: Of what the rows are, rounded down: of the devices that share
      them.

  Raises:
    ValueError: If there are fewer episodes than a batch needs, if a chunk is
      longer than an episode, if a batch has no row, or if episodes differ in
      length.
  """
  _check_batch(batch, len(episodes))
  length = len(episodes[0]['action'])
  if not 0 < chunk <= length:
    raise ValueError(
      f'loader: a chunk must fit into an episode; got chunk={chunk} with '
      f'episodes of {length} steps, need 1 to {length}; change '
      'loader.episode_chunks.chunk'
    )
  rows = batch * length // chunk // max(1, multiple) * multiple
  if rows < 1:
    raise ValueError(
      f'loader: a batch needs rows; {batch} episodes of {length} steps are '
      f'{batch * length // chunk} chunks, got multiple={multiple}; change '
      'loader.episode_chunks.multiple, or the gin macro BATCH'
    )
  shuffled = _shuffled(episodes, num_actions, seed)
  straddling = rows * chunk // length + 1
  episode = functools.lru_cache(rows + 2 * straddling)(shuffled.__getitem__)

  def pieces(row: int, start: int) -> Iterator[batching.Episode]:
    end = start + chunk
    while start < end:
      number, offset = divmod(start, length)
      stop = min(length, offset + end - start)
      whole = episode(number * rows + row)
      if len(whole['mask']) != length:
        raise _unequal(len(whole['mask']), length)
      yield {name: x[offset:stop] for name, x in whole.items()}
      start += stop - offset

  def loader(step: int, some: Sequence[int] | None = None) -> Batch:
    walks = [
      list(pieces(row, step * chunk + row * length // rows))
      for row in (range(rows) if some is None else some)
    ]
    return _stack([
      {name: np.concatenate([p[name] for p in walk]) for name in walk[0]}
      for walk in walks
    ])

  return loader


def in_order(
  episodes: Sequence[batching.Episode],
  num_actions: int,
  *,
  batch: int,
  count: int,
  fields: Callable[[batching.Episode], batching.Episode] = lambda episode: {},
) -> Iterator[Batch]:
  """Yields the first `count` episodes once, `batch` at a time.

  A last batch that is not full is filled up with copies whose mask is 0.

  Args:
    episodes: Random access to episodes of one length.
    num_actions: A.
    batch: B, episodes in a batch.
    count: How many in all.
    fields: `(episode) -> {name: [T, ...]}`, further fields of the batches.
  """

  def row(episode: batching.Episode) -> batching.Episode:
    return batching.align(episode, num_actions) | dict(fields(episode))

  for start in range(0, count, batch):
    index = range(start, min(start + batch, count))
    rows = [row(episodes[i]) for i in index]
    for _ in range(batch - len(rows)):
      rows.append({**rows[-1], 'mask': np.zeros_like(rows[-1]['mask'])})
    rows = [_without_starts(row) for row in rows]
    yield _stack(rows)


def prefetch(loader: Loader, start: int, ahead: int = 2) -> Iterator[Batch]:
  """Yields the batches of step `start`, `start + 1`, ... made in threads."""
  steps = grain.MapDataset.range(2**62).map(loader)
  options = grain.ReadOptions(num_threads=ahead, prefetch_buffer_size=ahead)
  batches = iter(steps.to_iter_dataset(options))
  batches.set_state({'next_index': start})
  return batches


def _shuffled(
  episodes: Sequence[batching.Episode], num_actions: int, seed: int
) -> grain.MapDataset:
  """Aligned episodes without end, in a new order each epoch."""
  return (
    grain.MapDataset.source(episodes)
    .seed(seed)
    .shuffle()
    .repeat(None)
    .map(lambda episode: batching.align(episode, num_actions))
  )


def _stack(rows: Sequence[batching.Episode]) -> Batch:
  lengths = sorted({len(row['prev_action']) for row in rows})
  if len(lengths) > 1:
    raise _unequal(lengths[0], lengths[-1])
  return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _unequal(one: int, other: int) -> ValueError:
  return ValueError(
    f'loader: episodes must be of one length; got {one} and {other} steps; '
    'rebuild the data set'
  )


def _check_batch(batch: int, available: int) -> None:
  if not 0 < batch <= available:
    raise ValueError(
      f'loader: a batch needs episodes; got batch={batch} with {available} '
      f'episodes, need 1 to {available}; change the gin macro BATCH or the '
      'data set'
    )


def _without_starts(row: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  inside = np.flatnonzero(row['is_first'][1:])
  if inside.size:
    raise ValueError(
      'loader: whole episodes start at their first frame; got one that starts '
      f'anew at step {inside[0] + 1}; split it, or change the gin macro LOADER '
      'to @loader.episode_chunks'
    )
  return {name: x for name, x in row.items() if name != 'is_first'}
