"""What all data sets here share: the fields of a record.

A record is a whole episode of T steps with RLDS names, stacked over time.
Vectors are stored as bytes and what has more axes by zlib: neither building nor
reading needs TensorFlow.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

SPLITS = ('train', 'val', 'test')

Kind = tuple[tuple[int, ...], Any]
"""Shape and dtype of what there is at a step."""


@dataclasses.dataclass
class Config(tfds.core.BuilderConfig):
  """One variant of a data set.

  Attributes:
    world: what the episodes come from, a tuple of numbers.
    actions: their names; an action is an index into them.
    context: frames seen before imagining.
    query: frames to imagine.
    frame: (H, W, C), the shape of what is observed at a step.
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
  def observation(self) -> dict[str, Kind]:
    """What is observed at a step, by the name of its field."""
    return {'image': (tuple(self.frame), np.uint8)}

  @property
  def action(self) -> Kind:
    """What an action is."""
    return (), np.int32

  @property
  def facts(self) -> dict[str, Any]:
    """What `datasets.describe` returns, but for the name."""
    return {
      'actions': tuple(self.actions),
      'num_actions': len(self.actions),
      'context': self.context,
      'query': self.query,
      'observation': next(iter(self.observation)),
      'frame': tuple(self.frame),
      'length': self.length,
      'splits': dict(self.episodes),
      'seed': self.seed,
    }


@dataclasses.dataclass
class VectorConfig(Config):
  """A variant whose observations are states `[S]` and whose actions vectors.

  `frame` is (S,), and `actions` names the numbers of an action, each in
  [-1, 1].
  """

  @property
  def observation(self) -> dict[str, Kind]:
    """What is observed at a step, by the name of its field."""
    return {'state': (tuple(self.frame), np.float32)}

  @property
  def action(self) -> Kind:
    """What an action is."""
    return (len(self.actions),), np.float32


def config(
  name: str,
  description: str,
  world: Any,
  episodes: Mapping[str, Mapping[str, int]],
  kind: type[Config] = Config,
) -> Config:
  """Returns the variant of a world that knows its sizes.

  Args:
    name: of the variant.
    description: one sentence.
    world: with attributes actions, context, query and frame.
    episodes: number of episodes by split, by the last word of the name; '' for
      all other words.
    kind: of configuration, which says what is observed and what an action is.
  """
  return kind(
    name=name,
    description=description,
    world=world,
    actions=world.actions,
    context=world.context,
    query=world.query,
    frame=world.frame,
    episodes=episodes.get(name.rpartition('_')[2], episodes['']),
  )


def array(shape: tuple[int, ...], dtype: Any) -> tfds.features.Tensor:
  """Returns a feature; big ones are compressed."""
  encoding = 'zlib' if len(shape) > 1 else 'bytes'
  return tfds.features.Tensor(shape=shape, dtype=dtype, encoding=encoding)


def movers(length: int, count: int) -> dict[str, tfds.features.Tensor]:
  """Returns the features of squares that walk about; none where none do.

  Args:
    length: of all episodes.
    count: of squares.
  """
  if not count:
    return {}
  return {
    'mover_column': array((length, count), np.int32),
    'mover_color': array((count,), np.int32),
  }


def features(
  length: int | None,
  observation: Mapping[str, Kind],
  action: Kind,
  oracle: Mapping,
) -> tfds.features.FeaturesDict:
  """Returns the fields of a record.

  Args:
    length: of all episodes, or None if they differ.
    observation: what is observed at a step, by name.
    action: what an action is.
    oracle: features of the world's hidden state.
  """
  time = (length,)

  def each(kind):
    shape, dtype = kind
    return array(time + tuple(shape), dtype)

  return tfds.features.FeaturesDict(
    {
      'observation': {name: each(x) for name, x in observation.items()},
      'action': each(action),
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
  """Returns a record of an episode of frames and of actions by number.

  Args:
    image: uint8 [T, H, W, C].
    action: [T], as `episode` takes them.
    reward: as `episode` takes it.
    terminal: as `episode` takes it.
    **oracle: the world's hidden state.
  """
  action = np.asarray(action, np.int32)
  return episode({'image': image}, action, reward, terminal, oracle)


def state_record(
  state, action, reward=0.0, terminal=False, **oracle
) -> dict[str, Any]:
  """Returns a record of an episode of states and of actions that are vectors.

  Args:
    state: float32 [T, S].
    action: float32 [T, A], as `episode` takes them.
    reward: as `episode` takes it.
    terminal: as `episode` takes it.
    **oracle: the world's hidden state.
  """
  return episode({'state': state}, action, reward, terminal, oracle)


def episode(
  observation: Mapping[str, Any],
  action,
  reward=0.0,
  terminal=False,
  oracle: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
  """Returns a record of an episode.

  Args:
    observation: what is observed, [T, ...] by name.
    action: [T] or [T, A], taken at each step; the last is replaced by 0, for
      nothing follows it.
    reward: [T], follows the action of each step; or one for all.
    terminal: bool [T], whether the world has ended by each step, at which it
      stays from then on; or one for all, False where the episode is cut off by
      its length.
    oracle: the world's hidden state.
  """
  length = len(action)
  steps = np.arange(length)
  terminal = np.broadcast_to(terminal, length)
  action = np.array(action)
  action[-1] = 0
  return {
    'observation': dict(observation),
    'action': action,
    'reward': np.broadcast_to(np.float32(reward), length),
    'discount': 1 - np.append(terminal[1:], False).astype(np.float32),
    'is_first': steps == 0,
    'is_last': steps == length - 1,
    'is_terminal': (steps == length - 1) & terminal,
    'oracle': dict(oracle or {}),
  }


def records(
  takes: Mapping[str, Any], one: Callable[..., dict[str, Any]] = record
) -> list[dict[str, Any]]:
  """Returns the records of a batch, whose fields are the arguments of `one`.

  Args:
    takes: arrays [B, ...] by name.
    one: makes the record of an episode: `record` or `state_record`.
  """
  takes = {name: np.asarray(x) for name, x in takes.items()}
  count = len(takes['action'])
  return [one(**{k: x[i] for k, x in takes.items()}) for i in range(count)]
