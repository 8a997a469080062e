"""The affine scan against a loop in numpy, and against memax's LRU."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from memax.linen.semigroups import lru

from wm.ssm import scan

B, T, P = 2, 7, 3
WAYS = [scan.sequential, scan.associative, scan.pallas, scan.by_platform]
STARTS = np.array([[0, 0, 1, 0, 0, 1, 1], [1, 0, 0, 0, 1, 0, 0]], bool)


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def way(request):
  return request.param


def loop(a, b, x_0, is_first):
  """x_t = a x_{t-1} + b_t in float64."""
  x = np.zeros((B, P), complex) if x_0 is None else x_0
  found = []
  for t in range(b.shape[1]):
    for row in range(B):
      if is_first is not None and is_first[row, t]:
        x = x.copy()
        x[row] = 0
    x = a * x + b[:, t]
    found.append(x)
  return np.stack(found, 1)


def case(length=T):
  draw = np.random.default_rng(0)

  def normal(*shape):
    return draw.normal(size=shape) + 1j * draw.normal(size=shape)

  a = np.exp(-0.1 * draw.uniform(size=P) + 3j * draw.uniform(size=P))
  return a, normal(B, length, P), normal(B, P)


def single(*arrays):
  return [jnp.asarray(x, jnp.complex64) for x in arrays]


@pytest.mark.parametrize('length', [1, 2, T])
@pytest.mark.parametrize('starts', [False, True])
@pytest.mark.parametrize('past', [False, True])
def test_the_scan_is_a_loop(way, length, starts, past):
  a, b, x_0 = case(length)
  is_first = STARTS[:, :length] if starts else None
  want = loop(a, b, x_0 if past else None, is_first)
  a, b, x_0 = single(a, b, x_0)
  is_first = None if is_first is None else jnp.asarray(is_first)
  got = jax.jit(way)(a, b, x_0 if past else None, is_first)
  np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize('starts', [False, True])
def test_gradients_are_finite_differences(way, starts):
  is_first = STARTS if starts else None
  weight = np.cos(np.arange(B * T * P)).reshape(B, T, P)
  weight = weight + 1j * weight[::-1]

  def oracle(*arrays):
    return np.sum(weight * loop(*arrays, is_first)).real

  def loss(*arrays):
    first = None if is_first is None else jnp.asarray(is_first)
    return jnp.sum(single(weight)[0] * way(*arrays, first)).real

  arrays = case()
  got = jax.jit(jax.grad(loss, (0, 1, 2)))(*single(*arrays))
  for i, x in enumerate(arrays):
    for j in np.ndindex(x.shape):
      slope = []
      for unit in 1, 1j:
        step = np.zeros_like(x)
        step[j] = 1e-6 * unit
        more, less = (
          oracle(*arrays[:i], x + sign * step, *arrays[i + 1 :])
          for sign in (1, -1)
        )
        slope.append((more - less) / 2e-6)
      # JAX's convention: the loss changes by the real part of slope times step.
      assert got[i][j] == pytest.approx(slope[0] - 1j * slope[1], abs=1e-4)


def test_nothing_of_a_nan_past_remains(way):
  a, b, x_0 = single(*case())
  is_first = jnp.zeros((B, T), bool).at[:, 4].set(True)
  spoilt = b.at[:, :4].set(jnp.nan)
  nan = jnp.full_like(x_0, jnp.nan)

  def late(b, x_0):
    x = way(a, b, x_0, is_first)[:, 4:]
    return jnp.sum(jnp.abs(x) ** 2), x

  grad = jax.jit(jax.grad(late, (0, 1), has_aux=True))
  (db, dx_0), x = grad(spoilt, nan)
  (want_db, want_dx_0), want = grad(b, x_0)
  np.testing.assert_array_equal(x, want)
  np.testing.assert_array_equal(db, want_db)
  np.testing.assert_array_equal(dx_0, want_dx_0)


def test_a_nan_carry_that_meets_a_start_spoils_no_gradient(way):
  a, b, x_0 = single(*case())
  is_first = jnp.zeros((B, T), bool).at[:, 0].set(True)

  def loss(a, b, x_0):
    return jnp.sum(jnp.abs(way(a, b, x_0, is_first)) ** 2)

  grad = jax.jit(jax.grad(loss, (0, 1, 2)))
  nan = jnp.full_like(x_0, jnp.nan)
  jax.tree.map(np.testing.assert_array_equal, grad(a, b, nan), grad(a, b, x_0))


def test_the_backward_pass_keeps_the_states_alone(way):
  a, b, x_0 = single(*case(64))
  is_first = jnp.zeros((B, 64), bool)
  _, pull = jax.vjp(lambda a, b: way(a, b, None, is_first), a, b)
  kept = sum(x.size for x in jax.tree.leaves(pull))
  assert kept == a.size + b.size + is_first.size


@pytest.mark.parametrize('past', [False, True])
def test_the_scan_is_that_of_memaxs_lru(way, past):
  """Its semigroup with resets, with its parameters, inputs and start flags."""
  model = lru.LRU(
    algebra=lru.LRU.default_algebra(recurrent_size=P),
    scan=lru.LRU.default_scan(),
    hidden_size=P,  # Its own annotation asks for as many as states.
    recurrent_size=P,
  )
  u = jax.random.normal(jax.random.key(0), (B, T, P))
  _, _, x_0 = single(*case())
  x_0 = x_0 if past else jnp.zeros_like(x_0)
  starts = jnp.asarray(STARTS)
  before = (jnp.ones(P, jnp.complex64), x_0[0]), jnp.array(False)
  params = model.init(jax.random.key(1), before, (u[0], starts[0]))
  want = []
  for row in range(B):
    before = (jnp.ones(P, jnp.complex64), x_0[row]), jnp.array(False)
    after, _ = model.apply(params, before, (u[row], starts[row]))
    (_, x), _ = after
    want.append(x)

  p = params['params']
  a = jnp.exp(-jnp.exp(p['nu_log']) + 1j * jnp.exp(p['theta_log']))
  weight = jnp.exp(p['gamma_log'])[:, None] * (p['B_re'] + 1j * p['B_im'])
  got = way(a, u @ weight.T, x_0, starts)
  np.testing.assert_allclose(got, jnp.stack(want), atol=1e-5)
