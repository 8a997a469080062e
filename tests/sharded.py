"""World models on eight virtual devices, in a process of its own.

    python -m tests.sharded equal s5      # one device and a mesh, compared
    python -m tests.sharded exchanged s5  # bytes, at two lengths
    python -m tests.sharded refused gru   # what is said
    python -m tests.sharded convolved 64  # bytes of a convolution of rows

Prints JSON. A process of its own, since devices are counted as JAX starts.
"""

import json
import os
import sys

os.environ['XLA_FLAGS'] = '--xla_force_host_platform_device_count=8'
os.environ['NPROC'] = '16'  # With fewer threads, devices wait for each other.

import jax  # noqa: E402
import numpy as np  # noqa: E402
import optax  # noqa: E402

from experiments import collectives  # noqa: E402
from tests import members  # noqa: E402
from wm.models import latents, observe, world_model  # noqa: E402
from wm.nets import images  # noqa: E402
from wm.ssm import fft  # noqa: E402
from wm.train import learner, sharding, stretches  # noqa: E402

STEPWISE = 'gru', 'leaky'
"""Backbones that go through time step by step."""


def build(name):
  """Returns a small world model around a backbone."""
  recurrent = name == 'gru'
  return world_model.world_model(
    (8, 8, 3),
    3,
    members.small(name),
    latents.categorical(4, 4),
    lambda shape: images.patch_encoder(shape, depth=8),
    lambda shape: images.patch_decoder(shape, depth=8),
    observe.recurrent() if recurrent else observe.parallel(),
    units=8,
  )


def data(length):
  """Returns a batch of four rows whose masks have holes."""
  draw = np.random.default_rng(0)
  return {
    'image': draw.integers(255, size=(4, length, 8, 8, 3), dtype=np.uint8),
    'prev_action': draw.normal(size=(4, length, 3)).astype(np.float32),
    'mask': (draw.uniform(size=(4, length)) < 0.8).astype(np.float32),
  }


def placed(name, shape, length):
  """Returns a learner on a mesh, its state, where it lies, and a batch."""
  layout = sharding.layout(*shape)
  model = stretches.over_time(layout, build(name))
  learn = learner.whole_sequences(model, optax.adam(1e-3))
  batch = sharding.place(layout, data(length))
  like = jax.eval_shape(learn.init, jax.random.key(0), batch)
  lies = sharding.of_state(layout, like)
  state = jax.jit(learn.init, out_shardings=lies)(jax.random.key(0), batch)
  return learn, state, lies, batch


def equal(name):
  """Returns an update of one device and of a mesh, compared."""
  learn, state, lies, batch = placed(
    name, (4, 1, 2) if name in STEPWISE else (2, 2, 2), 32
  )
  update = jax.jit(learn.update, out_shardings=(lies, None))
  one = learner.whole_sequences(build(name), optax.adam(1e-3))
  start = jax.device_get(state)
  after, found = update(state, batch)
  alone, expected = jax.jit(one.update)(start, data(32))
  gradients = after.opt_state[0].mu
  error = jax.tree.map(
    lambda x, y: float(np.abs(x - y).max() / (np.abs(x).max() + 1e-6)),
    *jax.device_get((alone.opt_state[0].mu, gradients)),
  )
  parts = jax.tree.map(
    lambda x: len({str(s.index) for s in x.addressable_shards}),
    (after.params, gradients),
  )
  return {
    'loss': [float(expected['loss']), float(found['loss'])],
    'gradient_error': max(jax.tree.leaves(error)),
    'parts': sorted(set(jax.tree.leaves(parts[0]))),
    'follows': parts[0] == parts[1],
  }


def exchanged(name):
  """Returns the bytes that a device gets in an update, by kind and length."""
  found = {}
  for length in (64, 128):
    learn, state, lies, batch = placed(name, (1, 8, 1), length)
    update = jax.jit(learn.update, out_shardings=(lies, None))
    text = update.lower(state, batch).compile().as_text()
    found[length] = collectives.by_kind(collectives.exchanges(text))
  return found


def refused(name):
  """Returns what is said where time cannot lie on devices."""
  length = 32 if name in STEPWISE else 16
  learn, state, _, batch = placed(name, (1, 8, 1), length)
  try:
    jax.eval_shape(learn.update, state, batch)
  except ValueError as error:
    return str(error)


def convolved(length):
  """Returns the bytes of a convolution of rows that lie on devices."""
  layout = sharding.layout(data=8)
  rows = np.ones((8, int(length), 3), np.float32)
  batch = sharding.place(layout, {'u': rows})
  kernel = jax.device_put(rows[0].T, sharding.everywhere(layout))

  def loss(u, kernel):
    with jax.sharding.use_abstract_mesh(layout.mesh.abstract_mesh):
      return (fft.convolve(u, kernel) ** 2).sum()

  derive = jax.jit(jax.grad(loss, (0, 1)))
  text = derive.lower(batch['u'], kernel).compile().as_text()
  return collectives.by_kind(collectives.exchanges(text))


if __name__ == '__main__':
  what = {
    'equal': equal,
    'exchanged': exchanged,
    'refused': refused,
    'convolved': convolved,
  }
  what = what[sys.argv[1]]
  print(json.dumps({name: what(name) for name in sys.argv[2:]}))
