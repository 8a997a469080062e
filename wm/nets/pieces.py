"""Going through time in pieces of a few frames, one after the other."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

Framewise = Callable[..., jax.Array]
"""`(params, x[B, T, ...]) -> y[B, T, ...]`, in which no step sees another."""


def at_once(function: Framewise) -> Framewise:
  """Returns the function as it is: all steps together, all kept for gradients.

  Args:
    function: of single frames.
  """
  return function


def recomputed(frames: int = 512) -> Callable[[Framewise], Framewise]:
  """Returns a way through time in pieces, which gradients compute once more.

  Only one piece's inner arrays exist at a time, at the price of a second
  forward pass. Chen et al. 2016, arXiv 1604.06174.

  Args:
    frames: of a piece, at most.

  Returns:
    `(function) -> function`.

  Raises:
    ValueError: if a piece would have no frames.
  """
  check('pieces.recomputed', frames)

  def way(function: Framewise) -> Framewise:
    def apply(params, x):
      one = jax.checkpoint(lambda x: function(params, x), prevent_cse=False)
      _, y = over_time(lambda _, x: (None, one(x)), None, x, frames)
      return y

    return apply

  return way


def over_time(
  body: Callable[[Any, Any], tuple[Any, Any]], start: Any, xs: Any, frames: int
) -> tuple[Any, Any]:
  """Returns a scan over pieces of time; the last is filled up with zeros.

  Args:
    body: `(carry, piece) -> (carry, y)` with leaves `[B, t, ...]` of pieces and
      results.
    start: the carry before the first.
    xs: leaves `[B, T, ...]`.
    frames: B t, at most, where one step has no more.

  Returns:
    The last carry, and y with leaves `[B, T, ...]`.
  """
  batch, length = jnp.shape(jax.tree.leaves(xs)[0])[:2]
  count = math.ceil(length / max(1, frames // batch))
  size = math.ceil(length / count)

  def cut(x):
    rest = [(0, 0), (0, count * size - length), *[(0, 0)] * (jnp.ndim(x) - 2)]
    x = jnp.pad(x, rest).reshape(batch, count, size, *jnp.shape(x)[2:])
    return jnp.moveaxis(x, 1, 0)

  def joined(y):
    y = jnp.moveaxis(y, 0, 1).reshape(batch, count * size, *y.shape[3:])
    return y[:, :length]

  if count == 1:
    return body(start, xs)
  carry, ys = jax.lax.scan(body, start, jax.tree.map(cut, xs))
  return carry, jax.tree.map(joined, ys)


def check(where: str, frames: int) -> None:
  """Raises a ValueError if a piece would have no frames.

  Args:
    where: the constructor, as in gin.
    frames: of a piece.
  """
  if frames < 1:
    raise ValueError(
      f'{where}: a piece needs frames; got frames={frames}, need 1 or more; '
      f'change {where}.frames'
    )
