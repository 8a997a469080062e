"""The mean of an error over sequences, step by step."""

from collections.abc import Callable

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from wm.types import Batch, Metric


def squared(error: Callable[[Batch, Batch], Array]) -> Metric:
  """Returns the metric of a squared error, which is called `mse`.

  `compute` returns `mse`, over steps and sequences, and of each step, `[T]`,
  `mse_per_step`, its standard error over sequences `stderr_per_step`, and their
  number `count_per_step`; where that is 0, so are the others.

  Args:
    error: `(prediction, batch) -> [B, T]`.
  """

  def init() -> dict[str, Array]:
    zero = jnp.zeros(())
    return {'count': zero, 'sum': zero, 'squares': zero}

  def update(
    acc: dict[str, Array],
    prediction: Batch,
    batch: Batch,
    mask: Float[ArrayLike, 'B T'],
  ) -> dict[str, Array]:
    found = jnp.where(mask > 0, error(prediction, batch), 0)
    return {
      'count': acc['count'] + jnp.sum(mask > 0, axis=0),
      'sum': acc['sum'] + jnp.sum(found, axis=0),
      'squares': acc['squares'] + jnp.sum(jnp.square(found), axis=0),
    }

  def compute(acc: dict[str, Array]) -> dict[str, Array]:
    count = jnp.maximum(acc['count'], 1)
    mean = acc['sum'] / count
    variance = jnp.maximum(acc['squares'] / count - jnp.square(mean), 0)
    return {
      'mse': jnp.sum(acc['sum']) / jnp.maximum(jnp.sum(acc['count']), 1),
      'mse_per_step': mean,
      'stderr_per_step': jnp.sqrt(variance / jnp.maximum(count - 1, 1)),
      'count_per_step': acc['count'],
    }

  return Metric(init, update, compute)
