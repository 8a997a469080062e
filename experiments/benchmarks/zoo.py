"""The five world models of the comparison, at the size of the benchmark.

As `experiments/configs/models` puts them together, with the encoder and decoder
of `laptop.gin`, in one process, so that they can take turns.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from wm.backbones import gru, s4, s4d, s5, transformer_xl
from wm.models import latents, world_model
from wm.models import observe as observing
from wm.nets import images
from wm.train import learner
from wm.types import Backbone, Batch, Learner, Net, WorldModel

ACTIONS = 6
FRAME = 32, 32, 3
UNITS = 256


class Member(NamedTuple):
  """A world model and how it is trained.

  Attributes:
    backbone: `(length) -> Backbone`; S4's kernel is as long as its episodes.
    observe: `() -> Observer`.
    learner: `(model=..., optimizer=...) -> Learner`.
    chunk: steps of an update; None for whole episodes.
  """

  backbone: Callable[[int], Backbone]
  observe: Callable[[], observing.Observer]
  learner: Callable[..., Learner]
  chunk: int | None


Members = Callable[[], Mapping[str, Member]]


def zoo(width: int = 256, order: int = 64, depth: int = 2) -> dict[str, Member]:
  """Returns the five world models, with about as many parameters each.

  Args:
    width: D of the state-space models; the others' widths follow.
    order: N, states per channel of S4 and S4D; S5 has D / 2 states.
    depth: blocks of the state-space models.
  """
  size = {'width': width, 'depth': depth}

  def member(backbone):
    whole = learner.whole_sequences
    return Member(backbone, observing.parallel, whole, None)

  memory = gru.gru(width * 3 // 2)
  attention = transformer_xl.transformer_xl(
    width * 3 // 4, depth=3, heads=4, window=128
  )
  chunks = learner.carried_chunks
  return {
    's4wm': member(lambda length: s4.s4(order=order, length=length, **size)),
    's4dwm': member(lambda length: s4d.s4d(order=order, **size)),
    's5wm': member(lambda length: s5.s5(order=width // 2, **size)),
    'tssm_xl': Member(
      lambda length: attention, observing.parallel, chunks, 128
    ),
    'rssm_tbtt': Member(lambda length: memory, observing.recurrent, chunks, 48),
  }


def model(member: Member, length: int, **options: object) -> WorldModel:
  """Returns the world model of a member, for episodes of a length.

  Args:
    member: of the zoo.
    length: T.
    options: of `world_model.world_model`, in place of those of all members.
  """
  shared = {
    'image_shape': FRAME,
    'latent': latents.categorical(32, 16),
    'encoder': encoder,
    'decoder': decoder,
    'observe': member.observe(),
    'units': UNITS,
  }
  return world_model.world_model(
    num_actions=ACTIONS, backbone=member.backbone(length), **shared | options
  )


def encoder(shape: tuple[int, int, int]) -> Net:
  """Returns the encoder of all members."""
  return images.patch_encoder(shape, depth=32)


def decoder(shape: tuple[int, int, int]) -> Net:
  """Returns the decoder of all members."""
  return images.patch_decoder(shape, depth=32)


def wide(chunk: int, episodes: int, length: int) -> int:
  """Returns how many chunks have the frames of some episodes.

  So many go into an update in `loader.episode_chunks`.

  Args:
    chunk: steps of a chunk.
    episodes: how many.
    length: T of an episode.
  """
  return episodes * length // min(chunk, length)


def batch(
  chunk: int | None,
  rows: int,
  length: int,
  frame: tuple[int, int, int] = FRAME,
) -> Batch:
  """Returns noise, as a loader gives data.

  Args:
    chunk: steps of a row, inside of which episodes may start; None for whole
      episodes.
    rows: B.
    length: T of an episode.
    frame: (H, W, C).
  """
  steps = min(chunk or length, length)
  draw = np.random.default_rng(0)
  actions = draw.integers(ACTIONS, size=(rows, steps))
  fields = {
    'image': draw.integers(256, size=(rows, steps, *frame), dtype=np.uint8),
    'prev_action': np.eye(ACTIONS, dtype=np.float32)[actions],
    'mask': np.ones((rows, steps), np.float32),
  }
  if chunk is None:
    return fields
  return fields | {'is_first': draw.random((rows, steps)) < 1e-3}
