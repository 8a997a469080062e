"""Mean squared error of states."""

import jax.numpy as jnp

from wm.metrics import by_step
from wm.types import Array, Batch, Metric


def state_mse() -> Metric:
  """Returns the squared error summed over the numbers of a state, by step.

  Numbers are in their own units. `compute` returns what `by_step.squared` does.
  """

  def error(prediction: Batch, batch: Batch) -> Array:
    return jnp.sum(jnp.square(prediction['state'] - batch['state']), axis=-1)

  return by_step.squared(error)
