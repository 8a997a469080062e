"""Sequences that lie on several devices, a stretch of time on each.

Inside `jax.shard_map` over the axis `time` of a mesh, these functions let the
stretches of a sequence, all of one length, hang together; elsewhere a sequence
is whole and they do nothing. What a stretch needs of the others is little: the
state before it, one latent, a window of inputs. None of it grows with T.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from wm import types

AXIS = 'time'
"""The axis of the mesh."""

Apply = Callable[..., tuple[types.Carry, Array]]


def count() -> int:
  """Returns on how many devices a sequence lies here."""
  mesh = jax.sharding.get_abstract_mesh()
  return mesh.shape[AXIS] if AXIS in mesh.manual_axes else 1


def offset(length: int) -> Array | int:
  """Returns the steps before this stretch.

  Args:
    length: of a stretch.
  """
  return 0 if count() == 1 else jax.lax.axis_index(AXIS) * length


def previous(x: types.Carry, start: types.Carry) -> types.Carry:
  """Returns what the stretch before this one has.

  Args:
    x: what this one has.
    start: what the first stretch gets.
  """
  if count() == 1:
    return start
  onward = [(i, i + 1) for i in range(count() - 1)]
  first = jax.lax.axis_index(AXIS) == 0
  return jax.tree.map(
    lambda x, start: jnp.where(first, start, jax.lax.ppermute(x, AXIS, onward)),
    x,
    start,
  )


def linear(
  apply: Apply, prepare: Callable, through: Callable, free: Callable
) -> Apply:
  """Returns the parallel view of a linear layer over all stretches.

  The carry that it returns is that after its own stretch.

  Args:
    apply: as in `types.Backbone`, of one stretch; linear in carry and input.
    prepare: as in `types.Backbone`.
    through: `(ready, carry, T) -> carry` after T steps without input.
    free: `(ready, carry, T) -> y[B, T, D]` of these steps.
  """

  def sharded(params, carry, u, is_first):
    if count() == 1:
      return apply(params, carry, u, is_first)
    ready, length = prepare(params), u.shape[1]
    alive = _alive(is_first, u)
    end, y = apply(params, None, u, is_first)
    past = _incoming(
      lambda x: through(ready, x, length),
      end,
      jnp.zeros_like(end) if carry is None else carry,
      alive[:, -1],
    )
    kept = _where(alive[:, -1], through(ready, past, length))
    return kept + end, y + _where(alive, free(ready, past, length))

  return sharded


def check_whole(name: str) -> None:
  """Refuses what can only go through time step by step.

  Args:
    name: of the constructor, for messages.

  Raises:
    ValueError: if time lies on several devices here.
  """
  if count() > 1:
    raise ValueError(
      f'{name}: goes through time step by step, so that time cannot lie on '
      f'{count()} devices; set sharding.layout.time to 1'
    )


def check_window(name: str, window: int, length: int) -> None:
  """Refuses stretches shorter than what is remembered of the one before.

  Args:
    name: of the constructor, for messages.
    window: steps that are remembered.
    length: of a stretch.

  Raises:
    ValueError: if time lies on several devices here, in such stretches.
  """
  if count() > 1 and length < window:
    raise ValueError(
      f'{name}: a stretch of time on a device must hold the window; got '
      f'{length} steps and a window of {window}; lower '
      f'sharding.layout.time or {name}.{name}.window'
    )


def _incoming(
  through: Callable[[Array], Array],
  end: Array,
  start: Array,
  keeps: Bool[Array, ' B'],
) -> Array:
  """The state before this stretch, from the ends of those before it.

  Each device gathers the ends of all and goes through them in order.
  """
  index = jax.lax.axis_index(AXIS)

  def body(state, stretch):
    number, end, keeps = stretch
    after = _where(keeps, through(state)) + end
    return jnp.where(number < index, after, state), None

  ends = jax.lax.all_gather((end, keeps), AXIS)
  return jax.lax.scan(body, start, (jnp.arange(count()), *ends))[0]


def _alive(is_first, u) -> Bool[Array, 'B T']:
  """Whether what was before the stretch is remembered after each step."""
  if is_first is None:
    return jnp.ones(u.shape[:2], bool)
  return jnp.cumsum(is_first, 1) == 0


def _where(rows, x):
  """x where a flag of its leading axes is true, else zero."""
  return jnp.where(jnp.expand_dims(rows, range(rows.ndim, x.ndim)), x, 0)
