"""Domes that walk about in the rooms and mean nothing: moving distractors."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from datasets.worlds import draws, textures
from datasets.worlds import layout as layouts

_TURN = 0.1
"""Probability that a mover takes another direction without need."""


class Movers(NamedTuple):
  """M domes on their way.

  Attributes:
    position: int32 [M, 2], (x, y) in 1/UNIT cells.
    heading: int32 [M].
    color: int32 [M].
  """

  position: jax.Array
  heading: jax.Array
  color: jax.Array


def start(layout: layouts.Layout, key: jax.Array) -> Movers:
  """Draws movers in the centres of random rooms."""
  bits = jax.random.bits(key, (3, layout.movers))
  room = draws.below(bits[0], layout.rooms)
  return Movers(
    jnp.asarray(layouts.centres(layout))[room],
    draws.below(bits[1], layout.headings),
    draws.below(bits[2], len(textures.OBJECTS)),
  )


def walk(
  layout: layouts.Layout,
  key: jax.Array,
  movers: Movers,
  is_free: Callable[[jax.Array], jax.Array],
) -> Movers:
  """Moves each a step ahead, or turns it where a wall or chance says so.

  Args:
    layout: the plan.
    key: raw uint32 key of this step.
    movers: before the step.
    is_free: `(position int32 [2]) -> bool`, whether one can be there.
  """
  bits = jax.random.bits(key, (2, layout.movers))
  stride = jnp.asarray(layouts.strides(layout))[movers.heading]
  ahead = movers.position + stride
  goes = jax.vmap(is_free)(ahead) & ~draws.chance(bits[0], _TURN)
  turned = draws.below(bits[1], layout.headings)
  return movers._replace(
    position=jnp.where(goes[:, None], ahead, movers.position),
    heading=jnp.where(goes, movers.heading, turned),
  )
