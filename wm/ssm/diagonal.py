"""Diagonal systems: stable eigenvalues, and the kernel and the states of S4D.

Complex arrays `[D, pairs]` hold one of each conjugate pair of D independent
systems of N = 2 pairs states, one input and one output each.

Powers of a come as two factors, a^(q R + r) = coarse_q fine_r with R about
sqrt(T). A sum over states or over time then is a product of small real matrices
over one factor and a few terms over the other: no array of N T numbers per
channel exists.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from wm.ssm import dplr, fft

_DAMPING = 1e-4


class System(NamedTuple):
  """One step, x_k = a x_{k-1} + b u_k and y_k = 2 Re(sum C x_k) + D u_k."""

  a: Complex[Array, 'D pairs']
  b: Complex[Array, 'D pairs']
  C: Complex[Array, 'D pairs']
  D: Float[Array, ' D']


def to_stable(
  Lambda_re: Float[Array, '*axes'], Lambda_im: Float[Array, '*axes']
) -> Complex[Array, '*axes']:
  """Lambda with Re Lambda = -exp(Lambda_re) - damping, below zero always."""
  return jax.lax.complex(-jnp.exp(Lambda_re) - _DAMPING, Lambda_im)


def from_stable(
  Lambda: Complex[Array, '*axes'],
) -> tuple[Float[Array, '*axes'], Float[Array, '*axes']]:
  """The inverse of `to_stable`."""
  return jnp.log(-Lambda.real - _DAMPING), Lambda.imag


def step(
  system: System, x: Complex[Array, 'B D pairs'], u: Float[Array, 'B D']
) -> tuple[Complex[Array, 'B D pairs'], Float[Array, 'B D']]:
  """One step of the recurrence.

  Args:
    system: the discretised systems.
    x: x_{k-1}.
    u: u_k.

  Returns:
    x_k and y_k.
  """
  x = system.a * x + system.b * u[..., None]
  return x, 2 * (system.C * x).real.sum(-1) + system.D * u


def kernel(system: System, length: int) -> Float[Array, 'D T']:
  """The convolution kernel.

  Args:
    system: the discretised systems.
    length: T, the number of taps.

  Returns:
    K_t = 2 Re(sum C a^t b), t = 0..length-1.
  """
  coarse, fine = _factors(system.a, length)
  rows = dplr.row(2 * (system.C * system.b)[:, None] * coarse)
  K = rows @ dplr.to_real(fine).mT
  return K.reshape(len(K), -1)[:, :length]


def convolve(
  system: System,
  x_0: Complex[Array, 'B D pairs'] | None,
  u: Float[Array, 'B T D'],
) -> Float[Array, 'B T D']:
  """The outputs of T steps, y = K * u + D u + 2 Re(sum C a^{t+1} x_0).

  Args:
    system: the discretised systems.
    x_0: the state before the first step; None for zero.
    u: the input.

  Returns:
    y.
  """
  length = u.shape[1]
  y = fft.convolve(u, kernel(system, length)) + system.D * u
  return y if x_0 is None else y + free(system, x_0, length)


def free(
  system: System, x_0: Complex[Array, 'B D pairs'], length: int
) -> Float[Array, 'B T D']:
  """The outputs of steps without input, 2 Re(sum C a^{t+1} x_0).

  Args:
    system: the discretised systems.
    x_0: the state before the first step.
    length: T, the number of steps.

  Returns:
    y.
  """
  coarse, fine = _factors(system.a, length)
  x = (2 * system.C * system.a * x_0)[:, :, None] * coarse
  y = jnp.einsum('bdqn,drn->bdqr', dplr.row(x), dplr.to_real(fine))
  y = y.reshape(*x_0.shape[:2], -1)[..., :length]
  return jnp.moveaxis(y, 1, 2)


def through(
  system: System, x_0: Complex[Array, 'B D pairs'], length: int
) -> Complex[Array, 'B D pairs']:
  """The state after steps without input, a^T x_0; arguments as of `free`."""
  return jax.lax.integer_pow(system.a, length) * x_0


def advance(
  system: System,
  x_0: Complex[Array, 'B D pairs'] | None,
  u: Float[Array, 'B T D'],
) -> Complex[Array, 'B D pairs']:
  """The state after T steps, x_T = a^T x_0 + sum_t a^{T-1-t} b u_t.

  Args:
    system: the discretised systems.
    x_0: the state before the first step; None for zero.
    u: the input.

  Returns:
    x_T.
  """
  batch, length, width = u.shape
  coarse, fine = _factors(system.a, length)
  count, stride = coarse.shape[1], fine.shape[1]
  past = jnp.pad(u[:, ::-1], [(0, 0), (0, count * stride - length), (0, 0)])
  past = past.reshape(batch, count, stride, width)
  x = jnp.einsum('bqrd,drn->bdqn', past, dplr.to_real(fine))
  x = system.b * (dplr.to_complex(x) * coarse).sum(2)
  if x_0 is None:
    return x
  q, r = divmod(length - 1, stride)
  return x + system.a * coarse[:, q] * fine[:, r] * x_0


def _factors(a, length):
  """Coarse `[D, Q, pairs]` and fine `[D, R, pairs]`, Q R >= length."""
  stride = math.isqrt(length)
  fine = powers(a, stride)
  return powers(fine[:, -1] * a, -(-length // stride)), fine


def powers(
  a: Complex[Array, 'D pairs'], length: int
) -> Complex[Array, 'D T pairs']:
  """1, a, a^2, ... by doubling.

  Args:
    a: numbers.
    length: T, how many powers of each.
  """
  found = jnp.ones_like(a)[:, None]
  while found.shape[1] < length:
    found = jnp.concatenate([found, a[:, None] * found], 1)
    a = a * a
  return found[:, :length]
