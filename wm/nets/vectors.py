"""From states, vectors of any numbers, to features and back, by perceptrons.

Numbers of any size pass through symlog(x) = sign(x) ln(1 + |x|), as in
DreamerV3 (Hafner et al. 2023, arXiv 2301.04104), so that no statistics of the
data are needed: near zero it is x itself, and what is large is tamed.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from wm.nets import layers
from wm.types import Net, Params

Shape = tuple[int, ...]


def symlog(x: Float[Array, '*batch']) -> Float[Array, '*batch']:
  """Returns sign(x) ln(1 + |x|)."""
  return jnp.sign(x) * jnp.log1p(jnp.abs(x))


def symexp(x: Float[Array, '*batch']) -> Float[Array, '*batch']:
  """Returns sign(x) (e^|x| - 1), the inverse of `symlog`."""
  return jnp.sign(x) * jnp.expm1(jnp.abs(x))


def encoder(shape: Shape, width: int = 256, depth: int = 2) -> Net:
  """Returns a perceptron of symlog(x).

  Takes float32 states `[..., S]`, returns `[..., E]`, E being `width`.

  Args:
    shape: `(S,)`.
    width: of the layers.
    depth: number of hidden layers.

  Raises:
    ValueError: if that is not the shape of a vector.
  """
  _size(shape)
  net = layers.mlp(width, depth, width)
  return net._replace(
    apply=lambda params, x: net.apply(params, symlog(jnp.asarray(x)))
  )


def decoder(shape: Shape, width: int = 256, depth: int = 2) -> Net:
  """Returns symexp of a perceptron.

  Takes `[..., I]`, returns states `[..., S]` in their own units.

  Args:
    shape: `(S,)`.
    width: of the layers.
    depth: number of hidden layers.

  Raises:
    ValueError: if that is not the shape of a vector.
  """
  net = layers.mlp(width, depth, _size(shape))

  def apply(
    params: Params, x: Float[Array, '*batch I']
  ) -> Float[Array, '*batch S']:
    return symexp(net.apply(params, x))

  return Net(net.init, apply)


def _size(shape: Shape) -> int:
  if len(shape) != 1:
    raise ValueError(
      f'vectors: observations must be vectors; got the shape {tuple(shape)}, '
      'need (S,); change the data set or the encoder and decoder of '
      'world_model.world_model'
    )
  return shape[0]
