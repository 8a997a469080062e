"""Ways to save time and memory that leave the objective as it is."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import flatten_util

from wm.models import losses, scoring
from wm.nets import images, pieces

B, T, SHAPE, FEATURES = 2, 7, (8, 8, 3), 5
DECODER = images.patch_decoder(SHAPE, depth=4)
ENCODER = images.patch_encoder(SHAPE, depth=4)
KEY = jax.random.key(0)


def data(length=T):
  draw = np.random.default_rng(0)
  features = jnp.asarray(draw.normal(size=(B, length, FEATURES)), jnp.float32)
  image = draw.integers(256, size=(B, length, *SHAPE), dtype=np.uint8)
  weight = jnp.asarray(draw.uniform(size=(B, length)), jnp.float32)
  return DECODER.init(KEY, features), features, image, weight


def plain(params, key, features, image, weight):
  """What a score should be."""
  del key
  error = losses.image_error(DECODER.apply(params, features), image)
  return jnp.sum(weight * error), error


def derived(score):
  """Value, error, and gradients by parameters, features and weight."""

  def scalar(params, features, image, weight):
    value, error = score(params, KEY, features, image, weight)
    return 3 * value, error

  return jax.jit(jax.value_and_grad(scalar, (0, 1, 3), has_aux=True))


def close(a, b):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4), a, b
  )


@pytest.mark.parametrize('frames', [1, 6, 512])
def test_pieces_are_the_whole_in_value_and_gradient(frames):
  score = scoring.every_frame(DECODER, frames)
  want = derived(plain)(*data())
  close(derived(score)(*data()), want)
  params, *rest = data()
  value, error = jax.jit(score)(params, KEY, *rest)
  close((3 * value, error), want[0])


@pytest.mark.parametrize('frames', [1, 6, 512])
def test_recomputed_is_kept_in_value_and_gradient(frames):
  _, _, image, weight = data()
  params = ENCODER.init(KEY, image)

  def derivative(way):
    def scalar(params):
      y = way(ENCODER.apply)(params, image)
      return jnp.sum(weight[..., None] * jnp.square(y))

    return jax.jit(jax.value_and_grad(scalar))(params)

  close(derivative(pieces.recomputed(frames)), derivative(pieces.at_once))


def test_pieces_keep_less():
  def bytes_of(score):
    compiled = derived(score).lower(*data(512)).compile()
    return compiled.memory_analysis().temp_size_in_bytes

  assert bytes_of(scoring.every_frame(DECODER, 16)) < bytes_of(plain) / 4


@pytest.mark.parametrize('share', [0.1, 0.5, 1.0])
def test_random_frames_are_right_on_average(share):
  params, *rest = data()
  score = scoring.random_frames(DECODER, share)

  def gradient(score, key):
    grads = jax.grad(lambda p: score(p, key, *rest)[0])(params)
    return flatten_util.ravel_pytree(grads)[0]

  keys = jax.random.split(KEY, 512)
  some = jax.jit(jax.vmap(functools.partial(gradient, score)))(keys)
  every = gradient(plain, KEY)
  spread = some.std(0) / np.sqrt(len(some)) + 1e-4 * np.abs(every).max()
  assert np.max(np.abs(some.mean(0) - every) / spread) < 5


def test_random_frames_are_as_many_as_asked_for():
  params, *rest = data()
  _, error = scoring.random_frames(DECODER, 0.4)(params, KEY, *rest)
  _, want = plain(params, KEY, *rest)
  assert (np.count_nonzero(error, axis=1) == 3).all()
  chosen = np.asarray(error) > 0
  np.testing.assert_allclose(error[chosen], T / 3 * want[chosen], rtol=1e-4)


def test_a_number_out_of_range_is_explained():
  for call, name in (
    (pieces.recomputed, 'pieces.recomputed.frames'),
    (lambda n: scoring.every_frame(DECODER, n), 'scoring.every_frame.frames'),
    (
      lambda n: scoring.random_frames(DECODER, 0.5, n),
      'scoring.random_frames.frames',
    ),
    (
      lambda n: scoring.random_frames(DECODER, float(n)),
      'random_frames.share',
    ),
  ):
    with pytest.raises(ValueError, match=f'change .*{name}'):
      call(0)
