"""How often a predicted reward is the one that came."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from wm.types import Batch, Metric


def reward_accuracy() -> Metric:
  """Returns the accuracy of rewards of 0 or 1, predicted as probabilities.

  A reward is predicted where its probability is over one half. `compute`
  returns `accuracy`, of the last step of each sequence that is scored, which
  decides Distracting Memory, and `base_rate`, what the more frequent of its two
  outcomes would have; over all steps that are scored, `hit_rate` of those with
  a reward and `false_alarm_rate` of those without.
  """
  names = (
    'rows', 'right', 'last', 'steps', 'hits', 'rewarded', 'alarms'
  )  # fmt: skip

  def init() -> dict[str, Array]:
    return {name: jnp.zeros(()) for name in names}

  def update(
    acc: dict[str, Array],
    prediction: Batch,
    batch: Batch,
    mask: Float[ArrayLike, 'B T'],
  ) -> dict[str, Array]:
    if 'reward' not in prediction:
      raise ValueError(
        'reward_accuracy: the model predicts no reward; take it out of '
        'evaluate.evaluate.metrics, or put a head of that name into '
        'world_model.world_model.heads'
      )
    mask = jnp.asarray(mask) > 0
    said = (prediction['reward'] > 0.5) & mask
    came = (jnp.asarray(batch['reward']) > 0.5) & mask
    later = jnp.cumsum(mask[:, ::-1], axis=1)[:, ::-1]
    last = mask & (later == 1)
    more = {
      'rows': last,
      'right': last & (said == came),
      'last': last & came,
      'steps': mask,
      'hits': said & came,
      'rewarded': came,
      'alarms': said & ~came,
    }
    return {name: acc[name] + jnp.sum(x) for name, x in more.items()}

  def compute(acc: dict[str, Array]) -> dict[str, Array]:
    share = acc['last'] / acc['rows']
    return {
      'accuracy': acc['right'] / acc['rows'],
      'base_rate': jnp.maximum(share, 1 - share),
      'hit_rate': acc['hits'] / acc['rewarded'],
      'false_alarm_rate': acc['alarms'] / (acc['steps'] - acc['rewarded']),
    }

  return Metric(init, update, compute)
