"""Random integers and choices that are the same on every machine."""

import jax
import jax.numpy as jnp


def below(bits: jax.Array, bound: int | jax.Array) -> jax.Array:
  """Returns int32 draws from 0 to bound - 1, from uint32 draws."""
  return (bits % jnp.asarray(bound, jnp.uint32)).astype(jnp.int32)


def chance(bits: jax.Array, probability: float) -> jax.Array:
  """Returns bool draws, True with a probability, from uint32 draws."""
  return bits >> 8 < round(probability * 2**24)


def slip(
  key: jax.Array, action: jax.Array, actions: int, probability: float
) -> jax.Array:
  """Returns the action that happens: the one meant, or any one at random.

  Args:
    key: raw uint32 key of this step.
    action: int32, the one meant, below `actions`.
    actions: their number.
    probability: that one is drawn uniformly instead; at 0 nothing is drawn.
  """
  if not probability:
    return action
  bits = jax.random.bits(key, (2,))
  slips = chance(bits[0], probability)
  return jnp.where(slips, below(bits[1], actions), action)
