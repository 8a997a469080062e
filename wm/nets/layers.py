"""Dense layers, normalisation and small perceptrons as `Net`s.

Linen lives here, at the leaves; everything above sees `types.Net`.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
from jaxtyping import Array, Float

from wm import sizes, types

_LECUN = nn.initializers.lecun_normal()


def from_linen(module: nn.Module) -> types.Net:
  """A `Net` from a linen module that has parameters only.

  It computes in the type of its parameters and returns the type of its input.

  Args:
    module: maps x[..., I] to y[..., O]; without mutable state or random draws.

  Returns:
    The net; its params are the module's `params` collection.
  """

  def init(key, x):
    spec = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return module.lazy_init(key, spec).get('params', {})

  def apply(
    params: types.Params, x: Float[Array, '...']
  ) -> Float[Array, '...']:
    kinds = {leaf.dtype for leaf in jax.tree.leaves(params)} or {x.dtype}
    (kind,) = kinds
    return module.apply({'params': params}, x.astype(kind)).astype(x.dtype)

  return types.Net(init, apply)


def from_function(function: Callable) -> types.Net:
  """A `Net` without parameters.

  Args:
    function: maps x[..., I] to y[..., O].

  Returns:
    The net.
  """
  return types.Net(lambda key, x: {}, lambda params, x: function(x))


def dense(
  width: int,
  kernel_init: Callable = _LECUN,
  bias_init: Callable = nn.initializers.zeros,
) -> types.Net:
  """Affine map, y = x W + b.

  Args:
    width: O, the width of y.
    kernel_init: initialiser `(key, shape, dtype) -> W`.
    bias_init: initialiser `(key, shape, dtype) -> b`.

  Returns:
    The net.
  """
  sizes.positive('layers.dense', width=width)
  return from_linen(
    nn.Dense(width, kernel_init=kernel_init, bias_init=bias_init)
  )


def glu(
  width: int,
  activation: Callable = jax.nn.sigmoid,
  kernel_init: Callable = _LECUN,
) -> types.Net:
  """Gated linear unit, y = (x V + b) * activation(x W + c).

  Dauphin et al. 2017, "Language Modeling with Gated Convolutional Networks".

  Args:
    width: O, the width of y.
    activation: of the gate.
    kernel_init: initialiser of [V, W].

  Returns:
    The net.
  """
  inner = dense(2 * width, kernel_init)

  def apply(
    params: types.Params, x: Float[Array, '*batch I']
  ) -> Float[Array, '*batch O']:
    y = inner.apply(params, x)
    return y[..., :width] * activation(y[..., width:])

  return types.Net(inner.init, apply)


def layer_norm(epsilon: float = 1e-5) -> types.Net:
  """Layer normalisation over the last axis, with scale and bias.

  Args:
    epsilon: added to the variance.

  Returns:
    The net.
  """
  return from_linen(nn.LayerNorm(epsilon=epsilon))


def mlp(
  width: int,
  depth: int,
  out: int,
  activation: Callable = jax.nn.silu,
) -> types.Net:
  """`depth` hidden layers [Dense, LayerNorm, activation], then a Dense.

  Args:
    width: of the hidden layers.
    depth: number of hidden layers; 0 leaves one Dense.
    out: O, the width of y.
    activation: elementwise function.

  Returns:
    The net.
  """
  sizes.positive('layers.mlp', width=width, out=out)
  hidden = []
  for _ in range(depth):
    hidden += [nn.Dense(width), nn.LayerNorm(epsilon=1e-5), activation]
  return from_linen(nn.Sequential([*hidden, nn.Dense(out)]))
