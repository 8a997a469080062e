"""What data sets there are, by name, and what they are like."""

import functools
import importlib
import pathlib
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any

from datasets import npz, recordings
from datasets.worlds import chart as charts

SCALES = ('', 'laptop', 'smoke')


def names() -> list[str]:
  """Returns all data sets that are listed, as `builder/config`."""
  return [
    f'{builder.name}/{config.name}'
    for builder in _builders().values()
    for config in builder.BUILDER_CONFIGS
  ]


def describe(
  name: str,
  scale: str = '',
  arguments: Mapping[str, Any] | None = None,
  on_bad: Callable[[str], None] = npz.refuse,
) -> dict[str, Any]:
  """Returns what a data set is like, without building it.

  Args:
    name: `builder/config`; arguments may follow it, as in
      'rooms/four_rooms+action_noise-0.1'. Or recordings, 'folder:PATH' or
      'tfds:NAME'.
    scale: '', or 'laptop' or 'smoke' for a smaller size of it; recordings have
      one size.
    arguments: of the world, such as `{'action_noise': 0.1}`; or of
      `datasets.recordings`.
    on_bad: what to do about a recording that has faults, `npz.refuse` or
      `npz.skip`.

  Returns:
    name, actions (their names), num_actions, context, query (frames),
    observation (the field of what is observed, 'image' or 'state'), frame (its
    shape), length (frames of an episode), splits (number of episodes by name)
    and seed.

  Raises:
    ValueError: there is no such data set.
  """
  if is_recorded(name):
    return recordings.describe(name, arguments, on_bad)
  builder, config = find(name, scale, arguments)
  return {'name': f'{builder.name}/{config.name}'} | config.facts


def length(describe: Callable[[], Mapping[str, Any]]) -> int:
  """Returns how many frames the episodes of a data set have.

  Args:
    describe: `() -> metadata` of the data set.
  """
  return describe()['length']


def environment(
  name: str, scale: str = '', arguments: Mapping[str, Any] | None = None
) -> Any:
  """Returns the world of a data set as a `brax.envs.Env`.

  Args:
    name: as `describe` takes it, but not of recordings.
    scale: '', 'laptop' or 'smoke'.
    arguments: as `describe` takes them.

  Raises:
    ValueError: there is no such data set, or it has no world.
  """
  builder, config = _world('environment', name, scale, arguments)
  return builder.environment(config)


def start_key(
  name: str,
  split: str,
  number: int,
  scale: str = '',
  arguments: Mapping[str, Any] | None = None,
) -> Any:
  """Returns the raw key that `environment` is reset with to begin an episode.

  Its actions, taken there, bring its frames and rewards about.

  Args:
    name: as `environment` takes it.
    split: 'train', 'val' or 'test'.
    number: of the episode in the split.
    scale: '', 'laptop' or 'smoke'.
    arguments: as `describe` takes them.

  Raises:
    ValueError: there is no such data set or split, or it has no world.
  """
  builder, config = _world('start_key', name, scale, arguments)
  if split not in config.episodes:
    raise ValueError(
      f'start_key: no such split of {builder.name}/{config.name}; got '
      f'{split!r}, need one of {", ".join(config.episodes)}; change '
      'start_key.split'
    )
  return builder.start_key(config, split, number)


def chart(name: str, episode: Mapping[str, Any]) -> charts.Chart | None:
  """Returns the map of an episode; recordings have none.

  Args:
    name: of the data set, with its scale.
    episode: one of its records.
  """
  if is_recorded(name):
    return None
  builder, config = find(name)
  return builder.chart(config, episode)


def answers(
  name: str, scale: str = '', arguments: Mapping[str, Any] | None = None
) -> Callable[[Mapping[str, Any], int], dict[str, Any]]:
  """Returns `(episode, context) -> fields`, what metrics ask of an episode.

  Fields are [T, ...]: `age`, as `recall.age` says, and for doors and keys
  `foil`, the frames with the doors the other way, and `guess`, with the doors
  as the context left them. Recordings have none.

  Args:
    name: of the data set, as `describe` takes it.
    scale: '', 'laptop' or 'smoke'.
    arguments: as `describe` takes them.

  Raises:
    ValueError: there is no such data set.
  """
  if is_recorded(name):
    return lambda episode, context: {}
  builder, config = find(name, scale, arguments)
  return functools.partial(builder.answers, config)


def is_recorded(name: str) -> bool:
  """Returns whether a name is that of recordings."""
  return name.startswith(recordings.SCHEMES)


def find(
  name: str, scale: str = '', arguments: Mapping[str, Any] | None = None
) -> tuple[type, Any]:
  """Returns the builder class and the configuration of a name.

  Args:
    name: `builder/config`, as `describe` takes it; not of recordings.
    scale: '', 'laptop' or 'smoke'.
    arguments: of the world.

  Raises:
    ValueError: there is no such data set.
  """
  if scale not in SCALES:
    raise ValueError(
      f'load: no such scale; got {scale!r}, need one of '
      f'{", ".join(map(repr, SCALES))}; change load.scale'
    )
  base, plus, rest = name.partition('+')
  full = f'{base}_{scale}{plus}{rest}' if scale else name
  builder, _, config = full.partition('/')
  found = _builders().get(builder)
  config = found.chosen(config, arguments or {}) if found else None
  if config is None:
    known = [x for x in names() if not x.endswith(('_laptop', '_smoke'))]
    raise ValueError(
      f'load: no such data set; got {full!r}, need one of '
      f'{", ".join(known)}, or recordings such as folder:PATH; change load.name'
    )
  return found, config


def _world(where, name, scale, arguments):
  """Returns what `find` does, unless there are but recordings of a world."""
  if is_recorded(name):
    raise ValueError(
      f'{where}: recordings do not say of which world they are; got {name!r}, '
      'need the data set of that world, such as distracting_memory/width_100; '
      f'change catalogue.{where}.name, and scale and arguments beside it'
    )
  return find(name, scale, arguments)


def _builders():
  """Returns the builder classes of this package's modules by name."""
  from datasets import builder as builders

  found = {}
  for module in pkgutil.iter_modules([str(pathlib.Path(__file__).parent)]):
    if module.ispkg:
      continue
    module = importlib.import_module(f'datasets.{module.name}')
    for member in vars(module).values():
      if (
        isinstance(member, type)
        and issubclass(member, builders.Builder)
        and member.BUILDER_CONFIGS
      ):
        found[member.name] = member
  return found
