"""memax's recurrences: a yardstick for ours."""

import jax
import jax.numpy as jnp


def lru_layer(width: int):
  """Returns memax's linear recurrent unit as `(init, apply)` on `[B, T, D]`.

  It has as many complex states as channels, an associative scan over time, and
  neither gate nor normalisation nor skip.

  Args:
    width: D, of input and output.

  Raises:
    ValueError: memax is not installed.
  """
  try:
    from memax.linen.semigroups import lru
  except ImportError as error:
    raise ValueError(
      "memax: not installed; pip install -e '.[test]'"
    ) from error
  cell = lru.LRU(
    algebra=lru.LRU.default_algebra(recurrent_size=width),
    scan=lru.LRU.default_scan(),
    hidden_size=width,
    recurrent_size=width,
  )
  states = jnp.ones(width, jnp.complex64), jnp.zeros(width, jnp.complex64)
  past = states, jnp.array(False)

  def init(key, u):
    starts = jnp.zeros(u.shape[1], bool)
    return cell.init(key, past, (jnp.zeros(u.shape[1:], u.dtype), starts))

  def apply(params, u):
    starts = jnp.zeros(u.shape[1], bool)
    return jax.vmap(lambda u: cell.apply(params, past, (u, starts))[1])(u)

  return init, apply
