"""First-person frames of vertical walls and half-sunk spheres, by ray casting.

A frame of W columns casts W rays against all the faces at once; a column's
nearest face gives its wall. Spheres are solved per pixel in closed form: for a
ray o + t d and a sphere of centre c and radius r, with b = d.c and n = d.d,
t = (b - sqrt(b^2 - n (c.c - r^2))) / n. Rays have unit length along the view
axis, so t is depth, and depths compare without square roots.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from datasets.worlds import layout as layouts
from datasets.worlds import textures

ORIENTATION = np.array((0.50, 0.78, 0.67, 0.34))
"""Light on faces that look to +x, +y, -x, -y."""

HEADLIGHT = 0.16
"""Light that falls along the view axis, on walls met at a right angle."""

SHARP = 0.7
"""Texels that a pixel may cover before the next blurred copy is taken."""


class Hits(NamedTuple):
  """What the columns of a frame meet.

  Attributes:
    depth: [W], cells along the view axis.
    face: int [W], index of the face.
    along: [W], cells along the face, in world coordinates.
    grazing: [W], cosine between the ray and the face's normal.
    front: bool [W, O], whether each object is ahead of a column's wall.
    shown: bool [W, O], whether, besides, the column passes over it.
  """

  depth: jax.Array
  face: jax.Array
  along: jax.Array
  grazing: jax.Array
  front: jax.Array
  shown: jax.Array


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


def focal(layout: layouts.Layout) -> float:
  """Returns the focal length in pixels."""
  return layout.size / 2 / np.tan(np.deg2rad(layout.field / 2))


def camera(layout, position, heading, objects) -> Camera:
  """Returns the camera of a pose.

  Args:
    layout: the plan.
    position: int32 [2], in 1/UNIT cells.
    heading: int32, index of the heading, counter-clockwise.
    objects: int32 [O, 2], in 1/UNIT cells.
  """
  angle = 2 * np.pi * np.arange(layout.headings) / layout.headings
  table = np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)
  forward = jnp.asarray(table)[heading]
  right = jnp.stack([forward[1], -forward[0]])
  across = (np.arange(layout.size) + 0.5 - layout.size / 2) / focal(layout)
  rays = forward + across[:, None].astype(np.float32) * right
  eye = position.astype(jnp.float32) / layouts.UNIT
  away = objects.astype(jnp.float32) / layouts.UNIT - eye
  return Camera(
    eye,
    rays,
    rays[:, :1] * away[:, 0] + rays[:, 1:] * away[:, 1],
    jnp.sum(away * away, -1),
  )


def cast(layout: layouts.Layout, view: Camera, present: jax.Array) -> Hits:
  """Returns what each column meets.

  Args:
    layout: the plan.
    view: the camera.
    present: bool [O], which objects are there.
  """
  faces = layouts.faces(layout)
  other = 1 - faces.axis
  at, low, high = (
    jnp.asarray(x, jnp.float32)
    for x in (faces.at, faces.low - 1e-4, faces.high + 1e-4)
  )
  toward = view.rays[:, faces.axis]
  toward = jnp.where(jnp.abs(toward) < 1e-6, 1e-6, toward)
  depths = (at - view.eye[faces.axis]) / toward
  along = view.eye[other] + depths * view.rays[:, other]
  met = (depths > 0) & (along >= low) & (along <= high)
  depths = jnp.where(met, depths, jnp.inf)
  face = jnp.argmin(depths, -1)
  depth = _pick(depths, face)
  squared = jnp.sum(view.rays**2, -1)
  nearest = view.middle / squared[:, None]
  through = view.power - view.middle * nearest < layout.radius**2
  front = (nearest > 0) & (nearest < depth[:, None]) & present
  grazing = jnp.abs(_pick(toward, face)) / jnp.sqrt(squared)
  along = _pick(along, face)
  return Hits(depth, face, along, grazing, front, front & through)


def _pick(x, index):
  """Returns x[w, index[w]] for all w."""
  return jnp.take_along_axis(x, index[:, None], -1)[:, 0]


def seen(layout: layouts.Layout, hits: Hits) -> jax.Array:
  """Returns which panels and objects are in view, bool [panels + objects].

  The eye is above the domes, so a dome never hides another one altogether.
  """
  panel = jnp.asarray(layouts.faces(layout).panel)[hits.face]
  panels = jnp.any(panel[:, None] == jnp.arange(layout.panels), 0)
  return jnp.concatenate([panels, jnp.any(hits.shown, 0)])


def paint(layout, view: Camera, hits: Hits, walls, objects) -> jax.Array:
  """Returns the frame, uint8 [H, W, 3].

  Args:
    layout: the plan.
    view: the camera.
    hits: what its columns meet.
    walls: int32 [rooms], colours of the rooms.
    objects: int32 [O], colours of the objects.
  """
  size, length = layout.size, focal(layout)
  row = np.arange(size, dtype=np.float32)[:, None]
  slope = (layout.horizon * size - row - 0.5) / length
  wall, cover = _wall(layout, hits, walls, row)
  ground, bright = _ground(layout, view, hits, slope, cover)
  dome, alpha, light = _domes(layout, view, hits, objects, slope)
  cover, bright, dome, alpha, light = jax.lax.optimization_barrier(
    (cover, bright, dome, alpha, light)
  )
  dome = jnp.asarray(textures.OBJECTS, jnp.float32)[dome] * light[..., None]
  floor = jnp.where(slope < 0, bright, 1)[..., None]
  image = ground * floor
  image += cover[..., None] * (wall * bright[..., None] - image)
  image += alpha[..., None] * (dome - image)
  return jnp.clip(jnp.rint(image), 0, 255).astype(jnp.uint8)


def _wall(layout, hits, walls, row):
  """Returns the walls' colours per column and their coverage of pixels."""
  length, middle = focal(layout), layout.horizon * layout.size
  faces = layouts.faces(layout)
  top = middle - length * (layout.height - layout.eye) / hits.depth
  bottom = middle + length * layout.eye / hits.depth
  cover = jnp.minimum(row + 1, bottom) - jnp.maximum(row, top)
  light = jnp.asarray(ORIENTATION[faces.side], jnp.float32)[hits.face]
  light = light + HEADLIGHT * hits.grazing
  room = jnp.asarray(faces.room)[hits.face]
  color = jnp.asarray(textures.WALLS, jnp.float32)[walls][room] * light[:, None]
  return color, jnp.clip(cover, 0, 1)


