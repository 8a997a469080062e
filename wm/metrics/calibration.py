"""Whether predicted probabilities of a reward are how often it comes."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from wm.types import Batch, Metric


def calibration(bins: int = 10) -> Metric:
  """Returns the calibration of rewards of 0 or 1, predicted as probabilities.

  `compute` returns `brier`, the mean squared difference of probability and
  outcome (Brier 1950), `brier_of_base_rate`, that of their mean as the only
  prediction, and `error`, the mean distance between probability and frequency
  over bins of equal width, weighed by their steps (expected calibration error,
  Naeini et al. 2015); of each bin `count`, and `probability` and `frequency`,
  the means of what was predicted and of what came.

  Args:
    bins: that [0, 1] is divided into.

  Raises:
    ValueError: there is no bin.
  """
  if bins < 1:
    raise ValueError(
      f'calibration: probabilities need bins; got {bins}, need 1 or more; '
      'change calibration.calibration.bins'
    )

  def init() -> dict[str, Array]:
    by_bin = {name: jnp.zeros(bins) for name in ('count', 'predicted', 'came')}
    return {'squares': jnp.zeros(()), **by_bin}

  def update(
    acc: dict[str, Array],
    prediction: Batch,
    batch: Batch,
    mask: Float[ArrayLike, 'B T'],
  ) -> dict[str, Array]:
    if 'reward' not in prediction:
      raise ValueError(
        'calibration: the model predicts no reward; take it out of '
        'evaluate.evaluate.metrics, or put a head of that name into '
        'world_model.world_model.heads'
      )
    mask = jnp.asarray(mask) > 0
    said = jnp.where(mask, prediction['reward'], 0)
    came = jnp.where(mask, jnp.asarray(batch['reward']), 0)
    place = jnp.clip((said * bins).astype(jnp.int32), 0, bins - 1)
    more = {'count': mask, 'predicted': said, 'came': came}
    empty = jnp.zeros(bins)
    sums = {n: acc[n] + empty.at[place].add(x) for n, x in more.items()}
    return {'squares': acc['squares'] + jnp.sum((said - came) ** 2), **sums}

  def compute(acc: dict[str, Array]) -> dict[str, Array]:
    count, steps = acc['count'], jnp.sum(acc['count'])
    rate = jnp.sum(acc['came']) / steps
    return {
      'brier': acc['squares'] / steps,
      'brier_of_base_rate': rate * (1 - rate),
      'error': jnp.sum(jnp.abs(acc['predicted'] - acc['came'])) / steps,
      'count': count,
      'probability': acc['predicted'] / count,
      'frequency': acc['came'] / count,
    }

  return Metric(init, update, compute)
