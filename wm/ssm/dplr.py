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
  theta = 2 * np.pi * np.arange(length // 2 + 1) / length
  sine = jnp.asarray(np.sin(theta / 2), dt.dtype)
  cosine = jnp.asarray(np.cos(theta / 2), dt.dtype)
  h = dt[:, None] / 2
  v = jnp.stack([C * B, C * P, P.conj() * B, P.conj() * P], 1)
  CB, CP, PB, PP = jnp.moveaxis(cauchy(h * Lambda, h[:, None] * v, sine, cosine), 1, 0)
  K = CB - CP * PB * cosine / (1 + PP * cosine)
  return jnp.fft.irfft(K * (cosine + 1j * sine), length)


def cauchy(z, v, sine, cosine):
  """sum over pairs of v / (i sine - z cosine), and the conjugate pairs."""
  square = (z * z.conj()).real[..., None]
  re, im = _reciprocal(
    square * cosine**2 - sine**2, -2 * z.real[..., None] * sine * cosine
  )
  w = jnp.concatenate([(v * z[:, None].conj()).real, v.real], 1)
  A = jnp.einsum('dvn,dnm->dvm', w, re)
  Bm = jnp.einsum('dvn,dnm->dvm', w, im)
  k = v.shape[1]
  a_re, b_re, a_im, b_im = A[:, :k], A[:, k:], Bm[:, :k], Bm[:, k:]
  return jax.lax.complex(
    -2 * cosine * a_re - 2 * sine * b_im, -2 * cosine * a_im + 2 * sine * b_re
  )


@jax.custom_jvp
def _reciprocal(re, im):
  square = re * re + im * im
  return re / square, -im / square


@_reciprocal.defjvp
def _reciprocal_jvp(primals, tangents):
  x, y = _reciprocal(*primals)
  dre, dim = tangents
  # -(x + i y)^2 (dre + i dim): in float32, the square of |.|^2 would underflow.
  p, q = y * y - x * x, -2 * x * y
  return (x, y), (p * dre - q * dim, p * dim + q * dre)


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
