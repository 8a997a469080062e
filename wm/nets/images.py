"""From frames to vectors and back, by convolutions or by patches.

Stages are derived from the frame: each halves its side until the side is
between 4 and 7 (64 -> 4, 40 -> 5, 32 -> 4). Patches do the same with matrix
products alone, whose gradients are many times faster on a CPU.
"""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from wm import sizes
from wm.nets import layers
from wm.types import Array, Key, Net, Params

Shape = tuple[int, ...]
_EPSILON = 1e-3  # As in DreamerV3; patches of plain sky have little variance.
Spec = Array | np.ndarray | jax.ShapeDtypeStruct


def stages(image_shape: Shape) -> int:
  """Returns how often a frame of `(H, W, C)` can be halved.

  Raises:
    ValueError: If that is no frame, if it is not square or if it does not reach
      a side of 4 to 7.
  """
  if len(image_shape) != 3:
    raise ValueError(
      f'images: observations must be frames; got the shape {image_shape}, need '
      '(H, W, C); change the data set or the encoder and decoder of '
      'world_model.world_model'
    )
  height, width, _ = image_shape
  count, side = 0, height
  while side >= 8 and side % 2 == 0:
    count, side = count + 1, side // 2
  if height != width or not 4 <= side <= 7 or count < 1:
    raise ValueError(
      f'images: a frame of {height}x{width} cannot be halved down to a side '
      'of 4 to 7; need a square frame such as 32, 40 or 64 pixels; change '
      'the data set or the encoder and decoder of world_model.world_model'
    )
  return count


def conv_encoder(image_shape: Shape, depth: int = 48) -> Net:
  """Returns convolutions 4x4 of stride 2 with `depth`, 2 `depth`, ... channels.

  Takes uint8 frames `[..., H, W, C]`, returns `[..., E]`. As in DreamerV3, with
  LayerNorm and SiLU after each convolution.
  """
  sizes.positive('images.conv_encoder', depth=depth)
  count = stages(image_shape)

  class ConvEncoder(nn.Module):
    @nn.compact
    def __call__(self, x: Array) -> Array:
      for stage in range(count):
        x = nn.Conv(depth * 2**stage, (4, 4), (2, 2), use_bias=False)(x)
        x = nn.silu(nn.LayerNorm(_EPSILON)(x))
      return _flatten(x)

  return _before(_scale, _over_frames(ConvEncoder(), 3))


def conv_decoder(image_shape: Shape, depth: int = 48) -> Net:
  """Returns the mirror of `conv_encoder`: transposed convolutions.

  Takes `[..., I]`, returns frames `[..., H, W, C]` in [0, 1] up to error.
  """
  sizes.positive('images.conv_decoder', depth=depth)
  count = stages(image_shape)
  side = image_shape[0] // 2**count

  class ConvDecoder(nn.Module):
    @nn.compact
    def __call__(self, x: Array) -> Array:
      channels = depth * 2 ** (count - 1)
      x = nn.Dense(side * side * channels)(x)
      x = x.reshape(-1, side, side, channels)
      for stage in reversed(range(count - 1)):
        x = nn.silu(nn.LayerNorm(_EPSILON)(x))
        x = nn.ConvTranspose(depth * 2**stage, (4, 4), (2, 2), use_bias=False)(
          x
        )
      x = nn.silu(nn.LayerNorm(_EPSILON)(x))
      return nn.ConvTranspose(image_shape[2], (4, 4), (2, 2))(x) + 0.5

  return _over_frames(ConvDecoder(), 1)


