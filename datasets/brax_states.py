"""TFDS builder of continuous control from states: a balanced pole."""

import functools

import numpy as np
import tensorflow_datasets as tfds

from datasets import builder, rlds
from datasets.worlds import balance

EPISODES = {
  'laptop': {'train': 2048, 'val': 256, 'test': 256},
  'smoke': {'train': 8, 'val': 8, 'test': 8},
  '': {'train': 20000, 'val': 1000, 'test': 1000},
}
"""Number of episodes by the last word of a configuration's name."""


def _config(name: str, plan: balance.Balance) -> rlds.Config:
  return rlds.config(
    name,
    f'A balanced pole, {plan.context} | {plan.query} steps of context | query.',
    plan,
    EPISODES,
    rlds.VectorConfig,
  )


class BraxStates(builder.Builder):
  """States and forces of a pole on a cart."""

  VERSION = tfds.core.Version('2.0.0')
  RELEASE_NOTES = {
    '1.0.0': 'First release.',
    '2.0.0': 'discount is 0 from the fall on.',
  }
  ARGUMENTS = ('query',)
  BUILDER_CONFIGS = [_config(*item) for item in balance.PLANS.items()]
  DESCRIPTION = """
brax's inverted pendulum: a cart on a rail is pushed by a force, a number from
-1 to 1, and balances a pole. What is observed is the state: position of the
cart, angle of the pole and the velocities of both. The reward is 1 for each
step after which the pole leans less than 0.2; a pole that leans more is fallen
and stays as it is. The script is linear feedback with noise, both drawn for
each episode: some balance and some fall.
It is not of the paper; all numbers but those of the physics are this project's
choice (`datasets/worlds/balance.py`).
Configurations ending in `_laptop` and `_smoke` have fewer episodes, those
ending in `_smoke` also shorter ones.
"""

  @staticmethod
  def oracle(config):
    """Returns the features of the script."""
    del config
    return {
      'gain': rlds.array((len(balance.GAINS),), np.float32),
      'noise': rlds.array((), np.float32),
    }

  @staticmethod
  def maker(config, split, size):
    """Returns `(first) -> records`, as `Builder.maker` says."""
    play, keys = _script(config.world), builder.keys(config, split, size)
    return lambda first: rlds.records(play(keys(first)), rlds.state_record)

  @staticmethod
  def environment(config):
    """Returns the pole as a brax environment."""
    from datasets.worlds import pole

    return pole.Pole(config.world)

  @classmethod
  def answers(cls, config, episode, context):
    """Returns nothing: a state shows all that there is."""
    del config, episode, context
    return {}

  @staticmethod
  def chart(config, episode):
    """Returns None: a state has no map."""
    del config, episode


@functools.cache
def _script(plan):
  """Returns `(keys [B, 2]) -> episodes`, compiled once for all splits."""
  import jax

  from datasets.worlds import feedback, pole

  return jax.jit(jax.vmap(functools.partial(feedback.film, pole.Pole(plan))))
