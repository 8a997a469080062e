"""Mean squared error of frames, as the paper reports it."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from wm.types import Batch, Metric


def image_mse() -> Metric:
  """Returns the squared error summed over pixels and channels, by step.

  Pixels are in [0, 1]. The value is averaged over steps and sequences; that the
  paper sums over pixels was derived from its figures.

  `compute` returns `mse`, and of each step, `[T]`, `mse_per_step`, its standard
  error over sequences `stderr_per_step`, and their number `count_per_step`.
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
    error = prediction['image'] - batch['image'].astype(jnp.float32) / 255
    error = jnp.sum(jnp.square(error), axis=(-3, -2, -1))
    error = jnp.where(mask > 0, error, 0)
    return {
      'count': acc['count'] + jnp.sum(mask > 0, axis=0),
      'sum': acc['sum'] + jnp.sum(error, axis=0),
      'squares': acc['squares'] + jnp.sum(jnp.square(error), axis=0),
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
