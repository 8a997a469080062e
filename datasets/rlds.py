"""What all data sets here share: the fields of a record, and how it is made.

A record is a whole episode of T frames with RLDS names, stacked over time.
Vectors are stored as bytes and frames by zlib: neither building nor reading
needs TensorFlow.
"""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
import tqdm

SPLITS = ('train', 'val', 'test')


@dataclasses.dataclass
class Config(tfds.core.BuilderConfig):
  """One variant of a data set.

  Attributes:
    world: what the simulator is made from.
    num_actions: actions are integers below it.
    context: frames seen before imagining.
    query: frames to imagine.
    frame: (H, W, C).
    episodes: number of episodes of each split.
    seed: of all splits.
  """

  world: Any = None
  num_actions: int = 0
  context: int = 0
  query: int = 0
  frame: tuple[int, int, int] = (0, 0, 0)
  episodes: Mapping[str, int] = dataclasses.field(default_factory=dict)
  seed: int = 0

  @property
  def length(self) -> int:
    """Frames of an episode."""
    return self.context + self.query

  @property
  def facts(self) -> dict[str, Any]:
    """What `datasets.describe` returns, but for the name."""
    return {
      'num_actions': self.num_actions,
      'context': self.context,
      'query': self.query,
      'frame': tuple(self.frame),
      'length': self.length,
      'splits': dict(self.episodes),
      'seed': self.seed,
    }


def array(shape: tuple[int, ...], dtype: Any) -> tfds.features.Tensor:
  """Returns a feature; big ones are compressed."""
  encoding = 'zlib' if len(shape) > 1 else 'bytes'
  return tfds.features.Tensor(shape=shape, dtype=dtype, encoding=encoding)


def features(config: Config, oracle: Mapping) -> tfds.features.FeaturesDict:
  """Returns the fields of a record.

  Args:
    config: the variant.
    oracle: features of the world's hidden state.
  """
  time = (config.length,)
  return tfds.features.FeaturesDict(
    {
      'observation': {'image': array(time + tuple(config.frame), np.uint8)},
      'action': array(time, np.int32),
      'reward': array(time, np.float32),
      'discount': array(time, np.float32),
      'is_first': array(time, np.bool_),
      'is_last': array(time, np.bool_),
      'is_terminal': array(time, np.bool_),
      'oracle': dict(oracle),
    }
  )


def record(image, action, reward, oracle) -> dict[str, Any]:
  """Returns a record of an episode that is cut off by its length.

  Args:
    image: uint8 [T, H, W, C].
    action: [T], taken at each frame; the last is replaced by 0, for nothing
      follows it.
    reward: [T].
    oracle: the world's hidden state.
  """
  length = len(image)
  steps = np.arange(length)
  return {
    'observation': {'image': image},
    'action': np.where(steps < length - 1, action, 0).astype(np.int32),
    'reward': np.asarray(reward, np.float32),
    'discount': np.ones(length, np.float32),
    'is_first': steps == 0,
    'is_last': steps == length - 1,
    'is_terminal': np.zeros(length, bool),
    'oracle': dict(oracle),
  }


def generate(
  make: Callable[[int], list], count: int, size: int, label: str
) -> Iterator[tuple[int, dict[str, Any]]]:
  """Yields numbered records, with a progress bar.

  The next batch is made in a thread while this one is being written.

  Args:
    make: `(first) -> records`, `size` of them, of episodes first, first + 1,
      and so on.
    count: number of episodes.
    size: number of records that `make` returns; those after `count` are
      dropped, so that all batches have one shape.
    label: of the progress bar.
  """
  with (
    concurrent.futures.ThreadPoolExecutor(1) as pool,
    tqdm.tqdm(
      total=count, desc=label, unit=' episodes', mininterval=0.5
    ) as bar,
  ):
    coming = pool.submit(make, 0)
    for first in range(0, count, size):
      records = coming.result()
      if first + size < count:
        coming = pool.submit(make, first + size)
      for index, example in enumerate(records[: count - first], first):
        yield index, example
        bar.update()
