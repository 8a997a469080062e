"""Causal convolution by the real fast Fourier transform."""

import jax.numpy as jnp
from jaxtyping import Array, Float


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
  length = u.shape[1]
  n = size(length + kernel.shape[-1] - 1)
  spectrum = jnp.fft.rfft(jnp.moveaxis(u, 1, 2), n)
  y = jnp.fft.irfft(spectrum * jnp.fft.rfft(kernel, n), n)
  return jnp.moveaxis(y[..., :length], 2, 1)


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
