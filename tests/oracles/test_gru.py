"""The GRU against a loop in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wm.backbones import gru

BATCH, LENGTH, INPUT, WIDTH = 3, 11, 5, 8


def sigmoid(x):
  return 1 / (1 + np.exp(-x))


def by_hand(params, h, u, is_first):
  """All memories of one layer, in float64."""
  W, R, scale, bias = (
    np.float64(x)
    for x in (
      params['input']['kernel'],
      params['cell']['recurrent']['kernel'],
      params['cell']['norm']['scale'],
      params['cell']['norm']['bias'],
    )
  )
  after = []
  for t in range(LENGTH):
    h = np.where(is_first[:, t, None], 0, h)
    gates = u[:, t] @ W + h @ R
    mean, variance = gates.mean(-1, keepdims=True), gates.var(-1, keepdims=True)
    gates = (gates - mean) / np.sqrt(variance + 1e-3) * scale + bias
    reset, candidate, update = np.split(gates, 3, -1)
    candidate = np.tanh(sigmoid(reset) * candidate)
    update = sigmoid(update - 1)
    h = update * candidate + (1 - update) * h
    after.append(h)
  return np.stack(after, 1)


@pytest.mark.parametrize('depth', [1, 2])
def test_it_is_a_loop(depth):
  backbone = gru.gru(WIDTH, depth)
  draw = np.random.default_rng(0)
  u = draw.normal(size=(BATCH, LENGTH, INPUT))
  is_first = draw.random((BATCH, LENGTH)) < 0.2
  params = backbone.init(jax.random.key(0), jnp.float32(u))
  params = jax.tree.map(
    lambda x: jnp.float32(x + 0.1 * draw.normal(size=x.shape)), params
  )
  carry = {
    f'layer_{j}': {
      'input': (),
      'cell': jnp.float32(draw.normal(size=(BATCH, WIDTH))),
    }
    for j in range(depth)
  }
  got_carry, got = jax.jit(backbone.apply)(
    params, carry, jnp.float32(u), is_first
  )
  want = u
  for name, past in carry.items():
    want = by_hand(params[name], np.float64(past['cell']), want, is_first)
    last = got_carry[name]['cell']
    np.testing.assert_allclose(last, want[:, -1], atol=2e-6)
  np.testing.assert_allclose(got, want, atol=2e-6)
