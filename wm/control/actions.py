"""What the actions of an environment are: numbers of a list, or vectors."""

from collections.abc import Callable
from typing import NamedTuple

import jax

from wm.control import memory
from wm.types import Array, Key


class Actions(NamedTuple):
  """A kind of actions.

  Attributes:
    vector: From an action to the model's, `[A]`.
    draw: `(key) -> action`, all alike.
    discrete: Whether they are integers, or else vectors in [-1, 1].
  """

  vector: memory.Vector
  draw: Callable[[Key], Array]
  discrete: bool


def integers(count: int) -> Actions:
  """Returns integers below a number; the model's are one-hot.

  Args:
    count: A, how many there are.
  """
  return Actions(
    memory.one_hot(count),
    lambda key: jax.random.randint(key, (), 0, count),
    discrete=True,
  )


def vectors(size: int) -> Actions:
  """Returns vectors in [-1, 1], which are the model's as they are.

  Args:
    size: A, numbers of a vector.
  """
  return Actions(
    lambda action: action,
    lambda key: jax.random.uniform(key, (size,), minval=-1, maxval=1),
    discrete=False,
  )
