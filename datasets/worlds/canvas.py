"""First-person frames of vertical walls and half-sunk spheres.

Where a wall begins and ends in a column follows from its depth. Spheres are
solved per pixel in closed form: for a ray o + t d and a sphere of centre c and
radius r, with b = d.c and n = d.d, t = (b - sqrt(b^2 - n (c.c - r^2))) / n.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from datasets.worlds import textures

SHARP = 0.7
"""Texels that a pixel may cover before the next blurred copy is taken."""


class Camera(NamedTuple):
  """A pose in cells, and the rays of its columns.

  Attributes:
    eye: [2], (x, y).
    rays: [W, 2], of unit length along the view axis.
    middle: [W, O], depth of each object's point nearest to a column's plane.
    power: [O], squared horizontal distance of each object's centre.
  """

  eye: jax.Array
  rays: jax.Array
  middle: jax.Array
  power: jax.Array


class Columns(NamedTuple):
  """What the columns of a frame show.

  Attributes:
    depth: [W], of the wall, cells along the view axis.
    along: [W], where the wall's texture is met, in cells.
    color: [W, 3], of the wall, lit.
    front: bool [W, O], whether each object is ahead of the wall.
  """

  depth: jax.Array
  along: jax.Array
  color: jax.Array
  front: jax.Array


def focal(layout) -> float:
  """Returns the focal length in pixels."""
  return layout.size / 2 / np.tan(np.deg2rad(layout.field / 2))


def draw(
  layout,
  look: textures.Look,
  view: Camera,
  columns: Columns,
  objects: jax.Array,
  floor: Callable,
) -> jax.Array:
  """Returns the frame, uint8 [H, W, 3].

  Args:
    layout: with the numbers of camera, walls and domes.
    look: colours of sky and domes.
    view: the camera.
    columns: what its columns show.
    objects: int32 [O], colours of the objects.
    floor: `(x [H, W], y [H, W]) -> [..., 3]`, colours of places on the floor.
  """
  size, length = layout.size, focal(layout)
  row = np.arange(size, dtype=np.float32)[:, None]
  slope = (layout.horizon * size - row - 0.5) / length
  cover = _cover(layout, columns.depth, row)
  ground, bright = _ground(layout, look, view, columns, slope, cover, floor)
  dome, alpha, light = _domes(layout, look, view, columns.front, objects, slope)
  cover, bright, dome, alpha, light = jax.lax.optimization_barrier(
    (cover, bright, dome, alpha, light)
  )
  dome = jnp.asarray(look.objects, jnp.float32)[dome] * light[..., None]
  shade = jnp.where(slope < 0, bright, 1)[..., None]
  image = ground * shade
  image += cover[..., None] * (columns.color * bright[..., None] - image)
  image += alpha[..., None] * (dome - image)
  return jnp.clip(jnp.rint(image), 0, 255).astype(jnp.uint8)


def _cover(layout, depth, row):
  """Returns how much of each pixel the walls cover, [H, W]."""
  length, middle = focal(layout), layout.horizon * layout.size
  top = middle - length * (layout.height - layout.eye) / depth
  bottom = middle + length * layout.eye / depth
  return jnp.clip(jnp.minimum(row + 1, bottom) - jnp.maximum(row, top), 0, 1)


def _ground(layout, look, view, columns, slope, cover, floor):
  """Returns sky and floor colours, and the texture of all pixels."""
  side = textures.TEXELS * textures.CELLS
  above = np.clip(slope / slope[0], 0, 1)[..., None]
  sky = look.sky[0] + above * (look.sky[1] - look.sky[0])
  coarse = textures.TEXELS * columns.depth / (focal(layout) * SHARP)
  level = jnp.ceil(jnp.log2(jnp.maximum(coarse, 1)))
  level = jnp.minimum(level, textures.LEVELS - 1).astype(jnp.int32)
  away = np.where(slope < 0, layout.eye / np.maximum(-slope, 1e-3), 0)
  is_wall = cover > 0
  x, y = (view.eye[i] + away * view.rays[:, i] for i in range(2))
  ground = jnp.where(slope[..., None] < 0, floor(x, y), sky.astype(np.float32))
  u = jnp.where(is_wall, columns.along, x)
  v = jnp.where(is_wall, layout.eye + slope * columns.depth, y)
  index = jnp.where(is_wall, level, textures.LEVELS)
  u, v = (
    jnp.floor(x * textures.TEXELS).astype(jnp.int32) % side for x in (u, v)
  )
  index = (index * side + u) * side + v
  bright = jnp.asarray(textures.atlas()).reshape(-1)[index]
  return ground.astype(jnp.float32), bright


def _domes(layout, look, view, front, objects, slope):
  """Returns the nearest object's colour, coverage and light, per pixel.

  A ray that meets the floor before a dome meets no dome behind it either, so
  the nearest one is chosen before the floor is thought of.
  """
  radius, eye = layout.radius, layout.eye
  norm = jnp.sum(view.rays**2, -1) + slope**2
  order = jnp.argsort(-view.power)
  middle, front = view.middle.T[order], front.T[order]
  outside = view.power[order] + eye**2 - radius**2
  colors = objects[order]
  soft = 2 * radius / focal(layout)
  b, disc, color = jnp.ones_like(norm), -jnp.ones_like(norm), 0
  for o in range(len(objects)):
    b_o = middle[o] - eye * slope
    disc_o = b_o * b_o - norm * outside[o]
    nearer = front[o] & (b_o > 0) & (disc_o > -0.5 * soft * b_o)
    b = jnp.where(nearer, b_o, b)
    disc = jnp.where(nearer, disc_o, disc)
    color = jnp.where(nearer, colors[o], color)
  root = jnp.sqrt(jnp.maximum(disc, 0))
  up = (eye + slope * (b - root) / norm) / radius
  alpha = jnp.clip(0.5 + disc / (soft * b), 0, 1) * (up > 0)
  own, above, toward = look.glow
  light = own + above * up + toward * root / (radius * jnp.sqrt(norm))
  return color, alpha, light
