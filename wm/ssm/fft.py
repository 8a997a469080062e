"""Causal convolution by the real fast Fourier transform."""

import functools

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.experimental.custom_partitioning import custom_partitioning
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
  y = _convolve(jnp.moveaxis(u, 1, 2), kernel)
  return jnp.moveaxis(y, 2, 1)


@jax.custom_vjp
def _convolve(u, kernel):
  """Channels before time, `[B, D, T]`.

  The derivatives are correlations by real transforms of the same size; JAX
  would transpose a real transform into a complex one of twice the work.
  """
  return _forward(u, kernel)[0]


def _forward(u, kernel):
  n = size(u.shape[-1] + kernel.shape[-1] - 1)
  u_hat, kernel_hat = _rfft(u, n), _rfft(kernel, n)
  y = _irfft(u_hat * kernel_hat, n)[..., : u.shape[-1]]
  return y, (u_hat, kernel_hat, kernel)


def _backward(residuals, g):
  u_hat, kernel_hat, kernel = residuals
  length, taps = g.shape[-1], kernel.shape[-1]
  n = size(length + taps - 1)
  g_hat = _rfft(g, n)
  to_u = _irfft(g_hat * kernel_hat.conj(), n)
  to_kernel = _irfft((g_hat * u_hat.conj()).sum(0), n)
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


def _along_last(transform):
  """Returns a transform `(x[..., T], n)` whose rows stay on their devices.

  Left alone, XLA gathers all rows on every device. It has no derivatives.
  """

  def along_last(x, n):
    return transform(x, n)

  def partition(n, mesh, arguments, result):
    lies = result.sharding, (arguments[0].sharding,)
    return mesh, functools.partial(along_last, n=n), *lies

  split = custom_partitioning(along_last, static_argnums=(1,))
  split.def_partition(
    partition,
    sharding_rule='... t -> ... f',
    need_replication_factors=('t', 'f'),
  )

  def over_rows(x, n):
    rows = custom_vmap(lambda x: split(x, n))
    rows.def_vmap(lambda size, is_batched, x: (rows(x), True))
    return rows(x)

  return over_rows


_rfft, _irfft = _along_last(jnp.fft.rfft), _along_last(jnp.fft.irfft)