def patch_encoder(image_shape: Shape, depth: int = 64, first: int = 4) -> Net:
  """Returns a hierarchy of patches, 2x2 above the first, each a Dense.

  Takes uint8 frames `[..., H, W, C]`, returns `[..., E]`.

  Args:
    image_shape: `(H, W, C)`.
    depth: features of a first patch; each stage doubles them.
    first: pixels to a side of the first patches, as far as the frame can be
      halved; such as 8 for the tiles of grid worlds.

  Raises:
    ValueError: if that is not a power of 2, or if the frame cannot be halved.
  """
  sizes.positive('images.patch_encoder', depth=depth)
  sides = _patch_sizes(image_shape, first)

  class PatchEncoder(nn.Module):
    @nn.compact
    def __call__(self, x: Array) -> Array:
      for stage, size in enumerate(sides):
        x = nn.Dense(depth * 2**stage)(_space_to_depth(x, size))
        x = nn.silu(nn.LayerNorm(_EPSILON)(x))
      return _flatten(x)

  return _before(_scale, _over_frames(PatchEncoder(), 3))


def patch_decoder(image_shape: Shape, depth: int = 64, first: int = 4) -> Net:
  """Returns the mirror of `patch_encoder`, which has the same arguments.

  Takes `[..., I]`, returns frames `[..., H, W, C]` in [0, 1] up to error.
  """
  sizes.positive('images.patch_decoder', depth=depth)
  sides = _patch_sizes(image_shape, first)
  side = image_shape[0] // 2 ** stages(image_shape)

  class PatchDecoder(nn.Module):
    @nn.compact
    def __call__(self, x: Array) -> Array:
      channels = depth * 2 ** (len(sides) - 1)
      x = nn.Dense(side * side * channels)(x)
      x = x.reshape(-1, side, side, channels)
      for stage, size in reversed(list(enumerate(sides))):
        x = nn.silu(nn.LayerNorm(_EPSILON)(x))
        out = depth * 2 ** (stage - 1) if stage else image_shape[2]
        x = _depth_to_space(nn.Dense(out * size * size)(x), size)
      return x + 0.5

  return _over_frames(PatchDecoder(), 1)


def _patch_sizes(image_shape: Shape, first: int) -> tuple[int, ...]:
  halvings = stages(image_shape)
  if first < 2 or first.bit_count() != 1:
    raise ValueError(
      f'images: the side of first patches must be a power of 2; got {first}; '
      'change images.patch_encoder.first and images.patch_decoder.first'
    )
  first = min(first, 2**halvings)
  return (first, *[2] * (halvings - first.bit_length() + 1))


def _scale(image: ArrayLike) -> Array:
  return jnp.asarray(image, jnp.float32) / 255 - 0.5


def _flatten(x: Array) -> Array:
  return x.reshape(x.shape[0], -1)


def _space_to_depth(x: Array, size: int) -> Array:
  n, h, w, c = x.shape
  x = x.reshape(n, h // size, size, w // size, size, c)
  return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, h // size, w // size, -1)


def _depth_to_space(x: Array, size: int) -> Array:
  n, h, w, _ = x.shape
  x = x.reshape(n, h, w, size, size, -1).transpose(0, 1, 3, 2, 4, 5)
  return x.reshape(n, h * size, w * size, -1)


def _before(first: Callable[[Array], Array], net: Net) -> Net:
  def init(key: Key, x: Spec) -> Params:
    return net.init(key, jax.eval_shape(first, x))

  return Net(init, lambda params, x: net.apply(params, first(x)))


def _over_frames(module: nn.Module, event_dims: int) -> Net:
  net = layers.from_linen(module)

  def flat(x: Array) -> tuple[tuple[int, ...], Array]:
    lead = x.shape[: x.ndim - event_dims]
    return lead, x.reshape(-1, *x.shape[x.ndim - event_dims :])

  def init(key: Key, x: Spec) -> Params:
    one = jax.ShapeDtypeStruct((1, *x.shape[x.ndim - event_dims :]), x.dtype)
    return net.init(key, one)

  def apply(params: Params, x: Array) -> Array:
    lead, frames = flat(x)
    y = net.apply(params, frames)
    return y.reshape(*lead, *y.shape[1:])

  return Net(init, apply)
