"""The affine scan as one TPU kernel, which reads b once and writes x once.

A program of the grid takes a block of time of 8 rows (sublanes) and 128 states
(lanes). It turns tiles of 8 steps time-major, scans them step by step in
registers and leaves the last state in a scratch for the next block of time.

Rows and states are independent, so that what a block holds beyond the edge of
an array meets nothing. Time is padded with zeros, where a scan from the end
starts.
"""

import functools

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import tpu as pltpu
from jaxtyping import Array, Bool, Complex

_ROWS, _STATES, _STEPS, _TILE = 8, 128, 128, 8


def scan(
  a: Complex[Array, ' P'],
  b: Complex[Array, 'B T P'],
  is_first: Bool[Array, 'B T'] | None,
  reverse: bool,
) -> Complex[Array, 'B T P']:
  """x_t = a x_{t-1} + b_t from zero; elsewhere than on a TPU, interpreted.

  Args:
    a: constant in time.
    b: the input.
    is_first: where x_t = b_t; None for nowhere.
    reverse: whether x_{t+1} stands for x_{t-1}.

  Returns:
    x, the state after each step.
  """
  call = functools.partial(_call, reverse=reverse)
  return jax.lax.platform_dependent(
    a,
    b,
    is_first,
    tpu=functools.partial(call, interpret=False),
    default=functools.partial(call, interpret=True),
  )


def _call(a, b, is_first, reverse, interpret):
  batch, length, order = b.shape
  blocks = pl.cdiv(length, _STEPS)
  steps = pl.cdiv(length, blocks * _TILE) * _TILE
  rows, states = min(batch, _ROWS), min(order, _STATES)
  late = blocks * steps - length
  b = jnp.pad(b, ((0, 0), (0, late), (0, 0)))
  bits = None
  if is_first is not None:
    bits = _bits(jnp.pad(is_first, ((0, 0), (0, late))), rows, steps)

  def when(k):
    return blocks - 1 - k if reverse else k

  a_spec = pl.BlockSpec((1, states), lambda i, j, k: (0, j))
  b_spec = pl.BlockSpec((rows, steps, states), lambda i, j, k: (i, when(k), j))
  bits_spec = (
    bits
    if bits is None
    else pl.BlockSpec(
      (None, None, 1, steps),
      lambda i, j, k: (i, when(k), 0, 0),
      memory_space=pltpu.SMEM,
    )
  )
  shape = jax.ShapeDtypeStruct(b.shape, jnp.float32)
  x = pl.pallas_call(
    functools.partial(_kernel, reverse),
    out_shape=(shape,) * 2,
    grid=(pl.cdiv(batch, rows), pl.cdiv(order, states), blocks),
    in_specs=((a_spec,) * 2, (b_spec,) * 2, bits_spec),
    out_specs=(b_spec,) * 2,
    scratch_shapes=[(pltpu.VMEM((rows, states), jnp.float32),) * 2],
    compiler_params=pltpu.CompilerParams(
      dimension_semantics=('parallel', 'parallel', 'arbitrary')
    ),
    cost_estimate=pl.CostEstimate(
      flops=8 * b.size, bytes_accessed=16 * b.size, transcendentals=0
    ),
    interpret=interpret,
    name='affine_scan',
  )((a.real[None], a.imag[None]), (b.real, b.imag), bits)
  return jax.lax.complex(*x)[:, :length]


def _bits(is_first, rows, steps):
  """int32 [row blocks, time blocks, 1, steps]: a number has a bit per row."""
  batch, length = is_first.shape
  groups = pl.cdiv(batch, rows)
  is_first = jnp.pad(is_first, ((0, groups * rows - batch), (0, 0)))
  bits = is_first.reshape(groups, rows, length) << jnp.arange(rows)[:, None]
  return jnp.sum(bits, 1).reshape(groups, -1, 1, steps)


def _kernel(reverse, a, b, bits, x_re, x_im, state):
  @pl.when(pl.program_id(2) == 0)
  def _():
    for part in state:
      part[...] = jnp.zeros_like(part)

  a_re, a_im = (part[...] for part in a)
  row = 1 << jax.lax.broadcasted_iota(jnp.int32, state[0].shape, 0)
  tiles = x_re.shape[1] // _TILE
  onward = slice(None, None, -1 if reverse else 1)

  def tile(i, past):
    start = _TILE * (tiles - 1 - i if reverse else i)
    window = pl.ds(pl.multiple_of(start, _TILE), _TILE)
    b_re, b_im = (jnp.swapaxes(part[:, window, :], 0, 1) for part in b)
    found = []
    for t in range(_TILE)[onward]:
      if bits is not None:
        first = (row & bits[0, start + t]) != 0
        past = [jnp.where(first, 0, part) for part in past]
      re, im = past
      past = (
        a_re * re - a_im * im + b_re[t],
        a_im * re + a_re * im + b_im[t],
      )
      found.append(past)
    found = zip(*found[onward], strict=True)
    for x, parts in zip((x_re, x_im), found, strict=True):
      x[:, window, :] = jnp.swapaxes(jnp.stack(parts), 0, 1)
    return past

  past = tuple(part[...] for part in state)
  last = jax.lax.fori_loop(0, tiles, tile, past)
  for part, value in zip(state, last, strict=True):
    part[...] = value
