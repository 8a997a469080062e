"""Laws of latents: divergences and samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wm.models import latents


def test_kl_of_a_distribution_with_itself_is_zero():
  latent = latents.categorical(4, 5)
  stats = jax.random.normal(jax.random.key(0), (7, latent.stats))
  np.testing.assert_allclose(latent.kl(stats, stats), 0, atol=1e-6)


def test_kl_and_samples_agree_with_numpy():
  groups, classes, unimix = 2, 3, 0.1
  latent = latents.categorical(groups, classes, unimix)
  stats = jax.random.normal(jax.random.key(0), (2, groups, classes))
  p = np.exp(stats) / np.exp(stats).sum(-1, keepdims=True)
  q, p = (1 - unimix) * p + unimix / classes
  want = (q * np.log(q / p)).sum()
  flat = stats.reshape(2, -1)
  np.testing.assert_allclose(latent.kl(flat[0], flat[1]), want, rtol=1e-5)
  keys = jax.random.split(jax.random.key(1), 20_000)
  z = jax.vmap(lambda key: latent.sample(key, flat[0]))(keys)
  np.testing.assert_allclose(
    z.mean(0), q.reshape(-1), atol=0.02
  )


@pytest.mark.parametrize('unimix', [0.0, 0.01])
def test_certainty_has_a_divergence(unimix):
  latent = latents.categorical(1, 4, unimix)
  q, p = jnp.array([0.0, 200, 0, 0]), jnp.zeros(4)
  for arguments, least in (((q, p), 1.3), ((p, q), 3.0)):
    value, gradient = jax.value_and_grad(latent.kl, (0, 1))(*arguments)
    assert least < value < 200
    assert np.isfinite(gradient).all()


def test_gaussians_agree_with_their_samples():
  latent = latents.gaussian(3)
  q, p = jax.random.normal(jax.random.key(0), (2, latent.stats))
  keys = jax.random.split(jax.random.key(1), 20_000)
  z = jax.vmap(lambda key: latent.sample(key, q))(keys)
  mean, free = jnp.split(jnp.stack([q, p]), 2, axis=-1)
  deviation = jax.nn.softplus(free) + 0.1
  np.testing.assert_allclose(z.mean(0), mean[0], atol=0.03)
  np.testing.assert_allclose(z.std(0), deviation[0], rtol=0.03)
  log_q, log_p = jax.scipy.stats.norm.logpdf(
    z, mean[:, None], deviation[:, None]
  )
  want = (log_q - log_p).sum(-1).mean()
  np.testing.assert_allclose(latent.kl(q, p), want, rtol=0.05)
  assert latent.kl(q, q) == 0
