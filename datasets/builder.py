"""The TFDS builder that all data sets of worlds are made from."""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from datasets import npz, recall, rlds, shards

_FLAGS = {
  'jax_default_prng_impl': 'threefry2x32',
  'jax_threefry_partitionable': True,
  'jax_enable_x64': False,
}
"""Flags of JAX that what is drawn depends on, JAX's defaults."""

_ARGUMENT = re.compile(r'\+([a-z_]+)-([^+]+)')


class Source(NamedTuple):
  """Where the episodes of a split come from.

  Attributes:
    make: `(first) -> records` of a batch of episodes first, first + 1, ...
    count: number of episodes.
    size: of a batch.
  """

  make: shards.Make
  count: int
  size: int


class Builder(shards.ShardedBuilder, skip_registration=True):
  """A data set whose variants are worlds, with episodes made by a script.

  A subclass has VERSION, RELEASE_NOTES and BUILDER_CONFIGS, and gives `oracle`,
  `maker`, `environment` and `chart`. A variant with other arguments of its
  world has them in its name: `four_rooms+action_noise-0.1+movers-2`.

  Attributes:
    DESCRIPTION: what the episodes are about, and whose choice the numbers are.
    ARGUMENTS: attributes of the world that may be chosen: counts, which are
      integers, and probabilities, which are floats.
    FRAMES: frames made at once, about.
    on_bad: what to do about a file that is given and has faults.
  """

  DESCRIPTION = ''
  ARGUMENTS = ('action_noise', 'movers')
  FRAMES = 4096
  on_bad = staticmethod(npz.refuse)

  @staticmethod
  def oracle(config: rlds.Config) -> Mapping[str, Any]:
    """Returns the features of the world's hidden state."""
    raise NotImplementedError

  @classmethod
  def fields(cls, config: rlds.Config) -> tfds.features.FeaturesDict:
    """Returns the features of a record."""
    return rlds.features(
      config.length, config.observation, config.action, cls.oracle(config)
    )

  @staticmethod
  def maker(config: rlds.Config, split: str, size: int):
    """Returns `(first) -> records` of `size` episodes of a split.

    An episode depends on the seed, the split and its index alone.
    """
    raise NotImplementedError

  @staticmethod
  def environment(config: rlds.Config):
    """Returns the world as a `brax.envs.Env`."""
    raise NotImplementedError

  @staticmethod
  def start_key(config: rlds.Config, split: str, index: int):
    """Returns the raw key from which the world of an episode starts.

    It is the first half of the episode's; the second is its script's.
    """
    import jax

    return jax.random.split(keys(config, split, 1)(index)[0])[0]

  @staticmethod
  def chart(config: rlds.Config, episode: Mapping[str, Any]):
    """Returns the `worlds.chart.Chart` of an episode."""
    raise NotImplementedError

  @classmethod
  def answers(
    cls, config: rlds.Config, episode: Mapping[str, Any], context: int
  ) -> dict[str, np.ndarray]:
    """Returns what metrics ask of an episode and no model sees, [T, ...].

    `age` is that of `datasets.recall`, of a context of so many frames.
    """
    return {'age': recall.age(cls.visible(config, episode), context)}

  @staticmethod
  def visible(config: rlds.Config, episode: Mapping[str, Any]) -> np.ndarray:
    """Returns which things are in view at each step, bool [T, S]."""
    raise NotImplementedError

  @classmethod
  def named(cls, name: str) -> rlds.Config | None:
    """Returns a variant by its name without arguments, if there is one."""
    return cls.builder_configs.get(name)

  @classmethod
  def get_builder_config(cls, name, version=None) -> rlds.Config | None:
    """Returns a variant by its whole name, if there is one.

    Raises:
      ValueError: an argument that the world does not have, or a bad value.
    """
    del version
    return cls.chosen(name, {})

  @classmethod
  def chosen(
    cls, name: str, arguments: Mapping[str, Any]
  ) -> rlds.Config | None:
    """Returns a variant by its whole name and by further arguments.

    Args:
      name: of the variant, perhaps with arguments.
      arguments: as `variant` takes them; they go before those in the name.

    Raises:
      ValueError: an argument that the world does not have, or a bad value.
    """
    base, plus, rest = name.partition('+')
    config, named = cls.named(base), dict(_ARGUMENT.findall(plus + rest))
    if config is None or _ARGUMENT.sub('', plus + rest):
      return None
    return cls.variant(config, named | dict(arguments))

  @classmethod
  def variant(
    cls, config: rlds.Config, arguments: Mapping[str, Any]
  ) -> rlds.Config:
    """Returns a variant with other arguments of its world.

    Args:
      config: the variant to start from.
      arguments: values, or texts of them, by name.

    Raises:
      ValueError: an argument that the world does not have, or a bad value.
    """
    changes = {
      name: _value(config, cls.ARGUMENTS, name, arguments[name])
      for name in sorted(arguments)
    }
    world = config.world
    changes = {k: v for k, v in changes.items() if v != getattr(world, k)}
    if not changes:
      return config
    world = world._replace(**changes)
    suffix = ''.join(f'+{name}-{_text(x)}' for name, x in changes.items())
    return dataclasses.replace(
      config,
      name=config.name + suffix,
      world=world,
      context=world.context,
      query=world.query,
      frame=world.frame,
    )

  @classmethod
  def made(cls, config: rlds.Config, split: str) -> Source:
    """Returns where the episodes of a split come from if they are made.

    Args:
      config: the variant.
      split: its name.
    """
    count = config.episodes[split]
    size = max(1, min(cls.FRAMES // config.length, count))
    return Source(cls.maker(config, split, size), count, size)

  def _info(self) -> tfds.core.DatasetInfo:
    config = self.builder_config
    return tfds.core.DatasetInfo(
      builder=self,
      description=self.DESCRIPTION,
      citation=CITATION,
      homepage='https://arxiv.org/abs/2307.02064',
      features=self.fields(config),
      disable_shuffling=True,
      metadata=tfds.core.MetadataDict(
        config.facts, world=dict(config.world._asdict())
      ),
    )

  def sources(self, dl_manager) -> dict[str, Source]:
    """Returns where the episodes of each split come from.

    Args:
      dl_manager: TFDS's, for data sets that are published as files.
    """
    del dl_manager
    config = self.builder_config
    return {split: self.made(config, split) for split in config.episodes}

  def _split_shards(self, dl_manager, most):
    config = self.builder_config
    weight = config.length * math.prod(config.frame)
    found = {}
    for split, (make, count, size) in self.sources(dl_manager).items():
      count = count if most is None else min(count, most)
      found[split] = shards.shards(make, count, size, weight)
    return found


CITATION = """
@inproceedings{deng2023facing,
  title={Facing Off World Model Backbones: {RNN}s, {T}ransformers, and {S4}},
  author={Deng, Fei and Park, Junyeong and Ahn, Sungjin},
  booktitle={Advances in Neural Information Processing Systems},
  year={2023}
}
"""


def _value(config, known, name, given):
  """Returns the value of an argument, exactly the number that names tell."""
  if name not in known:
    raise ValueError(
      f'load: {config.name} has no argument {name!r}; need one of '
      f'{", ".join(known)}; change load.arguments'
    )
  is_count = isinstance(getattr(config.world, name), int)
  least = int(name == 'query')  # Something is left to imagine.
  try:
    if is_count:
      value = int(given)
      good = value == float(given) and value >= least
    else:
      value = float(_text(float(given)))
      good = 0 <= value < 1
  except (OverflowError, TypeError, ValueError):
    good = False
  if not good:
    need = 'a probability below 1'
    if is_count:
      need = f'an integer, {least} or more'
    raise ValueError(
      f'load: {name} of {config.name} must be {need}; got {given!r}; change '
      'load.arguments'
    )
  return value


def _text(value):
  """Returns a number as it stands in a name."""
  return f'{value}' if isinstance(value, int) else f'{value:g}'


def keys(config: rlds.Config, split: str, size: int):
  """Returns `(first) -> uint32 [size, 2]`, a raw key for each episode.

  A key depends on the seed, the split and the episode's index alone.

  Raises:
    ValueError: a flag of JAX has a value with which other episodes come of a
      key.
  """
  import jax

  for flag, need in _FLAGS.items():
    if (got := getattr(jax.config, flag)) != need:
      raise ValueError(
        f'keys: {config.name} would be other data under its name; got '
        f'{flag.upper()}={got}, need {need}; unset the variable of the '
        f"environment, or jax.config.update('{flag}', {need!r})"
      )
  key = jax.random.PRNGKey(config.seed)
  key = jax.random.fold_in(key, rlds.SPLITS.index(split))
  fold = jax.vmap(jax.random.fold_in, (None, 0))
  return lambda first: fold(key, np.arange(first, first + size))
