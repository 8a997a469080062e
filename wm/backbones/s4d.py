"""S4D: diagonal structured state spaces, by convolution."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from wm import sizes, types
from wm.backbones import checks, shards, stack, views
from wm.nets import layers
from wm.ssm import diagonal, discretize, hippo


def s4d(
  width: int = 512,
  depth: int = 3,
  order: int = 64,
  init: Callable = hippo.s4d_legs,
  discretize: Callable = discretize.zoh,
  dt_min: float = 1e-3,
  dt_max: float = 1e-1,
  expand: int = 1,
  activation: Callable = jax.nn.gelu,
  linear: Callable[[int], types.Net] = layers.dense,
  blockwise: Callable[[types.Backbone], types.Backbone] = stack.kept,
) -> types.Backbone:
  """S4D blocks, the backbone of S4DWM.

  Two S4D layers and an MLP per block, see `stack.blocks`. Gu et al. 2022, "On
  the Parameterization and Initialization of Diagonal State Space Models", arXiv
  2206.11893.

  Without `is_first` sequences of any length are parallel in time; with it, they
  go through a scan of `step`.

  Parameters of an S4D layer are at `.../ssm/NAME`. An optimiser gives
  `ssm/(Lambda_re|Lambda_im|log_dt)` no weight decay and may give them a rate of
  their own; `ssm/C` and `ssm/D` are ordinary.

  Args:
    width: D of the blocks and of the output; the input may have any width.
    depth: number of blocks.
    order: N, states per channel, even.
    init: order -> initial Lambda, `hippo.s4d_legs`, `s4d_lin` or `s4d_inv`.
    discretize: `discretize.zoh` or `discretize.bilinear`.
    dt_min: least initial step of a channel.
    dt_max: greatest initial step of a channel.
    expand: hidden width of the MLP in units of `width`.
    activation: after the S4D layers and in the MLP.
    linear: constructor of the map after an S4D layer.
    blockwise: `stack.kept`, or `stack.recomputed()` where memory is short.

  Returns:
    The backbone.

  Raises:
    ValueError: naming the parameter that cannot be.
  """
  sizes.positive(
    's4d.s4d', width=width, depth=depth, order=order, expand=expand
  )
  sizes.even('s4d.s4d', order=order)
  checks.time_steps('s4d', dt_min, dt_max)
  blocks = stack.blocks(
    lambda: layer(width, init(order), discretize, dt_min, dt_max),
    width,
    depth,
    expand,
    activation,
    linear,
    blockwise,
  )
  return checks.checked('s4d', blocks)


def layer(
  width: int,
  Lambda: np.ndarray,
  discretize: Callable,
  dt_min: float,
  dt_max: float,
) -> types.Backbone:
  """One S4D layer: a system of one input and one output per channel.

  x' = Lambda x + u and y = 2 Re(sum C x) + D u. Learned are Lambda, C, D and
  log dt; B is one, as only its product with C matters.

  Args:
    width: D, the number of channels.
    Lambda: at the start, in every channel; complex[pairs].
    discretize: `(Lambda, dt) -> (Lambda_bar, gain)`.
    dt_min: least initial step of a channel.
    dt_max: greatest initial step of a channel.

  Returns:
    The backbone; its carry is complex64[B, D, pairs].
  """
  shape = width, len(Lambda)

  def init(key, u):
    del u
    key_C, key_D, key_dt = jax.random.split(key, 3)
    start = jnp.broadcast_to(jnp.asarray(Lambda, jnp.complex64), shape)
    Lambda_re, Lambda_im = diagonal.from_stable(start)
    C = jax.random.normal(key_C, shape, jnp.complex64)
    return {
      'Lambda_re': Lambda_re,
      'Lambda_im': Lambda_im,
      'C': jnp.stack([C.real, C.imag], -1),
      'D': jax.random.normal(key_D, (width,)),
      'log_dt': jax.random.uniform(
        key_dt, (width,), minval=np.log(dt_min), maxval=np.log(dt_max)
      ),
    }

  def initial(batch):
    return jnp.zeros((batch, *shape), jnp.complex64)

  def prepare(params):
    Lambda = diagonal.to_stable(params['Lambda_re'], params['Lambda_im'])
    a, gain = discretize(Lambda, jnp.exp(params['log_dt'])[:, None])
    C = jax.lax.complex(params['C'][..., 0], params['C'][..., 1])
    return diagonal.System(a, gain, C, params['D'])

  def step(ready, carry, u, is_first):
    x = views.restart(initial(u.shape[0]), carry, is_first)
    return diagonal.step(ready, x, u)

  scan = views.apply_from_step(initial, prepare, step)

  def apply(params, carry, u, is_first):
    if is_first is not None:
      return scan(params, carry, u, is_first)
    ready = prepare(params)
    y = diagonal.convolve(ready, carry, u)
    return diagonal.advance(ready, carry, u), y

  def carries(params, carry, u, is_first, steps):
    _, h = apply(params, carry, u, is_first)
    carry = initial(u.shape[0]) if carry is None else carry
    ready = prepare(params)

    def advance(carry, u, is_first):
      if is_first is None:
        return diagonal.advance(ready, carry, u)
      return scan(params, carry, u, is_first)[0]

    one = functools.partial(step, ready)
    after = views.carries_between(advance, one, carry, u, is_first, steps)
    return after, h

  spread = shards.linear(apply, prepare, diagonal.through, diagonal.free)
  return stack.precise(
    types.Backbone(init, initial, spread, carries, prepare, step)
  )
