"""Stochastic latents: what a world model samples at every step."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from wm.types import Key


class Latent(NamedTuple):
  """A family of distributions over z given by statistics.

  Attributes:
    size: Z, the length of a sample.
    stats: S, the length of the statistics.
    blank: `[Z]`, stands where no latent has been, such as the mean of no
      information. Not zero, because normalising an exact zero makes gradients
      explode.
    sample: `(key, stats[..., S]) -> z[..., Z]`, with gradients to the
      statistics.
    kl: `(stats_q[..., S], stats_p[..., S]) -> [...]`, KL(q || p) in nats.
  """

  size: int
  stats: int
  blank: Array
  sample: Callable[[Key, Array], Array]
  kl: Callable[[Array, Array], Array]


def categorical(
  groups: int = 32, classes: int = 32, unimix: float = 0.01
) -> Latent:
  """Returns a vector of `groups` categoricals with straight-through gradients.

  The probabilities are `(1 - unimix) softmax(stats) + unimix / classes`
  (Hafner et al. 2023, arXiv 2301.04104), so that no class dies.

  Args:
    groups: Categorical variables in a latent.
    classes: Values of each.
    unimix: Share of the uniform distribution, in [0, 1].

  Raises:
    ValueError: If a number is out of range.
  """
  if groups < 1 or classes < 2 or not 0 <= unimix <= 1:
    raise ValueError(
      f'categorical: sizes out of range; got groups={groups}, '
      f'classes={classes}, unimix={unimix}, need groups >= 1, classes >= 2 '
      'and unimix in [0, 1]; change latents.categorical'
    )
  size = groups * classes

  def log_probs(stats: Array) -> Array:
    logits = stats.reshape(*stats.shape[:-1], groups, classes)
    if not unimix:  # The logarithm of a softmax that underflows is no number.
      return jax.nn.log_softmax(logits)
    probs = jax.nn.softmax(logits)
    return jnp.log((1 - unimix) * probs + unimix / classes)

  def sample(key: Key, stats: Float[Array, '... S']) -> Float[Array, '... Z']:
    log_p = log_probs(stats)
    hard = jax.nn.one_hot(_draw(key, log_p), classes)
    soft = jnp.exp(log_p)
    straight_through = hard + soft - jax.lax.stop_gradient(soft)
    return straight_through.reshape(*straight_through.shape[:-2], size)

  def kl(
    stats_q: Float[Array, '... S'], stats_p: Float[Array, '... S']
  ) -> Float[Array, '...']:
    log_q, log_p = log_probs(stats_q), log_probs(stats_p)
    return jnp.sum(jnp.exp(log_q) * (log_q - log_p), axis=(-2, -1))

  blank = jnp.full(size, 1 / classes)
  return Latent(size, size, blank, sample, kl)


def gaussian(size: int = 32, least: float = 0.1) -> Latent:
  """Returns a vector of independent Gaussians with reparametrised gradients.

  Statistics are means and what softplus makes deviations of. For what changes
  smoothly, such as a state of physics, where classes are coarse; the RSSM's
  first latent (Hafner et al. 2019, arXiv 1811.04551).

  Args:
    size: Z.
    least: The smallest deviation; means may lie as far apart as they need.

  Raises:
    ValueError: If a number is out of range.
  """
  if size < 1 or least <= 0:
    raise ValueError(
      f'gaussian: numbers out of range; got size={size}, least={least}, need '
      'size >= 1 and least > 0; change latents.gaussian'
    )

  def split(stats: Array) -> tuple[Array, Array]:
    mean, free = jnp.split(stats, 2, axis=-1)
    return mean, jax.nn.softplus(free) + least

  def sample(key: Key, stats: Float[Array, '... S']) -> Float[Array, '... Z']:
    mean, deviation = split(stats)
    return mean + deviation * jax.random.normal(key, mean.shape)

  def kl(
    stats_q: Float[Array, '... S'], stats_p: Float[Array, '... S']
  ) -> Float[Array, '...']:
    (mean_q, of_q), (mean_p, of_p) = split(stats_q), split(stats_p)
    apart = jnp.square((mean_q - mean_p) / of_p)
    ratio = of_q / of_p
    terms = (jnp.square(ratio) + apart - 1) / 2 - jnp.log(ratio)
    return jnp.sum(terms, axis=-1)

  return Latent(size, 2 * size, jnp.ones(size), sample, kl)


def _draw(key: Key, log_p: Float[Array, '... classes']) -> Array:
  """Returns a class of each variable, by inverting the distribution function.

  One uniform number per variable, where the Gumbel trick needs one per class,
  and sums by a product with ones: many times faster on a CPU.
  """
  classes = log_p.shape[-1]
  up_to = jnp.triu(jnp.ones((classes, classes)))[:, :-1]
  below = jnp.matmul(jnp.exp(log_p), up_to, precision='highest')
  u = jax.random.uniform(key, (*log_p.shape[:-1], 1))
  return jnp.sum(below <= u, axis=-1)


def sample_each_step(
  latent: Latent, key: Key, start: Array | int, stats: Float[Array, 'B T S']
) -> Float[Array, 'B T Z']:
  """Returns samples in which step t draws from `fold_in(key, start + t)`."""
  steps = start + jnp.arange(stats.shape[1])
  keys = jax.vmap(jax.random.fold_in, in_axes=(None, 0))(key, steps)
  return jax.vmap(latent.sample, in_axes=(0, 1), out_axes=1)(keys, stats)
