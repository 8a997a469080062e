"""One layer, forward and backward, against one GRU layer scanned over time."""

import importlib.util

import flax.linen as nn
import jax
import jax.numpy as jnp

from experiments.benchmarks import clock
from third_party import memax
from wm.backbones import gru, s4, s4d, s5, stack
from wm.nets import layers
from wm.ssm import discretize, hippo, scan
from wm.types import Net

_STEPS = 1e-3, 1e-1


def one_layer(
  width: int = 256,
  order: int = 64,
  batch: int = 8,
  length: int = 1024,
  repetitions: int = 9,
) -> clock.Report:
  """Measures layers, and a whole block of S4: two layers and the MLP.

  Beside ours run the GRU of flax and, where it is installed, the LRU of memax.

  Args:
    width: D of all layers.
    order: N, states per channel; an S5 layer has D / 2 in all.
    batch: B.
    length: T.
    repetitions: rounds.
  """
  members = {
    'gru': gru.layer(width),
    's5': s5.layer(
      width, width // 2, 8, discretize.zoh, scan.by_platform, *_STEPS
    ),
    's4d': s4d.layer(width, hippo.s4d_legs(order), discretize.zoh, *_STEPS),
    's4': s4.layer(width, order, length, *_STEPS),
    's4_block': stack.block(
      lambda: s4.layer(width, order, length, *_STEPS), width
    ),
    'flax_gru': stack.lift(layers.from_linen(nn.RNN(nn.GRUCell(width)))),
  }
  if importlib.util.find_spec('memax'):
    members['memax_lru'] = stack.lift(Net(*memax.lru_layer(width)))

  u = jax.random.normal(jax.random.key(0), (batch, length, width))
  programs, rows = {}, {}
  for name, member in members.items():
    params = jax.jit(member.init)(jax.random.key(1), u)
    programs[name] = clock.program(_gradient(member), params, u)
    rows[name] = {
      'part': 'layer',
      'what': name,
      'length': length,
      'frames': batch * length,
      'rows': batch,
    }
  seconds = clock.race(programs, rows, repetitions)
  ratios = {
    f'layer_gru_over_{name}': clock.over(seconds['gru'], seconds[name])
    for name in members
    if name not in ('gru', 's4_block')
  }
  ratios['s4_block_over_layer_gru'] = clock.over(
    seconds['s4_block'], seconds['gru']
  )
  return clock.Report(list(rows.values()), ratios)


def _gradient(member):
  """Derivatives of a scalar by parameters and input."""

  def scalar(params, u):
    _, h = member.apply(params, None, u, None)
    return jnp.sum(jnp.square(h))

  return jax.grad(scalar, (0, 1))
