"""From steps to whole sequences: scans, chunks, chosen carries, resets."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from wm import types
from wm.backbones import shards


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
    carry, h = jax.lax.scan(
      lambda carry, x: step(ready, carry, *x), carry, swap((u, is_first))
    )
    return carry, swap(h)

  return apply


def from_step(
  init: Callable[..., types.Params],
  initial: Callable[[int], types.Carry],
  prepare: Callable[[types.Params], Any],
  step: Callable[..., tuple[types.Carry, Array]],
) -> types.Backbone:
  """The whole backbone of a map given by its step.

  Its `carries` holds the carries of all steps and picks from them.

  Args:
    init: as in `types.Backbone`.
    initial: as in `types.Backbone`.
    prepare: as in `types.Backbone`.
    step: as in `types.Backbone`.

  Returns:
    The backbone.
  """

  def remember(ready, carry, u, is_first):
    carry, h = step(ready, carry, u, is_first)
    return carry, (carry, h)

  every = apply_from_step(initial, prepare, remember)

  def carries(params, carry, u, is_first, steps):
    _, (states, h) = every(params, carry, u, is_first)
    return pick(states, steps), h

  in_order = apply_from_step(initial, prepare, step)

  def apply(params, carry, u, is_first):
    shards.check_whole('a backbone given by its step')
    return in_order(params, carry, u, is_first)

  return types.Backbone(init, initial, apply, carries, prepare, step)


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


def pick(
  states: types.Carry, steps: Int[Array, 'B K']
) -> types.Carry:
  """The states of chosen steps.

  Args:
    states: of all steps, leaves `[B, T, ...]`.
    steps: in [0, T).

  Returns:
    Leaves `[B, K, ...]`.
  """
  return jax.tree.map(lambda x: jax.vmap(lambda x, k: x[k])(x, steps), states)


def carries_between(
  advance: Callable[..., types.Carry],
  step: Callable[..., tuple[types.Carry, Array]],
  carry: types.Carry,
  u: Float[Array, 'B T D'],
  is_first: Bool[Array, 'B T'] | None,
  steps: Int[Array, 'B K'],
) -> types.Carry:
  """The carries after chosen steps, where those of all steps are too many.

  A carry is kept every sqrt(T) steps; from the last before each chosen step,
  at most sqrt(T) single steps lead there, for all chosen steps at once. Memory
  is that of sqrt(T) + K carries, time that of one pass of `advance` and sqrt(T)
  steps at batch B K; gradients through it hold K sqrt(T) carries.

  Args:
    advance: `(carry, u[B, t, D], is_first) -> carry` over a stretch.
    step: as in `types.Backbone`, `ready` bound.
    carry: before the first step.
    u: the input.
    is_first: where episodes start; None for nowhere.
    steps: the chosen ones, in [0, T).

  Returns:
    Leaves `[B, K, ...]`.
  """
  batch, length = u.shape[:2]
  stretch = math.isqrt(length)
  count = -(-length // stretch)

  def cut(x):
    rest = [(0, 0), (0, count * stretch - length), *[(0, 0)] * (x.ndim - 2)]
    return jnp.pad(x, rest).reshape(batch, count, stretch, *x.shape[2:])

  inputs = jax.tree.map(cut, (u, is_first))
  _, before = jax.lax.scan(
    lambda carry, x: (advance(carry, *x), carry), carry, swap(inputs)
  )
  start = pick((swap(before), inputs), steps // stretch)
  carry, inputs = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), start)
  left = (steps % stretch).reshape(-1)

  def body(carry, x):
    i, x = x
    after, _ = step(carry, *x)
    return _choose(i <= left, after, carry), None

  carry, _ = jax.lax.scan(body, carry, (jnp.arange(stretch), swap(inputs)))
  return jax.tree.map(lambda x: x.reshape(*steps.shape, *x.shape[1:]), carry)


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
  return carry if is_first is None else _choose(is_first, initial, carry)


def _choose(rows, there, elsewhere):
  """Leaves `[B, ...]` of `there` in the rows where `rows[B]` is true."""

  def choose(x, y):
    return jnp.where(jnp.expand_dims(rows, range(1, y.ndim)), x, y)

  return jax.tree.map(choose, there, elsewhere)


def swap(tree: types.Carry) -> types.Carry:
  """Time-major leaves from batch-major ones, and back; None stays None."""
  return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), tree)
