"""Diagonal plus low rank: the S4 kernel, the step and the dense view.

A = Lambda - P P*. Complex arrays `[D, pairs]` hold one of each conjugate pair
of D independent systems of N = 2 pairs states. The dense view is real: a state
is [Re x, Im x], `[D, N]`.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from wm.ssm import discretize

_CHANNELS_AT_ONCE = 32  # Fits a processor's cache at 1000 taps and order 64.


def kernel(
  Lambda: Complex[Array, 'D pairs'],
  P: Complex[Array, 'D pairs'],
  B: Complex[Array, 'D pairs'],
  C: Complex[Array, 'D pairs'],
  dt: Float[Array, ' D'],
  length: int,
) -> Float[Array, 'D T']:
  """The S4 convolution kernel by Cauchy and Woodbury.

  At the roots of unity om = exp(-i theta), with g = 2/dt (1 - om) / (1 + om)
  and k_v = sum_n v_n / (g - Lambda_n):

    K^ = 2 / (1 + om) [k_CB - k_CP (1 + k_PP)^-1 k_P*B].

  With k_v = cos(theta / 2) q_v, om = -1 is an ordinary point:

    K^ = exp(i theta / 2) [q_CB - q_CP cos (1 + q_PP cos)^-1 q_P*B].

  Gu et al. 2022, arXiv 2111.00396, theorem 3 and algorithm 1.

  Args:
    Lambda: eigenvalues of the normal part, Re Lambda < 0.
    P: the low-rank part.
    B: the input.
    C: the output C~ = C (I - A_bar^length) of the truncated system.
    dt: the step, in the time unit of A.
    length: T, the number of taps.

  Returns:
    K_t = 2 Re(C A_bar^t B_bar), t = 0..length-1.
  """
  half_turn = _half_turn(length)
  cosine = half_turn.real

  def one(Lambda, P, B, C, h):
    v = h * jnp.stack([C * B, C * P, P.conj() * B, P.conj() * P])
    q_CB, q_CP, q_PB, q_PP = _cauchy(h * Lambda, v, length)
    K = q_CB - q_CP * cosine / (1 + q_PP * cosine) * q_PB
    return jnp.fft.irfft(K * half_turn, length)

  return _per_channel(one, Lambda, P, B, C, dt / 2)


def untruncate(
  Lambda: Complex[Array, 'D pairs'],
  P: Complex[Array, 'D pairs'],
  C: Complex[Array, 'D pairs'],
  dt: Float[Array, ' D'],
  length: int,
) -> Complex[Array, 'D pairs']:
  """The output C of the recurrence from the C~ of the kernel.

  C = C~ (I - A_bar^length)^-1 is the mean of C~ (I - om A_bar)^-1 over the
  roots of unity. With A_bar = 2 (I - dt/2 A)^-1 - I,

    (I - om A_bar)^-1
      = exp(i theta / 2) / 2 (i sin - cos dt/2 A)^-1 (I - dt/2 A),

  with sin and cos of theta / 2, and Woodbury inverts as in `kernel`. The cost
  is O(N length); no matrix is solved or raised to a power.

  Args:
    Lambda: eigenvalues of the normal part, Re Lambda < 0.
    P: the low-rank part.
    C: C~.
    dt: the step, in the time unit of A.
    length: of the truncation.

  Returns:
    C.
  """
  half_turn = _half_turn(length)
  cosine, turn = half_turn.real, half_turn[:, None]
  j = np.arange(length // 2 + 1)
  weight = np.where(2 * j % length == 0, 0.5, 1).astype(np.float32) / length

  def one(Lambda, P, C, h):
    z = h * Lambda
    v = h * jnp.stack([C * P, P.conj() * P])
    q_CP, q_PP = _cauchy(z, v, length)
    gamma = (q_CP * cosine / (1 + q_PP * cosine))[:, None]
    plus = turn / (1j * turn.imag - turn.real * z)
    minus = turn.conj() / (-1j * turn.imag - turn.real * z)
    rows = (C - gamma * P.conj()) * plus + (C - gamma.conj() * P.conj()) * minus
    row = (weight[:, None] * rows).sum(0) / 2
    return row * (1 - z) + 2 * h * (row * P).real.sum() * P.conj()

  return _per_channel(one, Lambda, P, C, dt / 2)


def _per_channel(function, *arrays):
  """A few channels at a time, recomputed in the backward pass."""
  one = jax.checkpoint(lambda x: function(*x))
  return jax.lax.map(one, arrays, batch_size=_CHANNELS_AT_ONCE)


def _half_turn(length):
  """The exp(i theta / 2) of roots of unity exp(-i theta), 0 <= theta <= pi."""
  theta = 2 * np.pi * np.arange(length // 2 + 1) / length
  return jnp.asarray(np.exp(0.5j * theta), jnp.complex64)


def _cauchy(z, v, length):
  """Sums of v / (i sin - z cos), pairs of z and v with their conjugates.

  A pair gives 2 (i sin Re v - cos Re v z*) / ((i sin - z cos)(i sin - z* cos)).
  """
  half_turn = _half_turn(length)
  weights = jnp.concatenate([v.real, (v * z.conj()).real])
  flat, tilted = jnp.split(_pair_sums(weights, z.real, z.imag, length), 2)
  return 2 * (1j * half_turn.imag * flat - half_turn.real * tilted)


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def _pair_sums(weights, z_re, z_im, length):
  """Sums of real weights `[V, pairs]` over `_pair`, `[V, frequencies]`."""
  return _weigh(weights, *_pair(jax.lax.complex(z_re, z_im), length))


@_pair_sums.defjvp
def _pair_sums_jvp(length, primals, tangents):
  """With r = 1 / d, dr = -r^2 dd: never |d|^4, which would underflow.

  d depends on z by |z|^2 and Re z alone, with factors that depend on frequency
  alone: so derivatives too, and their transposes, are matrix products.
  """
  weights, z_re, z_im = primals
  d_weights, d_re, d_im = tangents
  d_square = 2 * (z_re * d_re + z_im * d_im)
  re, im = _pair(jax.lax.complex(z_re, z_im), length)
  squared = re * re - im * im, 2 * re * im
  half_turn = _half_turn(length)
  cosine, sine = half_turn.real, half_turn.imag
  return _weigh(weights, re, im), (
    _weigh(d_weights, re, im)
    - cosine**2 * _weigh(weights * d_square, *squared)
    + 2j * sine * cosine * _weigh(weights * d_re, *squared)
  )


def _weigh(weights, re, im):
  return jax.lax.complex(weights @ re.T, weights @ im.T)


def _pair(z, length):
  """1 / ((i sin - z cos)(i sin - z* cos)), real and imaginary parts."""
  half_turn = _half_turn(length)[:, None]
  cosine, sine = half_turn.real, half_turn.imag
  re = (z.real**2 + z.imag**2) * cosine**2 - sine**2
  im = -2 * z.real * sine * cosine
  scale = 1 / (re * re + im * im)
  return re * scale, -im * scale


def step(
  system: discretize.Discrete,
  x: Complex[Array, 'B D pairs'],
  u: Float[Array, 'B D'],
) -> Complex[Array, 'B D pairs']:
  """One step of the recurrence, x_k = A_bar x_{k-1} + B_bar u_k, in O(N).

  Args:
    system: the discretised systems.
    x: x_{k-1}.
    u: u_k.

  Returns:
    x_k.
  """
  low_rank = (system.e * x).real.sum(-1, keepdims=True)
  return system.a * x - system.g * low_rank + system.b * u[..., None]


def dense(system: discretize.Discrete) -> Float[Array, 'D N N']:
  """A_bar as real matrices that act on [Re x, Im x].

  Args:
    system: the discretised systems.

  Returns:
    The matrices, N = 2 pairs.
  """
  re, im = jax.vmap(jnp.diag)(system.a.real), jax.vmap(jnp.diag)(system.a.imag)
  diagonal = jnp.block([[re, -im], [im, re]])
  return diagonal - to_real(system.g)[:, :, None] * row(system.e)[:, None]


def to_real(x: Complex[Array, '*batch pairs']) -> Float[Array, '*batch N']:
  """[Re x, Im x], a state in the dense view."""
  return jnp.concatenate([x.real, x.imag], -1)


def to_complex(x: Float[Array, '*batch N']) -> Complex[Array, '*batch pairs']:
  """The inverse of `to_real`."""
  return jax.lax.complex(*jnp.split(x, 2, -1))


def row(c: Complex[Array, '*batch pairs']) -> Float[Array, '*batch N']:
  """The row r with r . [Re x, Im x] = Re(sum c x)."""
  return jnp.concatenate([c.real, -c.imag], -1)


def krylov(
  A: Float[Array, 'D N N'], b: Float[Array, 'D N'], length: int
) -> Float[Array, 'D N T']:
  """[b, A b, A^2 b, ...] by doubling, S_2m = [S_m, A^m S_m].

  Args:
    A: matrices.
    b: vectors.
    length: T, the number of columns.

  Returns:
    The columns A^t b, t = 0..length-1.
  """
  columns = b[..., None]
  while columns.shape[-1] < length:
    columns = jnp.concatenate([columns, A @ columns], -1)
    A = A @ A
  return columns[..., :length]
