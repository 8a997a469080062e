"""Heads against SciPy and against minimising by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.special
import scipy.stats

from wm.nets import heads

TARGETS = jnp.array([-30.0, -1.0, 0.0, 0.5, 1.0, 7.0])


def test_bernoulli_is_scipys():
  head, stats = heads.bernoulli(), np.linspace(-5, 5, 12).reshape(2, 6, 1)
  target = np.arange(12.0).reshape(2, 6) % 2
  p = scipy.special.expit(stats[..., 0])
  want = -scipy.stats.bernoulli.logpmf(target, p)
  stats = jnp.asarray(stats, jnp.float32)
  np.testing.assert_allclose(head.loss(stats, target), want, rtol=1e-4)
  np.testing.assert_allclose(head.mean(stats), p, rtol=1e-5)
  assert np.isnan(head.loss(stats, 2 * target)[target > 0]).all()


@pytest.mark.parametrize('bins', [41, 255])
def test_two_hot_comes_to_expect_its_targets(bins):
  head, optimizer = heads.two_hot(bins=bins), optax.adam(0.3)

  @jax.jit
  def fit(stats):
    def update(carry, _):
      stats, state = carry
      grads = jax.grad(lambda s: head.loss(s, TARGETS).sum())(stats)
      updates, state = optimizer.update(grads, state)
      return (optax.apply_updates(stats, updates), state), None

    return jax.lax.scan(update, (stats, optimizer.init(stats)), None, 400)[0][0]

  stats = fit(jnp.zeros((len(TARGETS), bins)))
  np.testing.assert_allclose(head.mean(stats), TARGETS, rtol=0.02, atol=0.01)


def test_two_hot_shares_a_target_between_its_neighbours():
  head = heads.two_hot(bins=5, limit=2.0)
  target = np.expm1(0.25)  # A quarter of the way from bin 2 to bin 3.
  stats = jnp.array([0.1, -0.4, 0.3, 0.9, 0.0])
  log_p = scipy.special.log_softmax(np.asarray(stats))
  want = -0.75 * log_p[2] - 0.25 * log_p[3]
  np.testing.assert_allclose(head.loss(stats, target), want, rtol=1e-5)
  assert head.loss(stats, 1e9) == pytest.approx(-log_p[4], rel=1e-5)


def test_one_bin_is_refused():
  with pytest.raises(ValueError, match=r'heads\.two_hot\.bins'):
    heads.two_hot(bins=1)
