"""What a world model says of a number, such as the reward.

A head is a family of distributions over one number: how many outputs of a net
describe one, how wrong it is about a target, and what it expects.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from wm.nets import vectors
from wm.types import Key, Net, Params


class Head(NamedTuple):
  """A family of distributions over one number.

  Attributes:
    stats: S, how many outputs of a net describe one.
    weight: of its term in the loss.
    loss: `(stats[..., S], target[...]) -> [...]`, the negative log-likelihood
      up to a constant, in nats.
    mean: `(stats[..., S]) -> [...]`, what it expects.
  """

  stats: int
  weight: float
  loss: Callable[[Array, ArrayLike], Array]
  mean: Callable[[Array], Array]


def bernoulli(weight: float = 1.0) -> Head:
  """Returns a head for numbers that are 0 or 1; S is 1, a logit.

  Args:
    weight: of its term in the loss, which is NaN of numbers outside [0, 1].
  """

  def loss(
    stats: Float[Array, '*batch 1'], target: Float[ArrayLike, '*batch']
  ) -> Float[Array, '*batch']:
    logit, target = stats[..., 0], jnp.asarray(target)
    known = (target >= 0) & (target <= 1)
    return jnp.where(known, jax.nn.softplus(logit) - logit * target, jnp.nan)

  return Head(1, weight, loss, lambda stats: jax.nn.sigmoid(stats[..., 0]))


def two_hot(
  weight: float = 1.0, bins: int = 255, limit: float = 20.0
) -> Head:
  """Returns a head for any numbers: a categorical over bins of symlog values.

  With symlog as in `nets.vectors`, a target lies between two bins, each
  likely as it is near; what is expected is symexp of the expected bin (Hafner
  et al. 2023, arXiv 2301.04104).

  Args:
    weight: of its term in the loss.
    bins: S.
    limit: bins lie evenly in [-limit, limit].

  Raises:
    ValueError: If there are fewer than two bins, or they have no room.
  """
  if bins < 2 or limit <= 0:
    raise ValueError(
      f'heads: two_hot needs bins to lie between; got {bins} up to {limit}, '
      'need 2 or more up to a number above zero; change heads.two_hot.bins or '
      'heads.two_hot.limit'
    )
  centres = jnp.linspace(-limit, limit, bins)

  def loss(
    stats: Float[Array, '*batch S'], target: Float[ArrayLike, '*batch']
  ) -> Float[Array, '*batch']:
    target = jnp.asarray(target)
    place = vectors.symlog(target)
    place = (jnp.clip(place, -limit, limit) + limit) * (bins - 1) / (2 * limit)
    apart = jnp.abs(place[..., None] - jnp.arange(bins))
    wanted = jnp.maximum(1 - apart, 0)
    return -jnp.sum(wanted * jax.nn.log_softmax(stats), axis=-1)

  def mean(stats: Float[Array, '*batch S']) -> Float[Array, '*batch']:
    expected = jnp.sum(jax.nn.softmax(stats) * centres, axis=-1)
    return vectors.symexp(expected)

  return Head(bins, weight, loss, mean)


def together(nets: Mapping[str, Net]) -> Net:
  """Returns the net that applies each to the same x: `{name: y}`.

  Its parameters are those of each, by name.
  """

  def init(key: Key, x: Array | jax.ShapeDtypeStruct) -> Params:
    return {
      name: net.init(jax.random.fold_in(key, number), x)
      for number, (name, net) in enumerate(nets.items())
    }

  def apply(params: Params, x: Array) -> dict[str, Array]:
    return {name: net.apply(params[name], x) for name, net in nets.items()}

  return Net(init, apply)
