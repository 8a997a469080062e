"""Multiplications and additions of a program, counted before it is compiled.

XLA's own count sees the body of a loop once, however often it turns.
"""

import math

import jax
from jax.extend import core


def count(jaxpr: core.Jaxpr) -> int:
  """Returns the floating-point operations of products, convolutions and FFTs.

  Of complex numbers, a product counts as four. What is done elementwise is left
  out, as it costs memory traffic, not arithmetic.

  Args:
    jaxpr: of the whole program, on all devices together.
  """
  return sum(_equation(equation) for equation in jaxpr.eqns)


def _equation(equation) -> int:
  name, params = equation.primitive.name, equation.params
  if name in _COUNTED:
    return _COUNTED[name](equation)
  times = 1
  if name == 'scan':
    times = params['length']
  elif name == 'shard_map':
    sizes = params['mesh'].shape
    times = math.prod(sizes[axis] for axis in params['newly_manual_axes'])
  inner = map(_inner, jax.tree.leaves(params))
  counts = [count(x) for x in inner if x is not None]
  if name == 'cond':
    return max(counts, default=0)
  return times * sum(counts)


def _inner(x) -> core.Jaxpr | None:
  if isinstance(x, core.ClosedJaxpr):
    return x.jaxpr
  return x if isinstance(x, core.Jaxpr) else None


def _complex(equation) -> int:
  kinds = (x.aval.dtype.kind == 'c' for x in equation.invars)
  return 2 ** sum(kinds)


def _product(equation) -> int:
  (contracted, _), _ = equation.params['dimension_numbers']
  shape = equation.invars[0].aval.shape
  size = math.prod(shape[axis] for axis in contracted)
  (out,) = equation.outvars
  return 2 * _complex(equation) * size * math.prod(out.aval.shape)


def _convolution(equation) -> int:
  kernel = equation.invars[1].aval.shape
  numbers = equation.params['dimension_numbers']
  taps = math.prod(kernel[axis] for axis in numbers.rhs_spec[1:])
  (out,) = equation.outvars
  # Zeros that a transposed convolution puts between pixels are not counted.
  spread = math.prod(equation.params['lhs_dilation'])
  return 2 * taps * math.prod(out.aval.shape) // spread


def _transform(equation) -> int:
  sizes = equation.params['fft_lengths']
  length = math.prod(sizes)
  whole = max(
    math.prod(equation.invars[0].aval.shape),
    math.prod(equation.outvars[0].aval.shape),
  )
  return int(2.5 * whole * math.log2(length))


_COUNTED = {
  'dot_general': _product,
  'conv_general_dilated': _convolution,
  'fft': _transform,
}
