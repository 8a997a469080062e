"""A data set and the world model that fits what it observes and does."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from wm.types import WorldModel


class Task(NamedTuple):
  """What training and evaluation have in common.

  Attributes:
    metadata: of the data set: name, num_actions, context, query, length,
      observation, frame.
    load: `(split) -> episodes`, builds the data set if it is missing.
    model: the world model.
  """

  metadata: Mapping[str, Any]
  load: Callable[..., Sequence[Mapping[str, Any]]]
  model: WorldModel


def task(
  describe: Callable[[], Mapping[str, Any]],
  load: Callable[..., Sequence[Mapping[str, Any]]],
  model: Callable[..., WorldModel],
) -> Task:
  """Returns a task; the data set is described, not yet built.

  Args:
    describe: `() -> metadata` of the data set.
    load: `(split=...) -> episodes` of the same data set.
    model: `(image_shape=..., num_actions=..., observation=...) -> WorldModel`.
  """
  metadata = describe()
  world_model = model(
    image_shape=tuple(metadata['frame']),
    num_actions=metadata['num_actions'],
    observation=metadata['observation'],
  )
  return Task(metadata, load, world_model)


def check_frames(metadata: Mapping[str, Any], program: str) -> None:
  """Checks that there are frames, for a program that shows them.

  Args:
    metadata: Of the data set.
    program: Its name.

  Raises:
    ValueError: If something else is observed.
  """
  if metadata['observation'] != 'image':
    raise ValueError(
      f'{program}: needs frames; got {metadata["name"]}, where '
      f'{metadata["observation"]!r} is observed; change the gin macro DATA'
    )
