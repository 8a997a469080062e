"""TFDS builder of the 3D rooms: two, four and ten rooms in three sizes."""

import numpy as np
import tensorflow_datasets as tfds

from datasets import rlds
from datasets.worlds import layout as layouts

DESCRIPTION = """
First-person walks through rooms of one wall colour each, with coloured domes.
A scripted policy tours all rooms while the model sees (the context) and walks
through rooms already seen while it imagines (the query). Wall colours, object
colours and object positions have to be remembered. The look and the colours
follow the paper's figures; geometry, number of objects, turn and step sizes and
the script are this project's choice (`datasets/worlds/layout.py`), for the
authors' data were not released. Configurations ending in `_laptop` and `_smoke`
are smaller than the paper's.
"""

CITATION = """
@inproceedings{deng2023facing,
  title={Facing Off World Model Backbones: {RNN}s, {T}ransformers, and {S4}},
  author={Deng, Fei and Park, Junyeong and Ahn, Sungjin},
  booktitle={Advances in Neural Information Processing Systems},
  year={2023}
}
"""

EPISODES = {
  'laptop': {'train': 2048, 'val': 64, 'test': 64},
  'smoke': {'train': 8, 'val': 4, 'test': 4},
  '': {'train': 28000, 'val': 1000, 'test': 1000},
}
"""Number of episodes by the last word of a configuration's name."""

FRAMES = 4096
"""Frames made at once, about."""

RENDERED = 256
"""Frames rendered by one call."""


def _config(name: str, layout: layouts.Layout) -> rlds.Config:
  scale = name.rpartition('_')[2]
  return rlds.Config(
    name=name,
    description=f'{layout.rooms} rooms, {layout.context} | {layout.query} '
    f'steps of context | query, {layout.size}x{layout.size} pixels.',
    world=layout,
    num_actions=len(layouts.ACTIONS),
    context=layout.context,
    query=layout.query,
    frame=(layout.size, layout.size, 3),
    episodes=EPISODES.get(scale, EPISODES['']),
  )


class Rooms(tfds.core.GeneratorBasedBuilder):
  """3D rooms."""

  VERSION = tfds.core.Version('1.0.0')
  RELEASE_NOTES = {'1.0.0': 'First release.'}
  BUILDER_CONFIGS = [_config(*item) for item in layouts.LAYOUTS.items()]

  def _info(self) -> tfds.core.DatasetInfo:
    config = self.builder_config
    layout, time = config.world, config.length
    oracle = {
      'pose': rlds.array((time, 3), np.int32),
      'room': rlds.array((time,), np.int32),
      'visible': rlds.array((time, layout.panels + layout.objects), np.bool_),
      'wall_color': rlds.array((layout.rows, layout.cols), np.int32),
      'object_position': rlds.array((layout.objects, 2), np.int32),
      'object_color': rlds.array((layout.objects,), np.int32),
      'object_present': rlds.array((layout.objects,), np.bool_),
    }
    return tfds.core.DatasetInfo(
      builder=self,
      description=DESCRIPTION,
      citation=CITATION,
      homepage='https://arxiv.org/abs/2307.02064',
      features=rlds.features(config, oracle),
      disable_shuffling=True,
      metadata=tfds.core.MetadataDict(
        config.facts, layout=dict(layout._asdict())
      ),
    )

  def _split_generators(self, dl_manager):
    del dl_manager
    return {
      split: self._generate_examples(split)
      for split in self.builder_config.episodes
    }

  def _generate_examples(self, split):
    config = self.builder_config
    size = max(1, min(FRAMES // config.length, config.episodes[split]))
    return rlds.generate(
      maker(config, split, size),
      config.episodes[split],
      size,
      f'rooms/{config.name} {split}',
    )


def maker(config: rlds.Config, split: str, size: int):
  """Returns `(first) -> records` of `size` episodes of a split.

  An episode depends on the seed, the split and its index alone.
  """
  import jax

  from datasets.worlds import film

  key = jax.random.PRNGKey(config.seed)
  key = jax.random.fold_in(key, rlds.SPLITS.index(split))
  shoot = film.camera(config.world, RENDERED)

  def make(first):
    keys = jax.vmap(jax.random.fold_in, (None, 0))(
      key, np.arange(first, first + size)
    )
    takes = shoot(keys)
    return [
      rlds.record(
        image=take.pop('image'),
        action=take.pop('action'),
        reward=np.zeros(config.length),
        oracle=take,
      )
      for take in takes
    ]

  return make
