"""Coloured squares that walk along a row: moving distractors of grid worlds."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from datasets.worlds import draws, tiles


class Squares(NamedTuple):
  """M squares on a row.

  Attributes:
    column: int32 [M].
    color: int32 [M].
  """

  column: jax.Array
  color: jax.Array


def start(key: jax.Array, count: int, first: int, last: int) -> Squares:
  """Draws squares between two columns, both included."""
  column, color = jax.random.bits(key, (2, count))
  return Squares(
    first + draws.below(column, last + 1 - first),
    draws.below(color, len(tiles.COLORS)),
  )


def wander(key: jax.Array, squares: Squares, first: int, last: int) -> Squares:
  """Lets each stand, or take a step to either side, between two columns."""
  bits = jax.random.bits(key, squares.column.shape)
  column = squares.column + draws.below(bits, 3) - 1
  return squares._replace(column=jnp.clip(column, first, last))


def draw(grid: jax.Array, row: int, squares: Squares) -> jax.Array:
  """Returns a grid with squares over its cells, int32 [H, W]."""
  return grid.at[row, squares.column].set(tiles.SOLID + squares.color)
