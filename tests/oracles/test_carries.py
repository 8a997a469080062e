"""What the carries of chosen steps cost: never the states of all steps."""

import jax
import jax.numpy as jnp
import pytest

from wm.backbones import s4, s4d
from wm.ssm import discretize, hippo

BATCH, LENGTH, WIDTH, ORDER = 2, 1024, 16, 64
LAYERS = {
  's4': s4.layer(WIDTH, ORDER, LENGTH, 1e-3, 1e-1),
  's4d': s4d.layer(
    WIDTH, hippo.s4d_legs(ORDER), discretize.zoh, 1e-3, 1e-1
  ),
}


@pytest.mark.parametrize('name', LAYERS)
def test_memory_is_that_of_a_few_states(name):
  layer = LAYERS[name]
  u = jax.ShapeDtypeStruct((BATCH, LENGTH, WIDTH), jnp.float32)
  steps = jax.ShapeDtypeStruct((BATCH, 4), jnp.int32)
  params = jax.eval_shape(layer.init, jax.random.key(0), u)

  def chosen(params, u, steps):
    return layer.carries(params, None, u, None, steps)

  def last(params, u, steps):
    return layer.apply(params, None, u, None)

  every_state = BATCH * LENGTH * WIDTH * ORDER * 4
  for function in chosen, last:
    compiled = jax.jit(function).lower(params, u, steps).compile()
    held = compiled.memory_analysis().temp_size_in_bytes
    assert held < every_state / 2
