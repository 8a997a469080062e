"""Mistakes explained: sizes that cannot be, calls that do not fit together."""

import jax
import jax.numpy as jnp
import numpy as np

from wm import types


def positive(name: str, **sizes: int) -> None:
  """Refuses sizes below one.

  Args:
    name: of the constructor, for messages.
    **sizes: its arguments by name.

  Raises:
    ValueError: naming the first that cannot be.
  """
  for size, value in sizes.items():
    if value < 1:
      raise ValueError(
        f'{name}: {size} must be positive; got {value}; '
        f'change {name}.{name}.{size}'
      )


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
  """A backbone that explains calls that do not fit together.

  Shapes are looked at always. Outside `jit`, where values are known, inputs
  must be finite, but for those that a later start of an episode forgets, and
  chosen steps must exist.

  Args:
    name: of the constructor, for messages.
    backbone: any.

  Returns:
    The backbone; `apply`, `carries` and `step` raise ValueError.
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
    if _known(u, is_first):
      spoilt = ~np.isfinite(u).all(-1)
      if is_first is not None and axes == 2:
        starts = np.cumsum(is_first, 1)
        spoilt &= starts == starts[:, -1:]
      if spoilt.any():
        where = [int(i) for i in np.argwhere(spoilt)[0]]
        raise ValueError(
          f'{name}: u must be finite; got NaN or infinity in u{where}; look at '
          'the data, or at the learning rate that made the parameters'
        )

  def apply(params, carry, u, is_first):
    check(carry, u, is_first, 2)
    return backbone.apply(params, carry, u, is_first)

  def carries(params, carry, u, is_first, steps):
    check(carry, u, is_first, 2)
    if steps.ndim != 2 or len(steps) != len(u):
      raise ValueError(
        f'{name}: steps must be [{len(u)}, K], rows as in u; got {steps.shape}'
      )
    if _known(steps) and not ((steps >= 0) & (steps < u.shape[1])).all():
      raise ValueError(
        f'{name}: steps must be in [0, {u.shape[1]}), as u; '
        f'got {steps.min()} to {steps.max()}'
      )
    return backbone.carries(params, carry, u, is_first, jnp.asarray(steps))

  def step(ready, carry, u, is_first):
    check(carry, u, is_first, 1)
    return backbone.step(ready, carry, u, is_first)

  return backbone._replace(apply=apply, carries=carries, step=step)


def _known(*arrays):
  return not any(isinstance(x, jax.core.Tracer) for x in arrays)
