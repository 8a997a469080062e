"""What all data sets here share: the fields of a record.

A record is a whole episode of T frames with RLDS names, stacked over time.
Vectors are stored as bytes and frames by zlib: neither building nor reading
needs TensorFlow.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

SPLITS = ('train', 'val', 'test')


@dataclasses.dataclass
class Config(tfds.core.BuilderConfig):
  """One variant of a data set.

  Attributes:
    world: what the episodes come from, a tuple of numbers.
    actions: their names; an action is an index into them.
    context: frames seen before imagining.
    query: frames to imagine.
    frame: (H, W, C).
    episodes: number of episodes of each split.
    seed: of all splits.
  """

  world: Any = None
  actions: tuple[str, ...] = ()
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
      'actions': tuple(self.actions),
      'num_actions': len(self.actions),
      'context': self.context,
      'query': self.query,
      'frame': tuple(self.frame),
      'length': self.length,
      'splits': dict(self.episodes),
      'seed': self.seed,
    }


def config(
  name: str, description: str, world: Any, episodes: Mapping[str, int]
) -> Config:
  """Returns the variant of a world that knows its sizes.

  Args:
    name: of the variant.
    description: one sentence.
    world: with attributes actions, context, query and frame.
    episodes: number of episodes by split.
  """
  return Config(
    name=name,
    description=description,
    world=world,
    actions=world.actions,
    context=world.context,
    query=world.query,
    frame=world.frame,
    episodes=episodes,
  )


def array(shape: tuple[int, ...], dtype: Any) -> tfds.features.Tensor:
  """Returns a feature; big ones are compressed."""
  encoding = 'zlib' if len(shape) > 1 else 'bytes'
  return tfds.features.Tensor(shape=shape, dtype=dtype, encoding=encoding)


def features(
  length: int | None, frame: tuple[int, int, int], oracle: Mapping
) -> tfds.features.FeaturesDict:
  """Returns the fields of a record.

  Args:
    length: of all episodes, or None if they differ.
    frame: (H, W, C).
    oracle: features of the world's hidden state.
  """
  time = (length,)
  return tfds.features.FeaturesDict(
    {
      'observation': {'image': array(time + tuple(frame), np.uint8)},
      'action': array(time, np.int32),
      'reward': array(time, np.float32),
      'discount': array(time, np.float32),
      'is_first': array(time, np.bool_),
      'is_last': array(time, np.bool_),
      'is_terminal': array(time, np.bool_),
      'oracle': dict(oracle),
    }
  )


def record(
  image, action, reward=0.0, terminal=False, **oracle
) -> dict[str, Any]:
  """Returns a record of an episode.

  Args:
    image: uint8 [T, H, W, C].
    action: [T], taken at each frame; the last is replaced by 0, for nothing
      follows it.
    reward: [T], follows the action of each frame; or one for all.
    terminal: whether the last frame ends the episode, or is cut off by its
      length.
    **oracle: the world's hidden state.
  """
  length = len(image)
  steps = np.arange(length)
  ends = (steps == length - 2) & terminal
  return {
    'observation': {'image': image},
    'action': np.where(steps < length - 1, action, 0).astype(np.int32),
    'reward': np.broadcast_to(np.float32(reward), length),
    'discount': (~ends).astype(np.float32),
    'is_first': steps == 0,
    'is_last': steps == length - 1,
    'is_terminal': (steps == length - 1) & terminal,
    'oracle': oracle,
  }


def records(takes: Mapping[str, Any]) -> list[dict[str, Any]]:
  """Returns the records of a batch, whose fields are those of `record`.

  Args:
    takes: arrays [B, ...] by name.
  """
  takes = {name: np.asarray(x) for name, x in takes.items()}
  count = len(takes['action'])
  return [record(**{k: x[i] for k, x in takes.items()}) for i in range(count)]
