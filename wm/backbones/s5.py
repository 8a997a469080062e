"""S5: one diagonal state space for all channels, by a scan."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from wm import sizes, types
from wm.backbones import checks, shards, stack, views
from wm.nets import layers
from wm.ssm import diagonal, discretize, dplr, hippo, scan

_LECUN = jax.nn.initializers.lecun_normal()


def s5(
  width: int = 512,
  depth: int = 3,
  order: int = 512,
  hippo_blocks: int = 8,
  discretize: Callable = discretize.zoh,
  scan: Callable = scan.by_platform,
  dt_min: float = 1e-3,
  dt_max: float = 1e-1,
  expand: int = 1,
  activation: Callable = jax.nn.gelu,
  linear: Callable[[int], types.Net] = layers.dense,
  blockwise: Callable[[types.Backbone], types.Backbone] = stack.kept,
) -> types.Backbone:
  """S5 blocks, the backbone of S5WM.

  Two S5 layers and an MLP per block, see `stack.blocks`. Smith et al. 2023,
  "Simplified State Space Layers for Sequence Modeling", arXiv 2208.04933.

  Parameters of an S5 layer are at `.../ssm/NAME`. An optimiser gives
  `ssm/(Lambda_re|Lambda_im|B|log_dt)` no weight decay and may give them a rate
  of their own; `ssm/C` and `ssm/D` are ordinary.

  Args:
    width: D of the blocks and of the output; the input may have any width.
    depth: number of blocks.
    order: N, real states of a layer, a multiple of 2 hippo_blocks.
    hippo_blocks: J, the systems that a layer starts from, side by side.
    discretize: `discretize.zoh` or `discretize.bilinear`.
    scan: `scan.by_platform`, `scan.sequential`, `scan.associative` or, on one
      TPU, `scan.pallas`.
    dt_min: least initial step of a state.
    dt_max: greatest initial step of a state.
    expand: hidden width of the MLP in units of `width`.
    activation: after the S5 layers and in the MLP.
    linear: constructor of the map after an S5 layer.
    blockwise: `stack.kept`, or `stack.recomputed()` where memory is short.

  Returns:
    The backbone.

  Raises:
    ValueError: naming the parameter that cannot be.
  """
  sizes.positive(
    's5.s5',
    width=width,
    depth=depth,
    order=order,
    hippo_blocks=hippo_blocks,
    expand=expand,
  )
  if order % (2 * hippo_blocks):
    raise ValueError(
      f's5: order must be a multiple of 2 hippo_blocks = {2 * hippo_blocks}; '
      f'got {order}; change s5.s5.order'
    )
  checks.time_steps('s5', dt_min, dt_max)
  blocks = stack.blocks(
    lambda: layer(width, order, hippo_blocks, discretize, scan, dt_min, dt_max),
    width,
    depth,
    expand,
    activation,
    linear,
    blockwise,
  )
  return checks.checked('s5', blocks)


class Ready(NamedTuple):
  """A discretised layer, x_k = a x_{k-1} + B u_k, y_k = 2 Re(C x_k) + D u_k.

  Attributes:
    a: the transition.
    write: u W is [Re, Im] of B u.
    read: [Re x, Im x] R is 2 Re(C x).
    D: the skip.
  """

  a: Complex[Array, ' P']
  write: Float[Array, 'D 2*P']
  read: Float[Array, '2*P D']
  D: Float[Array, ' D']


def layer(
  width: int,
  order: int,
  hippo_blocks: int,
  discretize: Callable,
  scan: Callable,
  dt_min: float,
  dt_max: float,
) -> types.Backbone:
  """One S5 layer: a system of D inputs and D outputs.

  x' = Lambda x + B u and y = 2 Re(C x) + D u, P = N / 2 states of conjugate
  pairs, a step size each.

  Args:
    width: D, the number of channels.
    order: N, real states.
    hippo_blocks: J, systems at the start.
    discretize: `(Lambda, dt) -> (Lambda_bar, gain)`.
    scan: `(a, b, x_0, is_first) -> x`.
    dt_min: least initial step of a state.
    dt_max: greatest initial step of a state.

  Returns:
    The backbone; its carry is complex64[B, P].
  """

  def init(key, u):
    del u
    return _init(key, width, order, hippo_blocks, dt_min, dt_max)

  def initial(batch):
    return jnp.zeros((batch, order // 2), jnp.complex64)

  def prepare(params):
    Lambda = diagonal.to_stable(params['Lambda_re'], params['Lambda_im'])
    a, gain = discretize(Lambda, jnp.exp(params['log_dt']))
    B, C = (jax.lax.complex(*jnp.moveaxis(params[x], -1, 0)) for x in 'BC')
    write = dplr.to_real((gain[:, None] * B).T)
    return Ready(a, write, dplr.row(2 * C).T, params['D'])

  def run(params, carry, u, is_first):
    ready = prepare(params)
    x = scan(ready.a, _write(ready, u), carry, is_first)
    return x, _read(ready, x, u)

  def apply(params, carry, u, is_first):
    x, y = run(params, carry, u, is_first)
    return x[:, -1], y

  def carries(params, carry, u, is_first, steps):
    x, y = run(params, carry, u, is_first)
    return views.pick(x, steps), y

  def step(ready, carry, u, is_first):
    x = views.restart(initial(u.shape[0]), carry, is_first)
    x = ready.a * x + _write(ready, u)
    return x, _read(ready, x, u)

  spread = shards.linear(apply, prepare, _through, _free)
  return types.Backbone(init, initial, spread, carries, prepare, step)


def _init(key, width, order, hippo_blocks, dt_min, dt_max):
  """J times HiPPO-N: B = V^-1 B0 and C = C0 V with B0 and C0 LeCun normal."""
  Lambda, V_star = hippo.normal(order // hippo_blocks)
  Lambda = jnp.asarray(np.tile(Lambda, hippo_blocks), jnp.complex64)
  V_star = np.kron(np.eye(hippo_blocks), V_star).astype(np.complex64)
  key_B, key_C, key_D, key_dt = jax.random.split(key, 4)
  B = V_star @ _LECUN(key_B, (width, order)).T
  C = _LECUN(key_C, (order, width)).T @ V_star.conj().T
  Lambda_re, Lambda_im = diagonal.from_stable(Lambda)
  return {
    'Lambda_re': Lambda_re,
    'Lambda_im': Lambda_im,
    'B': jnp.stack([B.real, B.imag], -1),
    'C': jnp.stack([C.real, C.imag], -1),
    'D': jax.random.normal(key_D, (width,)),
    'log_dt': jax.random.uniform(
      key_dt, Lambda.shape, minval=np.log(dt_min), maxval=np.log(dt_max)
    ),
  }


def _write(ready, u):
  return dplr.to_complex(u @ ready.write)


def _through(ready, x, length):
  """The state after steps without input."""
  return jax.lax.integer_pow(ready.a, length) * x


def _free(ready, x, length):
  """The outputs of these steps."""
  powers = diagonal.powers(ready.a[None], length + 1)[:, 1:]
  return dplr.to_real(powers * x[:, None]) @ ready.read


def _read(ready, x, u):
  return dplr.to_real(x) @ ready.read + ready.D * u
