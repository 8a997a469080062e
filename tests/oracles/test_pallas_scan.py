"""The kernel, interpreted, against the scan step by step; that it lowers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wm.ssm import pallas_scan, scan

# Several blocks of time, of states and of rows, all with an edge.
SHAPES = [(3, 140, 5), (3, 140, 200), (9, 7, 5)]


def case(batch, length, order):
  keys = jax.random.split(jax.random.key(0), 5)

  def normal(key, *shape):
    return jax.random.normal(key, shape, jnp.complex64)

  angle = jax.random.uniform(keys[0], (order,), maxval=3)
  return (
    0.9 * jnp.exp(1j * angle),
    normal(keys[1], batch, length, order),
    normal(keys[2], batch, order),
    normal(keys[3], batch, length, order),
    jax.random.bernoulli(keys[4], 0.05, (batch, length)),
  )


@functools.partial(jax.jit, static_argnums=0)
def values_and_gradients(way, a, b, x_0, g, is_first):
  x, pull = jax.vjp(lambda a, b, x_0: way(a, b, x_0, is_first), a, b, x_0)
  return x, pull(g)


@pytest.mark.parametrize('starts', [False, True])
@pytest.mark.parametrize('shape', SHAPES)
def test_the_kernel_is_the_scan_step_by_step(shape, starts):
  *arrays, is_first = case(*shape)
  is_first = is_first if starts else None
  got, want = (
    values_and_gradients(way, *arrays, is_first)
    for way in (scan.pallas, scan.sequential)
  )
  jax.tree.map(
    functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-4),
    got,
    want,
  )


def test_nothing_of_a_nan_past_crosses_blocks_and_a_start():
  a, b, x_0, g, is_first = case(*SHAPES[0])
  start = 100
  is_first = is_first.at[:, start].set(True)
  g = g.at[:, :start].set(0)
  x, (_, db, _) = values_and_gradients(
    scan.pallas, a, b.at[:, :start].set(jnp.nan), x_0, g, is_first
  )
  want, (_, want_db, _) = values_and_gradients(
    scan.pallas, a, b, x_0, g, is_first
  )
  np.testing.assert_array_equal(x[:, start:], want[:, start:])
  np.testing.assert_array_equal(db, want_db)


@pytest.mark.parametrize('reverse', [False, True])
@pytest.mark.parametrize('shape', SHAPES)
def test_a_tpu_gets_the_kernel(shape, reverse):
  a, b, _, _, is_first = case(*shape)
  traced = jax.jit(pallas_scan.scan, static_argnums=3).trace(
    a, b, is_first, reverse
  )
  for platform, kernels in ('tpu', 1), ('cpu', 0):
    text = traced.lower(lowering_platforms=(platform,)).as_text()
    assert text.count('@tpu_custom_call') == kernels
