"""Laws of patch encoders and decoders."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wm.nets import images


@pytest.mark.parametrize(('side', 'first'), [(40, 8), (40, 2), (32, 4), (8, 8)])
def test_patches_see_and_draw_the_whole_frame(side, first):
  shape = (side, side, 3)
  encoder = images.patch_encoder(shape, depth=4, first=first)
  frames = np.random.default_rng(0).integers(0, 256, (2, *shape), np.uint8)
  params = encoder.init(jax.random.key(0), frames)
  embed = jax.jit(encoder.apply)(params, frames)
  for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
    changed = frames.copy()
    changed[(0, *corner)] ^= 255
    other = jax.jit(encoder.apply)(params, changed)
    assert not np.allclose(other[0], embed[0], atol=1e-5)
    np.testing.assert_array_equal(other[1], embed[1])

  decoder = images.patch_decoder(shape, depth=4, first=first)
  params = decoder.init(jax.random.key(1), embed)
  drawn = jax.jit(decoder.apply)(params, embed)
  assert drawn.shape == (2, *shape)
  assert float(jnp.min(jnp.std(drawn, axis=(0, 3)))) > 0


def test_patches_are_powers_of_two():
  with pytest.raises(ValueError, match='images.patch_encoder.first'):
    images.patch_encoder((40, 40, 3), first=5)
