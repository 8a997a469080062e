"""The decoder's term of the objective, without all frames in memory at once.

A score is `(params, key, features[B, T, F], x[B, T, ...], weight[B, T]) ->
(sum of weight x error, error[B, T])`, with the parameters of the decoder; x are
frames or whatever else is observed. Gradients flow through the sum alone.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from wm.models import losses
from wm.nets import pieces
from wm.types import Array, Net

Score = Callable[..., tuple[Array, Array]]

Error = Callable[..., Array]
"""`(predicted[B, T, ...], x[B, T, ...]) -> error[B, T]`."""


def every_frame(
  decoder: Net, frames: int = 512, error: Error = losses.image_error
) -> Score:
  """Returns a score that decodes all frames, a piece at a time.

  As its weights are known, a piece is differentiated at once: of decoded frames
  and all that leads to them only the gradients remain, and nothing is computed
  twice.

  Args:
    decoder: from features to frames.
    frames: of a piece, at most.
    error: of a frame; `losses.state_error` where states are observed.

  Raises:
    ValueError: if a piece would have no frames.
  """
  pieces.check('scoring.every_frame', frames)
  weighted = _weighted(decoder, frames, error)
  return lambda params, key, *data: weighted(params, *data)


def random_frames(
  decoder: Net,
  share: float = 0.1,
  frames: int = 512,
  error: Error = losses.image_error,
) -> Score:
  """Returns a score that decodes few frames, drawn anew at every update.

  Of T steps of a row, K = share T (rounded, at least one) are drawn without
  replacement. Their errors are multiplied by T / K and the others are zero, so
  that sums over time, and gradients, are right on average. TECO leaves out
  frames in this way (Yan et al. 2023, arXiv 2210.02396).

  Args:
    decoder: from features to frames.
    share: of the frames, in (0, 1].
    frames: of a piece, at most.
    error: of a frame.

  Raises:
    ValueError: if a number is out of range.
  """
  pieces.check('scoring.random_frames', frames)
  if not 0 < share <= 1:
    raise ValueError(
      f'scoring.random_frames: a share lies in (0, 1]; got {share}; change '
      'scoring.random_frames.share'
    )
  weighted = _weighted(decoder, frames, error)

  def score(params, key, *data):
    rows, length = data[0].shape[:2]
    count = max(1, round(share * length))
    keys = jax.random.split(key, rows)
    order = jax.vmap(lambda key: jax.random.permutation(key, length))(keys)
    chosen = jnp.arange(rows)[:, None], jnp.sort(order[:, :count], axis=1)
    some = (jnp.asarray(x)[chosen] for x in data)
    total, errors = weighted(params, *some)
    up = length / count
    return up * total, jnp.zeros((rows, length)).at[chosen].set(up * errors)

  return score


def _weighted(decoder, frames, error):
  """`(params, features, x, weight) -> (sum, errors)` in pieces."""

  def piece(params, features, x, weight):
    errors = error(decoder.apply(params, features), x)
    return jnp.sum(weight * errors), errors

  gradient = jax.value_and_grad(piece, (0, 1), has_aux=True)

  @jax.custom_vjp
  def weighted(params, *data):
    def body(total, x):
      value, errors = piece(params, *x)
      return total + value, errors

    return pieces.over_time(body, jnp.zeros(()), data, frames)

  def forward(params, *data):
    def body(totals, x):
      (value, errors), (by_params, by_features) = gradient(params, *x)
      totals = jax.tree.map(jnp.add, totals, (value, by_params))
      return totals, (errors, by_features)

    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape), params)
    (value, by_params), (errors, by_features) = pieces.over_time(
      body, (jnp.zeros(()), zeros), data, frames
    )
    by_params = jax.tree.map(lambda x, y: x.astype(y.dtype), by_params, params)
    return (value, errors), (by_params, by_features, errors)

  def backward(derivatives, cotangents):
    by_sum, _ = cotangents
    by_params, by_features, by_weight = jax.tree.map(
      lambda x: by_sum * x, derivatives
    )
    return by_params, by_features, None, by_weight  # What came is given.

  weighted.defvjp(forward, backward)
  return weighted
