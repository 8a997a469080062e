"""TFDS builder of the 3D rooms: two, four and ten rooms in three sizes."""

import numpy as np
import tensorflow_datasets as tfds

from datasets import builder, rlds
from datasets.worlds import chart as charts
from datasets.worlds import layout as layouts

EPISODES = {
  'laptop': {'train': 2048, 'val': 64, 'test': 64},
  'smoke': {'train': 8, 'val': 4, 'test': 4},
  '': {'train': 28000, 'val': 1000, 'test': 1000},
}
"""Number of episodes by the last word of a configuration's name."""

RENDERED = 256
"""Frames rendered by one call."""


def _config(name: str, layout: layouts.Layout) -> rlds.Config:
  return rlds.config(
    name,
    f'{layout.rooms} rooms, {layout.context} | {layout.query} steps of '
    f'context | query, {layout.size}x{layout.size} pixels.',
    layout,
    EPISODES,
  )


class Rooms(builder.Builder):
  """3D rooms."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First release.'}
  BUILDER_CONFIGS = [_config(*item) for item in layouts.LAYOUTS.items()]
  ARGUMENTS = ('action_noise', 'movers', 'query', 'stretch')
  DESCRIPTION = """
First-person walks through rooms of one wall colour each, with coloured domes.
A scripted policy tours all rooms while the model sees (the context) and walks
through rooms already seen while it imagines (the query). Wall colours, object
colours and object positions have to be remembered. In the `_teleport` variants
the walker is put back to an earlier pose of its own way at the end of the tour,
a short stretch is seen from there, and what follows has to be recalled.
The look and the colours follow the paper's figures; geometry, number of
objects, turn and step sizes and the script are this project's choice
(`datasets/worlds/layout.py`), for the authors' data were not released.
Configurations ending in `_laptop` and `_smoke` are smaller than the paper's.
"""

  @staticmethod
  def oracle(config):
    """Returns the features of the rooms' hidden state."""
    layout, time = config.world, config.length
    return {
      'pose': rlds.array((time, 3), np.int32),
      'room': rlds.array((time,), np.int32),
      'visible': rlds.array((time, layout.panels + layout.objects), np.bool_),
      'wall_color': rlds.array((layout.rows, layout.cols), np.int32),
      'object_position': rlds.array((layout.objects, 2), np.int32),
      'object_color': rlds.array((layout.objects,), np.int32),
      'object_present': rlds.array((layout.objects,), np.bool_),
    } | ({'source': rlds.array((), np.int32)} if layout.stretch else {})

  @staticmethod
  def maker(config, split, size):
    """Returns `(first) -> records`, as `Builder.maker` says."""
    from datasets.worlds import film

    shoot = film.camera(config.world, RENDERED)
    keys = builder.keys(config, split, size)

    return lambda first: [rlds.record(**take) for take in shoot(keys(first))]

  @staticmethod
  def environment(config):
    """Returns the rooms as a brax environment."""
    from datasets.worlds import rooms

    return rooms.Rooms(config.world)

  @staticmethod
  def visible(config, episode):
    """Returns which panels of walls and domes are in view, bool [T, S]."""
    del config
    return np.asarray(episode['oracle']['visible'])

  @staticmethod
  def chart(config, episode) -> charts.Chart:
    """Returns the rooms from above, with what was seen of them."""
    from datasets.worlds import floor_plan

    return floor_plan.chart(config.world, episode)
