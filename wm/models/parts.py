"""The networks that a world model is put together from."""

from typing import NamedTuple

import jax.numpy as jnp
from jax.typing import ArrayLike

from wm.models.latents import Latent
from wm.types import Array, Backbone, Net, Params


class Parts(NamedTuple):
  """What observing, imagining and predicting share.

  Their parameters are the entries of the same names.

  Attributes:
    encoder: `batch -> e_t[..., E]`, of its observations x_t.
    posterior: `e_t -> statistics of q(z_t | x_t)`, or of q(z_t | h_t, x_t)
      from `[e_t, h_t]`.
    join: `[z_{t-1}, a_t] -> u_t`, where a_t led from x_{t-1} to x_t.
    backbone: `u_1..u_t -> h_t`.
    prior: `h_t -> statistics of p(z_t | h_t)`.
    decoder: `[h_t, z_t] -> x_t`, such as `[..., H, W, C]`.
    latent: the family of both distributions.
    heads: `[h_t, z_t] -> {name: statistics of a number}`.
  """

  encoder: Net
  posterior: Net
  join: Net
  backbone: Backbone
  prior: Net
  decoder: Net
  latent: Latent
  heads: Net


def joined(
  parts: Parts, params: Params, z: Array, action: ArrayLike
) -> Array:
  """Returns u_t = join(z_{t-1}, a_t)."""
  x = jnp.concatenate([z, action], axis=-1)
  return parts.join.apply(params['join'], x)
