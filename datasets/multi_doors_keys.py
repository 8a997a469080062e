"""TFDS builder of Multi Doors Keys: three, five and seven in three sizes."""

import functools

import numpy as np
import tensorflow_datasets as tfds

from datasets import builder, rlds
from datasets.worlds import chart as charts
from datasets.worlds import corridor as corridors
from datasets.worlds import tiles

EPISODES = {
  'laptop': {'train': 4096, 'val': 256, 'test': 256},
  'smoke': {'train': 8, 'val': 4, 'test': 4},
  '': {'train': 8000, 'val': 1000, 'test': 1000},
}
"""Number of episodes by the last word of a configuration's name."""


def _config(name: str, corridor: corridors.Corridor) -> rlds.Config:
  return rlds.config(
    name,
    f'{corridor.keys} doors and keys, {corridor.context} | {corridor.query} '
    'steps of context | query.',
    corridor,
    EPISODES,
  )


class MultiDoorsKeys(builder.Builder):
  """A corridor of locked doors and of keys to them."""

  VERSION = tfds.core.Version('2.0.0')
  RELEASE_NOTES = {
    '1.0.0': 'First release.',
    '2.0.0': 'Of stray and action_noise: an errand ends as its door is tried.',
  }
  BUILDER_CONFIGS = [_config(*item) for item in corridors.CORRIDORS.items()]
  ARGUMENTS = (*builder.Builder.ARGUMENTS, 'query', 'stray')
  DESCRIPTION = """
A corridor of MiniGrid's tiles with locked doors above and keys below, seen from
above, five by five cells around the agent. A scripted policy first walks past
all keys and doors, then takes keys and tries doors, in turns at random, from
the context into the query. A key opens a door of its colour and is used up; an
open door stays open. What is in hand is not shown: whether a door opens follows
from its colour, the keys taken and the doors opened so far.
The look follows the paper's figures; sizes, steps, that the agent may hold any
number of keys, the reward of 1 for a door opened, and the script are this
project's choice (`datasets/worlds/corridor.py`), for the authors' data were not
released. Configurations ending in `_laptop` and `_smoke` are smaller than the
paper's; in the smoke sizes the context is too short for the walk past all.
"""

  @staticmethod
  def oracle(config):
    """Returns the features of what is not shown, or not always."""
    corridor, time = config.world, config.length
    keys, colors = corridor.keys, len(tiles.COLORS)
    return {
      'pose': rlds.array((time, 3), np.int32),
      'door_color': rlds.array((keys,), np.int32),
      'key_color': rlds.array((keys,), np.int32),
      'door_open': rlds.array((time, keys), np.bool_),
      'key_taken': rlds.array((time, keys), np.bool_),
      'inventory': rlds.array((time, colors), np.int32),
      'trial': rlds.array((time,), np.int32),
    } | rlds.movers(time, corridor.movers)

  @staticmethod
  def maker(config, split, size):
    """Returns `(first) -> records`, as `Builder.maker` says."""
    shoot, keys = _camera(config.world), builder.keys(config, split, size)
    return lambda first: rlds.records(shoot(keys(first)))

  @staticmethod
  def environment(config):
    """Returns the corridor as a brax environment."""
    from datasets.worlds import doors_keys

    return doors_keys.DoorsKeys(config.world)

  @staticmethod
  def visible(config, episode):
    """Returns which doors and places of keys are in view, bool [T, S]."""
    from datasets.worlds import corridor_plan

    return corridor_plan.visible(config.world, episode)

  @classmethod
  def answers(cls, config, episode, context):
    """Returns `age`, and frames with doors in other states.

    `foil` has all of them the other way, and `guess`, after the context, as
    they were at its end.
    """
    from datasets.worlds import corridor_plan

    is_open = np.asarray(episode['oracle']['door_open'])
    last = np.minimum(np.arange(len(is_open)), context - 1)
    return super().answers(config, episode, context) | {
      name: corridor_plan.redrawn(config.world, episode, drawn)
      for name, drawn in (('foil', ~is_open), ('guess', is_open[last]))
    }

  @staticmethod
  def chart(config, episode) -> charts.Chart:
    """Returns the corridor from above, and what is in hand."""
    from datasets.worlds import corridor_plan

    return corridor_plan.chart(config.world, episode)


@functools.cache
def _camera(corridor):
  """Returns `(keys [B, 2]) -> episodes`, compiled once for all splits."""
  import jax

  from datasets.worlds import errands

  return jax.jit(jax.vmap(functools.partial(errands.film, corridor)))
