"""Mistakes explained: sizes that cannot be, calls that do not fit together."""

import jax
import jax.numpy as jnp
import numpy as np

from wm import types
from wm.backbones import shards


def time_steps(name: str, dt_min: float, dt_max: float) -> None:
  """Refuses initial steps of a state-space layer that are no range.

  Args:
    name: of the constructor, for messages.
    dt_min: the least.
    dt_max: the greatest.

  Raises:
    ValueError: unless 0 < dt_min <= dt_max.
  """
  if not 0 < dt_min <= dt_max:
    raise ValueError(
      f'{name}: need 0 < dt_min <= dt_max; got {dt_min} and {dt_max}; '
      f'change {name}.{name}.dt_min or {name}.{name}.dt_max'
    )


def checked(name: str, backbone: types.Backbone) -> types.Backbone:
  """A backbone that explains calls that do not fit together, see `call`.

  Args:
    name: of the constructor, for messages.
    backbone: any.

  Returns:
    The backbone; `apply`, `carries` and `step` raise ValueError.
  """

  def check(carry, u, is_first, axes):
    call(name, carry, u, is_first, axes)
    if carry is None:
      return
    like = jax.eval_shape(lambda: backbone.initial(len(u)))
    if jax.tree.map(jnp.shape, carry) != jax.tree.map(jnp.shape, like):
      raise ValueError(
        f'{name}: carry must be as initial({len(u)}) makes it; got another '
        "backbone's, or one of other sizes"
      )

  def apply(params, carry, u, is_first):
    check(carry, u, is_first, 2)
    return backbone.apply(params, carry, u, _flags(is_first))

  def carries(params, carry, u, is_first, steps):
    check(carry, u, is_first, 2)
    shards.check_whole(f'carries of {name}')
    chosen(name, steps, u)
    steps = jnp.asarray(steps)
    return backbone.carries(params, carry, u, _flags(is_first), steps)

  def step(ready, carry, u, is_first):
    if carry is None:
      raise ValueError(
        f'{name}: a step needs a carry; got None; begin with initial({len(u)})'
      )
    check(carry, u, is_first, 1)
    return backbone.step(ready, carry, u, _flags(is_first))

  return backbone._replace(apply=apply, carries=carries, step=step)


def call(name: str, carry, u, is_first, axes: int, what: str = 'u') -> None:
  """Refuses a carry, inputs and starts that do not fit together.

  Shapes are looked at always. Outside `jit`, where values are known, they must
  be finite, but for those that a later start of an episode forgets.

  Args:
    name: of what is called, for messages.
    carry: leaves `[B, ...]`, or None.
    u: `[B, T, D]` or `[B, D]`.
    is_first: `[B, T]` or `[B]`, or None.
    axes: of is_first, 2 or 1.
    what: the name of u, for messages.

  Raises:
    ValueError: saying what does not fit.
  """
  if u.ndim != axes + 1:
    raise ValueError(f'{name}: {what} must have {axes + 1} axes; got {u.shape}')
  if not u.size:
    raise ValueError(f'{name}: {what} must not be empty; got {u.shape}')
  if is_first is not None and is_first.shape != u.shape[:axes]:
    raise ValueError(
      f'{name}: is_first must be {u.shape[:axes]}, as {what}; '
      f'got {is_first.shape}'
    )
  for leaf in jax.tree.leaves(carry):
    if leaf.shape[0] != u.shape[0]:
      raise ValueError(
        f'{name}: carry must have batch {u.shape[0]}, as {what}; '
        f'got {leaf.shape[0]}; make it with initial({u.shape[0]})'
      )
  if not _known(u, is_first, carry):
    return
  starts = np.zeros(u.shape[:axes]) if is_first is None else is_first
  starts = np.cumsum(np.asarray(starts, int).reshape(len(u), -1), 1)
  spoilt = ~np.isfinite(u).all(-1).reshape(starts.shape)
  spoilt &= starts == starts[:, -1:]
  if spoilt.any():
    where = [int(i) for i in np.argwhere(spoilt)[0]][:axes]
    raise ValueError(
      f'{name}: {what} must be finite; got NaN or infinity in {what}{where}; '
      'look at the data, or at the learning rate that made the parameters'
    )
  for leaf in jax.tree.leaves(carry):
    if not np.isfinite(np.asarray(leaf)[starts[:, -1] == 0]).all():
      raise ValueError(
        f'{name}: carry must be finite; got NaN or infinity; look at the steps '
        'that made it'
      )


def chosen(name: str, steps, u) -> None:
  """Refuses chosen steps that a sequence does not have.

  Args:
    name: of what is called, for messages.
    steps: integers `[B, K]`; their values are looked at outside `jit`.
    u: `[B, T, ...]`.

  Raises:
    ValueError: if they are not in [0, T), or of another shape or kind.
  """
  integers = jnp.issubdtype(steps.dtype, jnp.integer)
  if steps.ndim != 2 or len(steps) != len(u) or not integers:
    raise ValueError(
      f'{name}: steps must be integers [{len(u)}, K], rows as in the data; got '
      f'{steps.dtype} {steps.shape}'
    )
  if _known(steps) and not ((steps >= 0) & (steps < u.shape[1])).all():
    raise ValueError(
      f'{name}: steps must be in [0, {u.shape[1]}), as in the data; '
      f'got {steps.min()} to {steps.max()}'
    )


def _flags(is_first):
  return None if is_first is None else jnp.asarray(is_first, bool)


def _known(*trees):
  return not any(
    isinstance(x, jax.core.Tracer) for x in jax.tree.leaves(trees)
  )
