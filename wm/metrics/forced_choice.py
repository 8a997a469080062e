"""Which of two states of the world a frame shows."""

import jax.numpy as jnp
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from wm.types import Batch, Metric


def forced_choice(tile: int = 8) -> Metric:
  """Returns how often a frame is nearer to the truth than to its foil.

  A foil is the frame that the world would show if what is asked for were the
  other way, such as every door in view open instead of locked. The choice is
  made in each tile where the two differ, by squared error. `compute` returns
  its `accuracy`, the number of such tiles, `count`, and `base_rate`: how often
  the field `guess`, a frame that needs no model, shows the truth there.

  Args:
    tile: side of a tile in pixels, a divisor of the frame's.
  """

  def init() -> dict[str, Array]:
    return {name: jnp.zeros(()) for name in ('count', 'right', 'guessed')}

  def update(
    acc: dict[str, Array],
    prediction: Batch,
    batch: Batch,
    mask: Float[ArrayLike, 'B T'],
  ) -> dict[str, Array]:
    if 'foil' not in batch:
      raise ValueError(
        'forced_choice: the data do not say what else a frame could show, as '
        'recordings do not; take it out of evaluate.evaluate.metrics'
      )
    truth, foil, guess = (
      jnp.asarray(batch[name], jnp.float32) / 255
      for name in ('image', 'foil', 'guess')
    )
    if tile < 1 or any(size % tile for size in truth.shape[-3:-1]):
      raise ValueError(
        f'forced_choice: tiles of {tile} pixels do not divide frames of '
        f'{truth.shape[-3]}x{truth.shape[-2]}; change '
        'forced_choice.forced_choice.tile'
      )
    asked = _by_tile(jnp.abs(truth - foil), tile) > 0
    asked &= (jnp.asarray(mask) > 0)[..., None, None]
    image = prediction['image']
    right = _by_tile((image - truth) ** 2, tile) < _by_tile(
      (image - foil) ** 2, tile
    )
    guessed = _by_tile(jnp.abs(truth - guess), tile) == 0
    more = {'count': asked, 'right': asked & right, 'guessed': asked & guessed}
    return {name: acc[name] + jnp.sum(x) for name, x in more.items()}

  def compute(acc: dict[str, Array]) -> dict[str, Array]:
    return {
      'accuracy': acc['right'] / acc['count'],
      'base_rate': acc['guessed'] / acc['count'],
      'count': acc['count'],
    }

  return Metric(init, update, compute)


def _by_tile(
  x: Float[Array, 'B T H W C'], tile: int
) -> Float[Array, 'B T rows cols']:
  *lead, height, width, channels = x.shape
  x = x.reshape(*lead, height // tile, tile, width // tile, tile, channels)
  return jnp.sum(x, axis=(-4, -2, -1))
