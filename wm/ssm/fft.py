"""Causal convolution by the real fast Fourier transform."""

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float

_ROWS = 'data'
"""The axis of a mesh that rows lie along."""


def convolve(
  u: Float[Array, 'B T D'], kernel: Float[Array, 'D M']
) -> Float[Array, 'B T D']:
  """Causal convolution per channel, y_t = sum_{k <= t} kernel_k u_{t-k}.

  Args:
    u: the input.
    kernel: the first M taps, M <= T or not.

  Returns:
    y, the first T outputs.
  """
  y = _by_rows(_convolve, jnp.moveaxis(u, 1, 2), kernel)
  return jnp.moveaxis(y, 2, 1)


def _by_rows(function, u, kernel):
  """Each device convolves the rows that it has; XLA would gather them all."""
  mesh = jax.sharding.get_abstract_mesh()
  if mesh.shape.get(_ROWS, 1) == 1 or _ROWS in mesh.manual_axes:
    return function(u, kernel)
  rows, everywhere = PartitionSpec(_ROWS), PartitionSpec()
  return jax.shard_map(
    function,
    in_specs=(rows, everywhere),
    out_specs=rows,
    axis_names={_ROWS},
    check_vma=False,
  )(u, kernel)


@jax.custom_vjp
def _convolve(u, kernel):
  """Channels before time, `[B, D, T]`.

  The derivatives are correlations by real transforms of the same size; JAX
  would transpose a real transform into a complex one of twice the work.
  """
  return _forward(u, kernel)[0]


def _forward(u, kernel):
  n = size(u.shape[-1] + kernel.shape[-1] - 1)
  u_hat, kernel_hat = jnp.fft.rfft(u, n), jnp.fft.rfft(kernel, n)
  y = jnp.fft.irfft(u_hat * kernel_hat, n)[..., : u.shape[-1]]
  return y, (u_hat, kernel_hat, kernel)


def _backward(residuals, g):
  u_hat, kernel_hat, kernel = residuals
  length, taps = g.shape[-1], kernel.shape[-1]
  n = size(length + taps - 1)
  g_hat = jnp.fft.rfft(g, n)
  to_u = jnp.fft.irfft(g_hat * kernel_hat.conj(), n)
  to_kernel = jnp.fft.irfft((g_hat * u_hat.conj()).sum(0), n)
  return to_u[..., :length], to_kernel[..., :taps]


_convolve.defvjp(_forward, _backward)


def size(minimum: int) -> int:
  """The least even n = 2^a 3^b 5^c that is not below `minimum`."""
  n = max(minimum + minimum % 2, 2)
  while not _is_smooth(n):
    n += 2
  return n


def _is_smooth(n):
  for prime in 2, 3, 5:
    while n % prime == 0:
      n //= prime
  return n == 1
