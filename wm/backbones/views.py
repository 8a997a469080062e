"""From steps to whole sequences: scans, chunks, resets and checks."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from wm import types


def apply_from_step(
  initial: Callable[[int], types.Carry],
  prepare: Callable[[types.Params], Any],
  step: Callable[..., tuple[types.Carry, Array]],
) -> Callable[..., tuple[types.Carry, Array]]:
  """The parallel view of a map given by its step: a scan over time.

  Args:
    initial: as in `types.Backbone`.
    prepare: as in `types.Backbone`.
    step: as in `types.Backbone`.

  Returns:
    `apply`, as in `types.Backbone`.
  """

  def apply(params, carry, u, is_first):
    ready = prepare(params)
    carry = initial(u.shape[0]) if carry is None else carry
    inputs = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), (u, is_first))
    carry, h = jax.lax.scan(lambda c, x: step(ready, c, *x), carry, inputs)
    return carry, jnp.swapaxes(h, 0, 1)

  return apply


def in_chunks(
  segment: Callable[..., tuple[types.Carry, Array]],
  chunk: int,
  carry: types.Carry,
  u: Float[Array, 'B T D'],
) -> tuple[types.Carry, Float[Array, 'B T O']]:
  """A long sequence, one chunk after the other.

  Args:
    segment: `(carry, u[B, t, D]) -> (carry, h[B, t, O])` for t <= chunk.
    chunk: steps of a chunk.
    carry: before the first.
    u: the input, T >= chunk.

  Returns:
    The carry after the last, and h.
  """
  batch, length, _ = u.shape
  whole = length // chunk * chunk
  chunks = u[:, :whole].reshape(batch, -1, chunk, u.shape[-1])
  carry, h = jax.lax.scan(segment, carry, jnp.swapaxes(chunks, 0, 1))
  h = jnp.swapaxes(h, 0, 1).reshape(batch, whole, -1)
  if whole < length:
    carry, rest = segment(carry, u[:, whole:])
    h = jnp.concatenate([h, rest], 1)
  return carry, h


def checked(name: str, backbone: types.Backbone) -> types.Backbone:
  """A backbone that explains calls whose shapes do not belong together.

  Args:
    name: of the constructor, for messages.
    backbone: any.

  Returns:
    The backbone; `apply` and `step` raise ValueError.
  """

  def check(carry, u, is_first, axes):
    if u.ndim != axes + 1:
      raise ValueError(f'{name}: u must have {axes + 1} axes; got {u.shape}')
    if is_first is not None and is_first.shape != u.shape[:axes]:
      raise ValueError(
        f'{name}: is_first must be {u.shape[:axes]}, as u; got {is_first.shape}'
      )
    for leaf in jax.tree.leaves(carry):
      if leaf.shape[0] != u.shape[0]:
        raise ValueError(
          f'{name}: carry must have batch {u.shape[0]}, as u; '
          f'got {leaf.shape[0]}; make it with initial({u.shape[0]})'
        )

  def apply(params, carry, u, is_first):
    check(carry, u, is_first, 2)
    return backbone.apply(params, carry, u, is_first)

  def step(ready, carry, u, is_first):
    check(carry, u, is_first, 1)
    return backbone.step(ready, carry, u, is_first)

  return backbone._replace(apply=apply, step=step)


def restart(
  initial: types.Carry, carry: types.Carry, is_first: Bool[Array, ' B'] | None
) -> types.Carry:
  """The carry that the input meets: `initial` where an episode starts.

  A choice, not a product with 1 - is_first, so that a NaN ends here.

  Args:
    initial: carry of an empty past, leaves `[B, ...]`.
    carry: carry of the past.
    is_first: where an episode starts; None for nowhere.

  Returns:
    The carry.
  """
  if is_first is None:
    return carry

  def choose(fresh, past):
    start = jnp.expand_dims(is_first, range(1, past.ndim))
    return jnp.where(start, fresh, past)

  return jax.tree.map(choose, initial, carry)
