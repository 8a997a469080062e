"""Filtering data: from frames and actions to latents and hidden states."""

from collections.abc import Callable

import jax.numpy as jnp

from wm.models import latents
from wm.models.parts import Parts
from wm.types import Batch, Key, Params, Rollout, State


def parallel(parts: Parts) -> Callable[..., tuple[State, Rollout]]:
  """Returns an `observe` whose posterior q(z_t | x_t) sees its own frame only.

  All frames are encoded at once and the backbone runs in parallel over time
  (S4WM, training part of the paper's overview figure).
  """

  def observe(
    params: Params, key: Key, state: State | None, batch: Batch
  ) -> tuple[State, Rollout]:
    image, is_first = batch['image'], batch.get('is_first')
    embed = parts.encoder.apply(params['encoder'], image)
    post = parts.posterior.apply(params['posterior'], embed)
    carry, last, start = (None, None, 0) if state is None else state
    z = latents.sample_each_step(parts.latent, key, start, post)
    blank = parts.latent.blank
    if last is None:
      last = jnp.broadcast_to(blank, z[:, 0].shape)
    before = jnp.concatenate([last[:, None], z[:, :-1]], axis=1)
    if is_first is not None:
      before = jnp.where(is_first[..., None], blank, before)
    u = parts.join.apply(
      params['join'], jnp.concatenate([before, batch['prev_action']], axis=-1)
    )
    carry, h = parts.backbone.apply(params['backbone'], carry, u, is_first)
    prior = parts.prior.apply(params['prior'], h)
    end = jnp.asarray(start + image.shape[1], jnp.int32)
    return State(carry, z[:, -1], end), Rollout(h, z, prior, post)

  return observe
