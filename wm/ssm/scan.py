"""The affine scan x_t = a x_{t-1} + b_t, with fresh starts inside.

Where `is_first[:, t]`, x_t = b_t: a choice, not a product with 1 - is_first, so
that a NaN ends there. Three ways of one meaning: `sequential` is the fastest on
a CPU, `associative` has log T steps, `pallas` is a TPU kernel, which several
devices need `jax.shard_map` to share. `by_platform` lets the device choose
between the first two.

The gradient is such a scan too, from the end to the start. With g_t the
cotangent of x_t as an output, JAX's convention (no conjugates) gives

  l_t = g_t + a l_{t+1},  db_t = l_t,  da = sum_t l_t x_{t-1},

without the terms that a fresh start cuts. So what the backward pass keeps is x.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex

from wm.ssm import pallas_scan


def sequential(
  a: Complex[Array, ' P'],
  b: Complex[Array, 'B T P'],
  x_0: Complex[Array, 'B P'] | None,
  is_first: Bool[Array, 'B T'] | None,
) -> Complex[Array, 'B T P']:
  """The scan, step by step.

  Args:
    a: constant in time.
    b: the input.
    x_0: the state before the first step; None for zero.
    is_first: where an episode starts; None for nowhere.

  Returns:
    x, the state after each step.
  """
  return _scan(_sequential, a, _with_past(a, b, x_0, is_first), is_first)


def associative(
  a: Complex[Array, ' P'],
  b: Complex[Array, 'B T P'],
  x_0: Complex[Array, 'B P'] | None,
  is_first: Bool[Array, 'B T'] | None,
) -> Complex[Array, 'B T P']:
  """The scan in log T parallel steps; arguments as of `sequential`."""
  return _scan(_associative, a, _with_past(a, b, x_0, is_first), is_first)


def pallas(
  a: Complex[Array, ' P'],
  b: Complex[Array, 'B T P'],
  x_0: Complex[Array, 'B P'] | None,
  is_first: Bool[Array, 'B T'] | None,
) -> Complex[Array, 'B T P']:
  """The scan as a TPU kernel; arguments as of `sequential`."""
  return _scan(pallas_scan.scan, a, _with_past(a, b, x_0, is_first), is_first)


def by_platform(
  a: Complex[Array, ' P'],
  b: Complex[Array, 'B T P'],
  x_0: Complex[Array, 'B P'] | None,
  is_first: Bool[Array, 'B T'] | None,
) -> Complex[Array, 'B T P']:
  """The scan in the way of the device; arguments as of `sequential`."""
  return _scan(_by_platform, a, _with_past(a, b, x_0, is_first), is_first)


def _with_past(a, b, x_0, is_first):
  """b with a x_0 in its first step, unless an episode starts there."""
  if x_0 is None:
    return b
  if is_first is not None:
    x_0 = jnp.where(is_first[:, :1], 0, x_0)
  return b.at[:, 0].add(a * x_0)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _scan(way: Callable, a, b, is_first):
  return way(a, b, is_first, reverse=False)


def _scan_forward(way, a, b, is_first):
  x = _scan(way, a, b, is_first)
  return x, (a, x, is_first)


def _scan_backward(way, residuals, g):
  a, x, is_first = residuals
  past = x[:, :-1]
  cut = None
  if is_first is not None:
    past = jnp.where(is_first[:, 1:, None], 0, past)
    cut = jnp.pad(is_first[:, 1:], ((0, 0), (0, 1)))
  adjoint = way(a, g, cut, reverse=True)
  return jnp.sum(adjoint[:, 1:] * past, (0, 1)), adjoint, None


_scan.defvjp(_scan_forward, _scan_backward)


def _sequential(a, b, is_first, reverse):
  """Time-major, real and imaginary parts apart: faster than complex numbers."""

  def body(x, inputs):
    (b_re, b_im), first = inputs
    if first is not None:
      x = jax.tree.map(lambda x: jnp.where(first[:, None], 0, x), x)
    re, im = x
    x = a.real * re - a.imag * im + b_re, a.imag * re + a.real * im + b_im
    return x, x

  inputs = jax.tree.map(
    lambda x: jnp.swapaxes(x, 0, 1), ((b.real, b.imag), is_first)
  )
  zero = jnp.zeros_like(b.real[:, 0])
  _, x = jax.lax.scan(body, (zero, zero), inputs, reverse=reverse)
  return jnp.swapaxes(jax.lax.complex(*x), 0, 1)


def _associative(a, b, is_first, reverse):
  """Elements (a, b, c) are maps x -> a x + b that forget x where c is true."""
  powers = jnp.broadcast_to(a, (1, b.shape[1], len(a)))
  cut = None if is_first is None else is_first[..., None]

  def combine(i, j):
    (a_i, b_i, c_i), (a_j, b_j, c_j) = i, j
    b = a_j * b_i + b_j
    if c_i is None:
      return a_j * a_i, b, None
    return a_j * a_i, jnp.where(c_j, b_j, b), c_i | c_j

  elements = powers, b, cut
  return jax.lax.associative_scan(combine, elements, reverse, axis=1)[1]


def _by_platform(a, b, is_first, reverse):
  return jax.lax.platform_dependent(
    a,
    b,
    is_first,
    cpu=functools.partial(_sequential, reverse=reverse),
    default=functools.partial(_associative, reverse=reverse),
  )
