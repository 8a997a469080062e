"""What numbers a model computes in, while it learns in float32."""

import re

import jax
import jax.numpy as jnp

from wm.train import paths
from wm.types import Params

WIDE = r'/(ssm|attention|norm)/'
"""Paths of what is computed in float32 always: the dynamics of state-space
layers, whose states are complex64, attention, and norms between layers."""


def full(params: Params) -> Params:
  """Returns parameters as they are, float32."""
  return params


def bfloat16(params: Params) -> Params:
  """Returns parameters in bfloat16, but for those that have to be wide.

  A net computes in the type of its parameters and returns float32; gradients
  and the optimiser stay in float32 too (Micikevicius et al. 2018, arXiv
  1710.03740; bfloat16 needs no scale of the loss).

  Args:
    params: float32.
  """

  def narrow(path: tuple, x: jax.Array) -> jax.Array:
    wide = re.search(WIDE, paths.name(path))
    return x if wide else x.astype(jnp.bfloat16)

  return jax.tree.map_with_path(narrow, params)
