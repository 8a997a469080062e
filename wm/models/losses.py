"""Terms of a world model's objective, each `[B, T]`."""

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float, UInt8

from wm.models.latents import Latent
from wm.nets import vectors


def image_error(
  predicted: Float[Array, 'B T H W C'], image: UInt8[ArrayLike, 'B T H W C']
) -> Float[Array, 'B T']:
  """Returns the squared error summed over pixels and channels.

  Up to a factor of two and a constant this is the negative log-likelihood of a
  Gaussian with unit variance, with pixels in [0, 1].
  """
  error = predicted - jnp.asarray(image, jnp.float32) / 255
  return jnp.sum(jnp.square(error), axis=(-3, -2, -1))


def state_error(
  predicted: Float[Array, 'B T S'], state: Float[ArrayLike, 'B T S']
) -> Float[Array, 'B T']:
  """Returns the squared error of symlog values, summed over the numbers.

  As `image_error`, of a Gaussian over symlog(x).
  """
  error = vectors.symlog(predicted) - vectors.symlog(jnp.asarray(state))
  return jnp.sum(jnp.square(error), axis=-1)


def balanced_kl(
  latent: Latent,
  post: Float[Array, 'B T S'],
  prior: Float[Array, 'B T S'],
  balance: float,
) -> Float[Array, 'B T']:
  """Returns `a KL(sg(q) || p) + (1 - a) KL(q || sg(p))`, in nats.

  With `a = balance` above one half, the prior moves towards the posterior
  faster than the posterior towards the prior (Hafner et al. 2021, arXiv
  2010.02193).
  """
  stop = jax.lax.stop_gradient
  to_prior = latent.kl(stop(post), prior)
  to_post = latent.kl(post, stop(prior))
  return balance * to_prior + (1 - balance) * to_post
