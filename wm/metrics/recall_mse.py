"""Squared error of frames by how long ago the model saw what they show."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from wm.types import Batch, Metric

BUCKETS = 13


def recall_mse() -> Metric:
  """Returns the error of `image_mse` by the age of what is in view.

  `batch['age']`, int `[B, T]`, is how many steps ago that was last seen in the
  context; it is negative where something in view was never seen there.

  `compute` returns `mse_seen` and `mse_unseen`; and of each bucket of ages,
  `[13]`, its lower edge `age` (1, 2, 4, ... 4096; the last one is open),
  `mse_by_age`, its standard error over frames `stderr_by_age`, and
  `count_by_age`.
  """

  def init() -> dict[str, Array]:
    zeros = jnp.zeros(BUCKETS + 1)  # The last is for what was never seen.
    return {'count': zeros, 'sum': zeros, 'squares': zeros}

  def update(
    acc: dict[str, Array],
    prediction: Batch,
    batch: Batch,
    mask: Float[ArrayLike, 'B T'],
  ) -> dict[str, Array]:
    if 'age' not in batch:
      raise ValueError(
        'recall_mse: the data do not say how long ago things were seen, as '
        'recordings do not; take it out of evaluate.evaluate.metrics'
      )
    error = prediction['image'] - batch['image'].astype(jnp.float32) / 255
    error = jnp.sum(jnp.square(error), axis=(-3, -2, -1))
    scored = jnp.asarray(mask) > 0
    error = jnp.where(scored, error, 0)
    age = jnp.asarray(batch['age'])
    edges = 2 ** jnp.arange(1, BUCKETS)
    bucket = jnp.sum(age[..., None] >= edges, axis=-1)
    bucket = jnp.where(age < 0, BUCKETS, bucket)
    more = {'count': scored, 'sum': error, 'squares': jnp.square(error)}
    empty = jnp.zeros(BUCKETS + 1)
    return {n: acc[n] + empty.at[bucket].add(x) for n, x in more.items()}

  def compute(acc: dict[str, Array]) -> dict[str, Array]:
    count, total = acc['count'], acc['sum']
    mean = total / count
    variance = jnp.maximum(acc['squares'] / count - jnp.square(mean), 0)
    stderr = jnp.sqrt(variance / jnp.maximum(count - 1, 1))
    return {
      'mse_seen': jnp.sum(total[:-1]) / jnp.sum(count[:-1]),
      'mse_unseen': mean[-1],
      'age': 2 ** jnp.arange(BUCKETS),
      'mse_by_age': mean[:-1],
      'stderr_by_age': stderr[:-1],
      'count_by_age': count[:-1],
    }

  return Metric(init, update, compute)
