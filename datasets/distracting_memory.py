"""TFDS builder of Distracting Memory: hallways of any width in three sizes."""

import functools

import numpy as np
import tensorflow_datasets as tfds

from datasets import builder, rlds
from datasets.worlds import chart as charts
from datasets.worlds import passage

EPISODES = {
  'laptop': {'train': 4096, 'val': 256, 'test': 1000},
  'smoke': {'train': 8, 'val': 4, 'test': 4},
  '': {'train': 8000, 'val': 1000, 'test': 1000},
}
"""Number of episodes by the last word of a configuration's name."""


def _config(name: str, hallway: passage.Hallway) -> rlds.Config:
  return rlds.config(
    name,
    f'A hallway {hallway.width} wide, {hallway.context} | {hallway.query} '
    'steps of context | query.',
    hallway,
    EPISODES,
  )


class DistractingMemory(builder.Builder):
  """A clue, a long hallway full of distractors, and a choice."""

  VERSION = tfds.core.Version('2.0.0')
  RELEASE_NOTES = {
    '1.0.0': 'First release.',
    '2.0.0': 'discount is 0 from the choice on, also where it is made early.',
  }
  ARGUMENTS = (*builder.Builder.ARGUMENTS, 'stray')
  BUILDER_CONFIGS = [
    _config(name, passage.named(name))
    for scale in ('', '_laptop', '_smoke')
    for name in (f'width_{width}{scale}' for width in (100, 200, 400))
  ]
  DESCRIPTION = """
A hallway of MiniGrid's tiles with a room at its left end, where a coloured
square is the clue, and two coloured squares at its right end, of which one has
the clue's colour; squares of the same colours along the way distract. The agent
sees five by five cells around it. A scripted policy walks to the right end,
back to the clue, and to one of the two choices, drawn at random: the reward is
1 if that has the clue's colour, and the episode ends. The context ends in the
middle of the last walk; the clue was last seen `width` - 5 steps before the
end.
The map, the look, the way and its split follow the paper's video and figures;
what one sample cannot tell is this project's choice
(`datasets/worlds/passage.py`), for the authors' data were not released.
Other even widths have names, too, such as `width_60` and `width_60_laptop`.
Configurations ending in `_laptop` have fewer episodes than the paper's, those
ending in `_smoke` are 10 wide, whatever their name.
"""

  @classmethod
  def named(cls, name):
    """Returns the variant of any even width, such as width_60_laptop.

    Raises:
      ValueError: the width is odd or too small.
    """
    hallway = passage.named(name)
    return hallway and _config(name, hallway)

  @staticmethod
  def oracle(config):
    """Returns the features of the hallway and of the agent in it."""
    hallway, time = config.world, config.length
    return {
      'pose': rlds.array((time, 3), np.int32),
      'clue': rlds.array((), np.int32),
      'choice': rlds.array((2,), np.int32),
      'side': rlds.array((), np.int32),
      'distractors': rlds.array((hallway.width,), np.int32),
      'success': rlds.array((), np.bool_),
    } | rlds.movers(time, hallway.movers)

  @staticmethod
  def maker(config, split, size):
    """Returns `(first) -> records`, as `Builder.maker` says."""
    shoot, keys = _camera(config.world), builder.keys(config, split, size)
    return lambda first: rlds.records(shoot(keys(first)))

  @staticmethod
  def environment(config):
    """Returns the hallway as a brax environment."""
    from datasets.worlds import hallway

    return hallway.DistractingMemory(config.world)

  @staticmethod
  def visible(config, episode):
    """Returns which cells of chance are in view, bool [T, S]."""
    from datasets.worlds import hallway_plan

    return hallway_plan.visible(config.world, episode)

  @staticmethod
  def chart(config, episode) -> charts.Chart:
    """Returns the hallway from above, and when the clue was seen."""
    from datasets.worlds import hallway_plan

    return hallway_plan.chart(config.world, episode)


@functools.cache
def _camera(hallway):
  """Returns `(keys [B, 2]) -> episodes`, compiled once for all splits."""
  import jax

  from datasets.worlds import shuttle

  return jax.jit(jax.vmap(functools.partial(shuttle.film, hallway)))
