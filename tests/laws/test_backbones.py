"""Laws of every backbone: files of wm/backbones with a like-named function."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import members
from tests.members import BATCH, inputs, params_of, small
from wm.backbones import views


@functools.cache
def parallel(name):
  return jax.jit(small(name).apply)


@functools.cache
def recurrent(name):
  backbone = small(name)
  return jax.jit(
    views.apply_from_step(backbone.initial, backbone.prepare, backbone.step)
  )


@functools.cache
def some_carry(name):
  return parallel(name)(params_of(name), None, inputs(16, seed=2), None)[0]


def close(got, want, relative=3e-5):
  jax.tree.map(functools.partial(_close, relative=relative), got, want)


def _close(got, want, relative):
  got, want = np.asarray(got), np.asarray(want)
  scale = np.abs(want).max() if want.size else 0
  np.testing.assert_allclose(got, want, rtol=0, atol=relative * scale + 1e-7)


@pytest.fixture(params=members.BACKBONES)
def name(request):
  return request.param


# The small ones have kernels of 16: shorter, equal, longer and no multiple.
@pytest.mark.parametrize('length', [5, 16, 37])
def test_parallel_is_recurrent(name, length):
  u, params = inputs(length), params_of(name)
  for carry in None, some_carry(name):
    want = recurrent(name)(params, carry, u, None)
    close(parallel(name)(params, carry, u, None), want)


@functools.cache
def gradient(name, view):
  def loss(params, carry, u, is_first):
    after, h = view(name)(params, carry, u, is_first)
    leaves = jax.tree.leaves(after)
    outputs = [h, *[x.real for x in leaves], *[x.imag for x in leaves]]
    return sum(jnp.sum(x * wave(x.shape)) for x in outputs)

  def slopes(*args):
    leaves = jax.tree.leaves(jax.grad(loss, (0, 1, 2), allow_int=True)(*args))
    return [x for x in leaves if x.dtype != jax.dtypes.float0]

  return jax.jit(slopes)


def wave(shape):
  return jnp.cos(jnp.arange(np.prod(shape))).reshape(shape)


def test_gradients_parallel_are_recurrent(name):
  u, params = inputs(37), params_of(name)
  got = gradient(name, parallel)(params, some_carry(name), u, None)
  want = gradient(name, recurrent)(params, some_carry(name), u, None)
  close(got, want, 3e-4)
  for leaf in jax.tree.leaves(got):
    assert np.abs(leaf).max() > 0


def test_gradients_of_an_empty_past_are_recurrent(name):
  u, params = inputs(16), params_of(name)
  got = gradient(name, parallel)(params, None, u, None)
  close(got, gradient(name, recurrent)(params, None, u, None), 3e-4)


def test_no_carry_is_the_initial_carry(name):
  u, params = inputs(16), params_of(name)
  got = parallel(name)(params, None, u, None)
  initial = small(name).initial(BATCH)
  close(got, parallel(name)(params, initial, u, None))


def test_chunked_is_whole(name):
  u, params = inputs(37), params_of(name)
  carry, h = None, []
  for chunk in u[:, :5], u[:, 5:21], u[:, 21:]:
    carry, part = parallel(name)(params, carry, chunk, None)
    h.append(part)
  want = parallel(name)(params, None, u, None)
  close((carry, jnp.concatenate(h, 1)), want)


def test_causal(name):
  u, params = inputs(16), params_of(name)

  def at(u, t):
    return parallel(name)(params, None, u, None)[1][:, t].sum(0) @ wave((8,))

  slope = np.abs(jax.jit(jax.grad(at))(u, 9)).max((0, 2))
  assert (slope[10:] < 1e-6 * slope.max()).all()
  assert (slope[:10] > 1e-5 * slope.max()).all()


def test_reset_is_a_fresh_start(name):
  u, params = inputs(16), params_of(name)
  is_first = jnp.zeros((BATCH, 16), bool).at[:, 7].set(True)
  carry, h = parallel(name)(params, some_carry(name), u, is_first)
  want = parallel(name)(params, None, u[:, 7:], None)
  close((carry, h[:, 7:]), want)
  unbroken = parallel(name)(params, some_carry(name), u, None)[1]
  close(h[:, :7], unbroken[:, :7])
  assert np.abs(h[:, 7:] - unbroken[:, 7:]).max() > 1e-3


def test_resets_are_of_rows(name):
  u, params = inputs(16), params_of(name)
  is_first = jnp.zeros((BATCH, 16), bool).at[1, 7].set(True)
  _, h = parallel(name)(params, None, u, is_first)
  _, unbroken = parallel(name)(params, None, u, None)
  close(h[::2], unbroken[::2])
  assert np.abs(h[1, 7:] - unbroken[1, 7:]).max() > 1e-3


def test_nothing_of_a_nan_past_remains(name):
  params = params_of(name)
  nan = functools.partial(jnp.full_like, fill_value=jnp.nan)
  carry = jax.tree.map(nan, some_carry(name))
  u = inputs(16)
  u = u.at[:, :7].set(nan(u[:, :7]))
  is_first = jnp.zeros((BATCH, 16), bool).at[:, 7].set(True)
  after, h = parallel(name)(params, carry, u, is_first)
  close((after, h[:, 7:]), parallel(name)(params, None, u[:, 7:], None))

  def loss(u):
    return parallel(name)(params, carry, u, is_first)[1][:, 7:].sum()

  assert np.isfinite(jax.jit(jax.grad(loss))(u)[:, 7:]).all()


def test_gradients_do_not_see_a_nan_carry(name):
  nan = functools.partial(jnp.full_like, fill_value=jnp.nan)
  is_first = jnp.zeros((BATCH, 16), bool).at[:, 0].set(True)
  args = inputs(16), is_first
  carry = jax.tree.map(nan, some_carry(name))
  got = gradient(name, parallel)(params_of(name), carry, *args)
  initial = small(name).initial(BATCH)
  want = gradient(name, parallel)(params_of(name), initial, *args)
  close(got, want)


def test_rows_are_independent(name):
  u, params = inputs(37), params_of(name)
  spoilt = u.at[0].set(jnp.nan)
  got = parallel(name)(params, some_carry(name), spoilt, None)
  want = parallel(name)(params, some_carry(name), u, None)
  close(*jax.tree.map(lambda x: x[1:], (got, want)))


def test_carry_keeps_its_kind(name):
  backbone = small(name)
  kind = functools.partial(jax.tree.map, lambda x: (x.shape, x.dtype))
  want = kind(jax.eval_shape(lambda: backbone.initial(BATCH)))
  u, params, first = inputs(16), params_of(name), jnp.zeros((BATCH, 16), bool)
  for carry in None, some_carry(name):
    for is_first in None, first:
      after = jax.eval_shape(backbone.apply, params, carry, u, is_first)
      assert kind(after[0]) == want
  ready = jax.eval_shape(backbone.prepare, params)
  for is_first in None, first[:, 0]:
    carry, h = jax.eval_shape(
      backbone.step, ready, some_carry(name), u[:, 0], is_first
    )
    assert kind(carry) == want
    assert (h.shape, h.dtype) == ((BATCH, members.WIDTH), jnp.float32)


def test_a_step_is_a_sequence_of_one(name):
  u, params = inputs(1), params_of(name)
  ready = small(name).prepare(params)
  carry, h = small(name).step(ready, some_carry(name), u[:, 0], None)
  got = parallel(name)(params, some_carry(name), u, None)
  close(got, (carry, h[:, None]))


def test_long_sequences_are_finite(name):
  u, params = inputs(4096), params_of(name)
  for view in parallel, recurrent:
    _, h = view(name)(params, None, u, None)
    assert np.isfinite(h).all()
  for leaf in jax.tree.leaves(gradient(name, parallel)(params, None, u, None)):
    assert np.isfinite(leaf).all()


def test_works_under_vmap(name):
  u, params = inputs(16), params_of(name)
  two = jax.vmap(small(name).apply, (None, None, 0, None))
  _, h = jax.jit(two)(params, None, jnp.stack([u, 2 * u]), None)
  close(h[0], parallel(name)(params, None, u, None)[1])


@functools.cache
def carries(name):
  return jax.jit(small(name).carries)


@functools.cache
def every_carry(name):
  """`(params, carry, u, is_first) -> carries` after each step, by steps."""
  backbone = small(name)

  def run(params, carry, u, is_first):
    ready = backbone.prepare(params)

    def body(carry, x):
      carry, _ = backbone.step(ready, carry, *x)
      return carry, carry

    inputs = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), (u, is_first))
    after = jax.lax.scan(body, carry, inputs)[1]
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), after)

  return jax.jit(run)


# Twice the same, out of order, the first and the last.
STEPS = np.array([[0, 5, 9, 5], [36, 1, 17, 2], [16, 35, 3, 4]])


@pytest.mark.parametrize('resets', [False, True])
def test_the_carry_of_a_step_is_that_of_the_prefix(name, resets):
  u, params = inputs(37), params_of(name)
  is_first = jnp.zeros((BATCH, 37), bool).at[1, 11].set(True)
  is_first = is_first if resets else None
  for carry in None, some_carry(name):
    got, h = carries(name)(params, carry, u, is_first, STEPS)
    close(h, parallel(name)(params, carry, u, is_first)[1])
    past = small(name).initial(BATCH) if carry is None else carry
    every = every_carry(name)(params, past, u, is_first)
    close(got, views.pick(every, jnp.asarray(STEPS)))


def test_the_last_carry_is_that_of_the_sequence(name):
  u, params = inputs(16), params_of(name)
  last = np.full((BATCH, 1), 15)
  got, _ = carries(name)(params, some_carry(name), u, None, last)
  want, _ = parallel(name)(params, some_carry(name), u, None)
  close(jax.tree.map(lambda x: x[:, 0], got), want)
