"""Diagonal plus low rank: the S4 kernel, the step and the dense view.

A = Lambda - P P*. Complex arrays `[D, pairs]` hold one of each conjugate pair
of D independent systems of N = 2 pairs states. The dense view is real: a state
is [Re x, Im x], `[D, N]`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from wm.ssm import discretize


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

  Everything is multiplied through by cos(theta / 2), so that om = -1 is an
  ordinary point: with q_v = k_v / cos(theta / 2),
  K^ = exp(i theta / 2) [q_CB - q_CP cos (1 + q_PP cos)^-1 q_P*B].
  Gu et al. 2022, arXiv 2111.00396, theorem 3 and algorithm 1.

  Args:
    Lambda: eigenvalues of the normal part, Re Lambda < 0.
    P: the low-rank part.
    B: the input.
    C: the output C~ = C (I - A_bar^length) of the truncated system.
    dt: the step.
    length: T, the number of taps.

  Returns:
    K_t = C A_bar^t B_bar, t = 0..length-1.
  """
  half_turn = _half_turn(length)
  h = dt[:, None] / 2
  v = jnp.stack([C * B, C * P, P.conj() * B, P.conj() * P], 1)
  q = _cauchy(h * Lambda, h[:, None] * v, half_turn)
  CB, CP, PB, PP = jnp.moveaxis(q, 1, 0)
  cosine = half_turn.real
  K = CB - CP * PB * cosine / (1 + PP * cosine)
  return jnp.fft.irfft(K * half_turn, length)


def untruncate(
  Lambda: Complex[Array, 'D pairs'],
  P: Complex[Array, 'D pairs'],
  C: Complex[Array, 'D pairs'],
  dt: Float[Array, ' D'],
  length: int,
) -> Complex[Array, 'D pairs']:
  """The output C of the recurrence from the C~ of the kernel, in O(N length).

  C = C~ (I - A_bar^length)^-1 is the mean of C~ (I - om A_bar)^-1 over the
  roots of unity, and with A_bar = 2 (I - dt/2 A)^-1 - I,

    (I - om A_bar)^-1
      = exp(i theta / 2) / 2 (i sin - cos dt/2 A)^-1 (I - dt/2 A),

  where Woodbury gives the inverse as in `kernel`. No dense matrix is solved.

  Args:
    Lambda: eigenvalues of the normal part, Re Lambda < 0.
    P: the low-rank part.
    C: C~.
    dt: the step.
    length: of the truncation.

  Returns:
    C.
  """
  half_turn = _half_turn(length)
  cosine, sine = half_turn.real, half_turn.imag
  h = dt[:, None] / 2
  z = h * Lambda
  v = jnp.stack([C * P, P.conj() * P], 1)
  CP, PP = jnp.moveaxis(_cauchy(z, h[:, None] * v, half_turn), 1, 0)
  gamma = (CP * cosine / (1 + PP * cosine))[:, None]
  C, P, inverse = C[..., None], P.conj()[..., None], _inverse(z, half_turn)
  upper = half_turn * (1j * sine - cosine * z.conj()[..., None]) * inverse
  lower = (half_turn * (1j * sine - cosine * z[..., None]) * inverse).conj()
  rows = (C - gamma * P) * upper + (C - gamma.conj() * P) * lower
  C = (rows * _multiplicity(length)).sum(-1) / (2 * length)
  P = P[..., 0]
  return C * (1 - z) + 2 * h * P * (C * P.conj()).real.sum(-1, keepdims=True)


def _half_turn(length):
  """exp(i theta / 2) for the roots of unity exp(-i theta), 0 <= theta <= pi."""
  theta = 2 * np.pi * np.arange(length // 2 + 1) / length
  return jnp.asarray(np.exp(0.5j * theta), jnp.complex64)


def _multiplicity(length):
  """1 for pairs of roots of unity, 1/2 for the real ones."""
  j = np.arange(length // 2 + 1)
  return np.where(2 * j % length == 0, 0.5, 1.0).astype(np.float32)


def _cauchy(z, v, half_turn):
  """Sums of v / (i sin - z cos) over the pairs, conjugates included.

  A pair gives 2 (i sin Re v - cos Re v z*) / ((i sin - z cos)(i sin - z* cos)),
  so that the sums are real matrix products.
  """
  cosine, sine = half_turn.real, half_turn.imag
  inverse = _inverse(z, half_turn)
  re, im = inverse
  numerators = jnp.stack([v.real, (v * z[:, None].conj()).real], 1)
  numerators = numerators.reshape(v.shape[0], -1, v.shape[-1])
  ...


def _inverse(z, half_turn):
  """1 / ((i sin - z cos)(i sin - z* cos)) as real and imaginary part."""
  cosine, sine = half_turn.real, half_turn.imag
  square = (z.real**2 + z.imag**2)[..., None]
  re = square * cosine**2 - sine**2
  return _reciprocal(re, -2 * z.real[..., None] * sine * cosine)


@jax.custom_jvp
def _reciprocal(re, im):
  square = re * re + im * im
  return re / square, -im / square


@_reciprocal.defjvp
def _reciprocal_jvp(primals, tangents):
  """-(x + i y)^2 (dre + i dim): the square of |.|^2 would underflow."""
  x, y = _reciprocal(*primals)
  d_re, d_im = tangents
  p, q = y * y - x * x, -2 * x * y
  return (x, y), (p * d_re - q * d_im, p * d_im + q * d_re)


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
