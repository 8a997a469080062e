"""S4: structured state spaces, diagonal plus low rank, by convolution."""

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from wm import sizes, types
from wm.backbones import checks, shards, stack, views
from wm.nets import layers
from wm.ssm import diagonal, discretize, dplr, fft, hippo


def s4(
  width: int = 512,
  depth: int = 3,
  order: int = 64,
  length: int = 1001,
  dt_min: float = 1e-3,
  dt_max: float = 1e-1,
  expand: int = 1,
  activation: Callable = jax.nn.gelu,
  linear: Callable[[int], types.Net] = layers.dense,
  blockwise: Callable[[types.Backbone], types.Backbone] = stack.kept,
) -> types.Backbone:
  """S4 blocks, the backbone of S4WM.

  Two S4 layers and an MLP per block, see `stack.blocks`. Gu et al. 2022,
  "Efficiently Modeling Long Sequences with Structured State Spaces", arXiv
  2111.00396; Deng et al. 2023, arXiv 2307.02064.

  Without `is_first` sequences go through convolutions, `length` steps at a
  time; with it, through a scan of `step`.

  Parameters of an S4 layer are at `.../ssm/NAME`. An optimiser gives
  `ssm/(Lambda_re|Lambda_im|P|B|log_dt)` no weight decay and may give them a
  rate of their own; `ssm/C_length_LENGTH` and `ssm/D` are ordinary.

  Args:
    width: D of the blocks and of the output; the input may have any width.
    depth: number of blocks.
    order: N, states per channel, even.
    length: the length that training sequences have, the length of kernels.
      What `ssm/C` means depends on it, so it is in the name: parameters of
      another length are refused.
    dt_min: least initial step of a channel.
    dt_max: greatest initial step of a channel.
    expand: hidden width of the MLP in units of `width`.
    activation: after the S4 layers and in the MLP.
    linear: constructor of the map after an S4 layer.
    blockwise: `stack.kept`, or `stack.recomputed()` where memory is short.

  Returns:
    The backbone.

  Raises:
    ValueError: naming the parameter that cannot be.
  """
  sizes.positive(
    's4.s4',
    width=width,
    depth=depth,
    order=order,
    length=length,
    expand=expand,
  )
  sizes.even('s4.s4', order=order)
  checks.time_steps('s4', dt_min, dt_max)
  blocks = stack.blocks(
    lambda: layer(width, order, length, dt_min, dt_max),
    width,
    depth,
    expand,
    activation,
    linear,
    blockwise,
  )
  return checks.checked('s4', blocks)


class Ready(NamedTuple):
  """A discretised S4 layer, y_k = 2 Re(sum C x_k) + D u_k."""

  system: discretize.Discrete
  C: Complex[Array, 'D pairs']
  D: Float[Array, ' D']


