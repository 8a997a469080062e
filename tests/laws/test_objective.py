"""Laws of the objective: what is summed, and whom each term teaches."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import members
from wm.models import latents, losses, world_model
from wm.nets import heads, images

BATCH, LENGTH, ACTIONS, KEY = 2, 3, 2, jax.random.key(1)
LATENTS = {
  'categorical': latents.categorical(2, 3),
  'gaussian': latents.gaussian(3),
}
WEIGHTS = {'image': 2.0, 'kl': 3.0, 'reward': 5.0, 'score': 7.0}
BALANCE = 0.3


def model(reward=1.0, score=1.0, **options):
  return world_model.world_model(
    image_shape=(8, 8, 3),
    num_actions=ACTIONS,
    backbone=members.BACKBONES['leaky'](width=8, depth=1),
    latent=LATENTS['categorical'],
    encoder=functools.partial(images.patch_encoder, depth=4),
    decoder=functools.partial(images.patch_decoder, depth=4),
    heads={
      'reward': heads.bernoulli(reward),
      'score': heads.two_hot(score, bins=5),
    },
    units=8,
    **options,
  )


def weighted():
  """Returns a model whose terms all weigh differently."""
  return model(
    image_weight=WEIGHTS['image'],
    kl_weight=WEIGHTS['kl'],
    reward=WEIGHTS['reward'],
    score=WEIGHTS['score'],
    balance=BALANCE,
  )


@pytest.fixture(scope='module')
def batch():
  draw = np.random.default_rng(0)
  size = BATCH, LENGTH
  mask = np.ones(size, np.float32)
  mask[0, 1] = 0
  return {
    'image': draw.integers(256, size=(*size, 8, 8, 3), dtype=np.uint8),
    'prev_action': draw.normal(size=(*size, ACTIONS)).astype(np.float32),
    'mask': mask,
    'reward': draw.integers(2, size=size).astype(np.float32),
    'score': draw.normal(size=size).astype(np.float32),
  }


@pytest.fixture(scope='module')
def found(batch):
  """Returns a rollout, `((loss, aux), gradient)` plain, the same weighted."""
  draw = np.random.default_rng(1)
  params = jax.tree.map(  # Sooner there than parameters drawn by JAX.
    lambda x: draw.normal(scale=0.3, size=x.shape).astype(x.dtype),
    jax.eval_shape(model().init, KEY, batch),
  )

  @jax.jit
  def find(params, batch):
    _, rollout = model().observe(params, KEY, None, batch)
    return rollout, *(
      jax.value_and_grad(one.loss, has_aux=True)(params, KEY, None, batch)
      for one in (model(), weighted())
    )

  return find(params, batch)


def close(tree, want):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-5),
    tree,
    want,
  )


def test_the_loss_is_the_sum_of_weights_times_measurements(found):
  _, ((_, plain), _), ((total, aux), _) = found
  measured = {k: v for k, v in aux.measurements.items() if k != 'loss'}
  assert measured.keys() == WEIGHTS.keys()
  assert min(measured.values()) > 0
  for name, value in measured.items():
    np.testing.assert_allclose(value, plain.measurements[name], rtol=1e-5)
  want = sum(WEIGHTS[name] * value for name, value in measured.items())
  np.testing.assert_allclose(total, want, rtol=1e-5)
  np.testing.assert_allclose(aux.measurements['loss'], want, rtol=1e-5)


def test_what_one_term_alone_teaches_learns_at_its_weight(found):
  """The prior is that of the KL, at the balance, which is 0.8 by default."""
  _, (_, plain), (_, heavy) = found
  weights = {
    ('decoder',): WEIGHTS['image'],
    ('prior',): WEIGHTS['kl'] * BALANCE / 0.8,
    ('heads', 'reward'): WEIGHTS['reward'],
    ('heads', 'score'): WEIGHTS['score'],
  }
  for names, weight in weights.items():
    one, other = (functools.reduce(dict.get, names, x) for x in (plain, heavy))
    assert min(np.abs(x).max() for x in jax.tree.leaves(one)) > 1e-4
    close(other, jax.tree.map(lambda x, w=weight: w * x, one))


def test_the_divergence_is_of_the_posterior_from_the_prior(found):
  rollout, ((_, aux), _), _ = found
  kl = jax.jit(LATENTS['categorical'].kl)
  want = kl(rollout.post, rollout.prior)
  wrong = kl(rollout.prior, rollout.post)
  np.testing.assert_allclose(aux.terms['kl'], want, rtol=1e-4)
  assert np.abs(want - wrong).max() > 1e-2


@pytest.mark.parametrize('name', LATENTS)
def test_the_prior_gets_the_balance_of_the_divergence(name):
  latent, balance = LATENTS[name], 0.8
  post, prior = jax.random.normal(KEY, (2, BATCH, LENGTH, latent.stats))

  @functools.partial(jax.jit, static_argnums=0)
  def derivative(divergence, *stats):
    return jax.value_and_grad(lambda *s: divergence(*s).sum(), (0, 1))(*stats)

  value, (to_post, to_prior) = derivative(latent.kl, post, prior)
  balanced, (less, more) = derivative(
    lambda q, p: losses.balanced_kl(latent, q, p, balance), post, prior
  )
  np.testing.assert_allclose(balanced, value, rtol=1e-5)
  close(more, balance * to_prior)
  close(less, (1 - balance) * to_post)
  assert min(np.abs(to_post).max(), np.abs(to_prior).max()) > 0.1


@pytest.mark.parametrize('unimix', [0.0, 0.2])
def test_gradients_go_straight_through_classes_to_probabilities(unimix):
  groups, classes = 2, 3
  latent = latents.categorical(groups, classes, unimix)
  stats, w = jax.random.normal(KEY, (2, latent.stats))

  @jax.jit
  @jax.grad
  def expected(stats):
    p = jax.nn.softmax(stats.reshape(groups, classes))
    return w @ ((1 - unimix) * p + unimix / classes).reshape(-1)

  @jax.jit
  def sampled(key):
    return jax.value_and_grad(
      lambda stats: (w @ (z := latent.sample(key, stats)), z), has_aux=True
    )(stats)

  for key in jax.random.split(KEY, 3):
    (_, z), got = sampled(key)
    z = z.reshape(groups, classes)
    np.testing.assert_allclose(np.sort(z), [[0, 0, 1]] * groups, atol=1e-6)
    np.testing.assert_allclose(got, expected(stats), atol=1e-6)


def test_gradients_of_gaussians_are_those_of_mean_and_deviation():
  latent = latents.gaussian(3)
  stats, w = jax.random.normal(KEY, (2, latent.stats))
  w = w[:3]
  mean, free = jnp.split(stats, 2)

  @jax.jit
  def sampled(stats):
    return jax.value_and_grad(
      lambda stats: (w @ (z := latent.sample(KEY, stats)), z), has_aux=True
    )(stats)

  (_, z), gradient = sampled(stats)
  to_mean, to_free = jnp.split(gradient, 2)
  noise = (z - mean) / (jax.nn.softplus(free) + 0.1)
  np.testing.assert_allclose(to_mean, w, rtol=1e-5)
  np.testing.assert_allclose(
    to_free, w * noise * jax.nn.sigmoid(free), rtol=1e-4, atol=1e-6
  )
  assert np.abs(noise).min() > 0.01
