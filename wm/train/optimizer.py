"""The optimiser: AdamW with a group of its own for state-space parameters."""

import re

import jax
import optax

from wm.train import paths
from wm.types import Params

STATE_SPACE = r'/ssm/(Lambda_re|Lambda_im|P|B|log_dt)$'
"""Paths of the dynamics and step sizes of state-space layers."""


def adamw(
  learning_rate: float = 1e-3,
  ssm_learning_rate: float = 1e-3,
  weight_decay: float = 0.01,
  warmup: int = 1000,
  steps: int = 100_000,
  final: float = 0.1,
  clip: float = 1.0,
  accumulate: int = 1,
) -> optax.GradientTransformation:
  """Returns AdamW with linear warm-up, cosine decay and clipping.

  The dynamics of state-space layers have no decay and a rate of their own, as
  is the custom (Gu et al. 2022, who take 1e-3 at most; here it is that of the
  others). The paper names AdamW; the numbers are ours.

  Args:
    learning_rate: Peak rate.
    ssm_learning_rate: Peak rate of the state-space group.
    weight_decay: Decoupled decay of the other matrices.
    warmup: Updates of linear warm-up.
    steps: Updates in all, where the cosine ends.
    final: Last rate as a share of the peak.
    clip: Global norm that the gradient is clipped to.
    accumulate: Batches whose gradients are averaged for one change of the
      parameters, where memory is too short for one larger batch; `warmup` and
      `steps` still count batches.

  Raises:
    ValueError: If the warm-up is not shorter than the run, or nothing is
      accumulated, or nothing left by clipping.
  """
  if accumulate < 1:
    raise ValueError(
      f'adamw: an update needs batches; got accumulate={accumulate}, need 1 or '
      'more; change optimizer.adamw.accumulate'
    )
  if clip <= 0:
    raise ValueError(
      f'adamw: gradients are clipped to a norm above zero; got clip={clip}; '
      'change optimizer.adamw.clip'
    )
  if not 0 <= warmup < steps:
    raise ValueError(
      f'adamw: warm-up must end before training; got warmup={warmup} and '
      f'steps={steps}; change the gin macro WARMUP or STEPS'
    )

  def group(peak: float, decay: float) -> optax.GradientTransformation:
    schedule = optax.warmup_cosine_decay_schedule(
      0.0, peak, warmup, steps, end_value=peak * final
    )

    def rate(update: jax.Array) -> jax.Array:
      return schedule(update * accumulate)

    return optax.adamw(rate, weight_decay=decay, mask=_matrices)

  update = optax.chain(
    optax.clip_by_global_norm(clip),
    optax.multi_transform(
      {
        'state_space': group(ssm_learning_rate, 0.0),
        'other': group(learning_rate, weight_decay),
      },
      labels,
    ),
  )
  if accumulate == 1:
    return update
  return optax.MultiSteps(update, accumulate).gradient_transformation()


def labels(params: Params) -> Params:
  """Returns the group of each parameter, by its path."""

  def label(path: tuple, _: jax.Array) -> str:
    known = re.search(STATE_SPACE, paths.name(path))
    return 'state_space' if known else 'other'

  return jax.tree_util.tree_map_with_path(label, params)


def _matrices(params: Params) -> Params:
  return jax.tree.map(lambda x: getattr(x, 'ndim', 0) >= 2, params)