def _ground(layout, view, hits, slope, cover):
  """Returns sky and floor colours, and the texture of all pixels."""
  side = textures.TEXELS * textures.CELLS
  above = np.clip(slope / slope[0], 0, 1)[..., None]
  sky = textures.SKY[0] + above * (textures.SKY[1] - textures.SKY[0])
  ground = np.where(slope[..., None] < 0, textures.FLOOR, sky)
  coarse = textures.TEXELS * hits.depth / (focal(layout) * SHARP)
  level = jnp.ceil(jnp.log2(jnp.maximum(coarse, 1)))
  level = jnp.minimum(level, textures.LEVELS - 1).astype(jnp.int32)
  away = np.where(slope < 0, layout.eye / np.maximum(-slope, 1e-3), 0)
  is_wall = cover > 0
  u = jnp.where(
    is_wall,
    hits.along + 0.37 * hits.face,
    view.eye[0] + away * view.rays[:, 0],
  )
  v = jnp.where(
    is_wall,
    layout.eye + slope * hits.depth,
    view.eye[1] + away * view.rays[:, 1],
  )
  index = jnp.where(is_wall, level, textures.LEVELS)
  u, v = (
    jnp.floor(x * textures.TEXELS).astype(jnp.int32) % side for x in (u, v)
  )
  index = (index * side + u) * side + v
  bright = jnp.asarray(textures.atlas()).reshape(-1)[index]
  return jnp.asarray(ground, jnp.float32), bright


def _domes(layout, view, hits, objects, slope):
  """Returns the nearest object's colour, coverage and light, per pixel.

  A ray that meets the floor before a dome meets no dome behind it either, so
  the nearest one is chosen before the floor is thought of.
  """
  radius, eye = layout.radius, layout.eye
  norm = jnp.sum(view.rays**2, -1) + slope**2
  order = jnp.argsort(-view.power)
  middle, front = view.middle.T[order], hits.front.T[order]
  outside = view.power[order] + eye**2 - radius**2
  colors = objects[order]
  soft = 2 * radius / focal(layout)
  b, disc, color = jnp.ones_like(norm), -jnp.ones_like(norm), 0
  for o in range(layout.objects):
    b_o = middle[o] - eye * slope
    disc_o = b_o * b_o - norm * outside[o]
    nearer = front[o] & (b_o > 0) & (disc_o > -0.5 * soft * b_o)
    b = jnp.where(nearer, b_o, b)
    disc = jnp.where(nearer, disc_o, disc)
    color = jnp.where(nearer, colors[o], color)
  root = jnp.sqrt(jnp.maximum(disc, 0))
  up = (eye + slope * (b - root) / norm) / radius
  alpha = jnp.clip(0.5 + disc / (soft * b), 0, 1) * (up > 0)
  light = 0.42 + 0.38 * up + 0.30 * root / (radius * jnp.sqrt(norm))
  return color, alpha, light
