"""What the parts of a training step take, each alone, with gradients."""

import jax
import jax.numpy as jnp

from experiments.benchmarks import clock, zoo
from wm.models import losses


def shares(
  members: zoo.Members = zoo.zoo,
  batch: int = 8,
  length: int = 1024,
  repetitions: int = 5,
) -> clock.Report:
  """Measures encoder, decoder with its loss, and every backbone.

  Args:
    members: whose backbones.
    batch: episodes that an update has the frames of.
    length: T of an episode.
    repetitions: rounds.
  """
  image = zoo.batch(None, batch, length)['image']
  frames = image.shape[:2]
  encoder, decoder = zoo.encoder(zoo.FRAME), zoo.decoder(zoo.FRAME)

  def encoded(params):
    return jnp.sum(jnp.square(encoder.apply(params, image)))

  def decoded(params, x):
    return jnp.sum(losses.image_error(decoder.apply(params, x), image))

  x = jnp.zeros((*frames, 2 * zoo.UNITS))
  programs = {
    'encoder': _program(encoded, _params(encoder, image)),
    'decoder': _program(decoded, _params(decoder, x), x),
  }
  for name, member in members().items():
    backbone = member.backbone(length)
    wide = zoo.wide(member.chunk or length, batch, length)
    data = zoo.batch(member.chunk, wide, length)
    u = jnp.zeros((*data['mask'].shape, zoo.UNITS))
    remembered = _remembered(backbone, data)
    programs[name] = _program(remembered, _params(backbone, u), u)
  rows = {
    name: {
      'part': 'share',
      'what': name,
      'length': length,
      'frames': batch * length,
    }
    for name in programs
  }
  clock.race(programs, rows, repetitions)
  return clock.Report(list(rows.values()), {})


def _params(net, x):
  return jax.jit(net.init)(jax.random.key(0), x)


def _program(scalar, *arguments):
  numbers = tuple(range(len(arguments)))
  return clock.program(jax.grad(scalar, numbers), *arguments)


def _remembered(backbone, data):
  """As in training: chunks meet a memory and starts, whole episodes neither."""
  is_first = data.get('is_first')
  carry = None if is_first is None else backbone.initial(len(is_first))

  def remembered(params, u):
    return jnp.sum(jnp.square(backbone.apply(params, carry, u, is_first)[1]))

  return remembered
