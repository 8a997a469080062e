"""Mean squared error of frames, as the paper reports it."""

import jax.numpy as jnp

from wm.metrics import by_step
from wm.types import Array, Batch, Metric


def image_mse() -> Metric:
  """Returns the squared error summed over pixels and channels, by step.

  Pixels are in [0, 1]. The value is averaged over steps and sequences; that the
  paper sums over pixels was derived from its figures. `compute` returns what
  `by_step.squared` does.
  """

  def error(prediction: Batch, batch: Batch) -> Array:
    error = prediction['image'] - batch['image'].astype(jnp.float32) / 255
    return jnp.sum(jnp.square(error), axis=(-3, -2, -1))

  return by_step.squared(error)
