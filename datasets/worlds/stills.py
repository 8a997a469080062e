"""What a camera shows of episodes that are played, a few states at a time.

Frames do not depend on each other, so those of a whole batch of episodes are
rendered together, a fixed number by each call.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np


def shown(
  expose: Callable[[Any], Any],
  worlds: Any,
  rendered: int,
  stays: Sequence[str] = ('map',),
) -> Any:
  """Returns what a camera shows of all states, a tree of arrays [B, T, ...].

  Args:
    expose: `(states [rendered, ...]) -> tree of arrays [rendered, ...]`.
    worlds: states with fields [B, T, ...] in NumPy, among them `time`.
    rendered: states shown by one call.
    stays: names of fields that an episode has once, [B, ...].
  """
  size, time = worlds.time.shape
  fixed = {name: getattr(worlds, name) for name in stays}
  moving = worlds._replace(**dict.fromkeys(stays))

  def still(episode, step):
    seen = jax.tree.map(lambda x: x[episode, step], moving)
    return seen._replace(**jax.tree.map(lambda x: x[episode], fixed))

  frames = np.arange(-(-size * time // rendered) * rendered) % (size * time)
  parts = [
    expose(still(*np.divmod(chunk, time)))
    for chunk in frames.reshape(-1, rendered)
  ]

  def whole(*parts):
    found = np.concatenate(parts)[: size * time]
    return found.reshape(size, time, *found.shape[1:])

  return jax.tree.map(whole, *parts)