def layer(
  width: int, order: int, length: int, dt_min: float, dt_max: float
) -> types.Backbone:
  """One S4 layer: a system of one input and one output per channel.

  x' = (Lambda - P P*) x + B u and y = C x + D u, bilinear. Learned are
  C~ = C (I - A_bar^length), Lambda, P, B, D and log dt.

  Args:
    width: D, the number of channels.
    order: N, states per channel, half of which are kept.
    length: taps of the kernel.
    dt_min: least initial step of a channel.
    dt_max: greatest initial step of a channel.

  Returns:
    The backbone; its carry is complex64[B, D, N / 2].
  """

  def init(key, u):
    del u
    return _init(key, width, order, length, dt_min, dt_max)

  def initial(batch):
    return jnp.zeros((batch, width, order // 2), jnp.complex64)

  def prepare(params):
    Lambda, P, B, C, dt = _modes(params, length)
    C = dplr.untruncate(Lambda, P, C, dt, length)
    return Ready(discretize.low_rank_bilinear(Lambda, P, B, dt), C, params['D'])

  def step(ready, carry, u, is_first):
    x = views.restart(initial(u.shape[0]), carry, is_first)
    x = dplr.step(ready.system, x, u)
    return x, 2 * (ready.C * x).real.sum(-1) + ready.D * u

  scan = views.apply_from_step(initial, prepare, step)

  def apply(params, carry, u, is_first):
    if is_first is not None:
      return scan(params, carry, u, is_first)
    chunk = min(u.shape[1], length)
    segment = _convolution(params, prepare(params), length, chunk)
    if u.shape[1] == chunk:
      return segment(carry, u)
    carry = initial(u.shape[0]) if carry is None else carry
    return views.in_chunks(segment, chunk, carry, u)

  def carries(params, carry, u, is_first, steps):
    _, h = apply(params, carry, u, is_first)
    ready = prepare(params)
    one = functools.partial(step, ready)
    push = _push(ready.system, math.isqrt(u.shape[1]))

    def advance(carry, u, is_first):
      if is_first is None:
        return push(carry, u)
      return scan(params, carry, u, is_first)[0]

    carry = initial(u.shape[0]) if carry is None else carry
    after = views.carries_between(advance, one, carry, u, is_first, steps)
    return after, h

  spread = shards.linear(apply, prepare, _through, _free)
  return stack.precise(
    types.Backbone(init, initial, spread, carries, prepare, step)
  )


def _init(key, width, order, length, dt_min, dt_max):
  """HiPPO-LegS in every channel, log dt uniform, C and D normal."""
  Lambda, P, B = (
    jnp.broadcast_to(jnp.asarray(x, jnp.complex64), (width, order // 2))
    for x in hippo.nplr(order)
  )
  key_C, key_D, key_dt = jax.random.split(key, 3)
  C = jax.random.normal(key_C, Lambda.shape, jnp.complex64)
  log_dt = jax.random.uniform(
    key_dt, (width,), minval=np.log(dt_min), maxval=np.log(dt_max)
  )
  system = discretize.low_rank_bilinear(Lambda, P, B, jnp.exp(log_dt))
  Lambda_re, Lambda_im = diagonal.from_stable(Lambda)
  return {
    'Lambda_re': Lambda_re,
    'Lambda_im': Lambda_im,
    'P': _as_reals(P),
    'B': _as_reals(B),
    _named(length): _as_reals(_truncate(system, C, length)),
    'D': jax.random.normal(key_D, (width,)),
    'log_dt': log_dt,
  }


def _named(length):
  """The name of C~, which says its length, for no shape does."""
  return f'C_length_{length}'


def _modes(params, length):
  """Lambda, P, B, C~ and dt."""
  Lambda = diagonal.to_stable(params['Lambda_re'], params['Lambda_im'])
  P, B, C = (_as_complex(params[name]) for name in ('P', 'B', _named(length)))
  return Lambda, P, B, C, jnp.exp(params['log_dt'])


def _convolution(params, ready, length, chunk):
  """`(carry, u[B, T, D]) -> (carry, y)` for T <= chunk <= length."""
  K = dplr.kernel(*_modes(params, length), length)[:, :chunk]

  def segment(carry, u):
    T = u.shape[1]
    y = fft.convolve(u, K[:, :T]) + ready.D * u
    if carry is None:
      carry = jnp.zeros((len(u), *ready.C.shape), ready.C.dtype)
    else:
      y += _free(ready, carry, T)
    stretch = math.isqrt(T)
    push = _push(ready.system, stretch)
    carry, _ = views.in_chunks(
      lambda x, u: (push(x, u), u[..., :0]), stretch, carry, u
    )
    return carry, y

  return segment


def _through(ready, carry, T):
  """The state after T steps without inputs."""
  power = jnp.linalg.matrix_power(dplr.dense(ready.system), T)
  x = jnp.einsum('dnm,bdm->bdn', power, dplr.to_real(carry))
  return dplr.to_complex(x)


def _free(ready, carry, T):
  """The outputs of T steps without inputs, in stretches of sqrt(T)."""
  stretch = math.isqrt(T)
  A = dplr.dense(ready.system)
  row = jnp.einsum('dn,dnm->dm', dplr.row(2 * ready.C), A)
  observe = dplr.krylov(A.mT, row, stretch)
  A_stretch = jnp.linalg.matrix_power(A, stretch)

  def body(x, _):
    y = jnp.einsum('dnt,bdn->btd', observe, x)
    return jnp.einsum('dnm,bdm->bdn', A_stretch, x), y

  count = -(-T // stretch)
  _, y = jax.lax.scan(body, dplr.to_real(carry), length=count)
  return jnp.moveaxis(y, 0, 1).reshape(len(carry), -1, y.shape[-1])[:, :T]


def _push(system, stretch):
  """`(carry, u[B, T, D]) -> carry` after T <= stretch steps."""
  A = dplr.dense(system)
  reach = dplr.krylov(A, dplr.to_real(system.b), stretch)
  A_stretch = jnp.linalg.matrix_power(A, stretch)

  def push(carry, u):
    T = u.shape[1]
    power = A_stretch if stretch == T else jnp.linalg.matrix_power(A, T)
    x = jnp.einsum('dnm,bdm->bdn', power, dplr.to_real(carry))
    x += jnp.einsum('dnt,btd->bdn', reach[..., :T], u[:, ::-1])
    return dplr.to_complex(x)

  return push


def _truncate(system, C, length):
  """C~ = C (I - A_bar^length)."""
  A_power = jnp.linalg.matrix_power(dplr.dense(system), length)
  lost = jnp.einsum('dn,dnm->dm', dplr.row(C), A_power)
  return C - dplr.to_complex(lost).conj()


def _as_reals(x):
  return jnp.stack([x.real, x.imag], -1)


def _as_complex(x):
  return jax.lax.complex(x[..., 0], x[..., 1])
