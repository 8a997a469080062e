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
