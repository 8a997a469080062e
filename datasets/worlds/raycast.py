"""What a camera meets in the rooms, by ray casting.

A frame of W columns casts W rays against all the faces at once; a column's
nearest face gives its wall. Rays have unit length along the view axis, so what
measures them is depth, and depths compare without square roots.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from datasets.worlds import canvas, textures
from datasets.worlds import layout as layouts

ORIENTATION = np.array((0.50, 0.78, 0.67, 0.34))
"""Light on faces that look to +x, +y, -x, -y."""

HEADLIGHT = 0.16
"""Light that falls along the view axis, on walls met at a right angle."""


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


def camera(layout, position, heading, objects) -> canvas.Camera:
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
  across = np.arange(layout.size) + 0.5 - layout.size / 2
  across = (across / canvas.focal(layout))[:, None].astype(np.float32)
  rays = forward + across * right
  eye = position.astype(jnp.float32) / layouts.UNIT
  away = objects.astype(jnp.float32) / layouts.UNIT - eye
  return canvas.Camera(
    eye,
    rays,
    rays[:, :1] * away[:, 0] + rays[:, 1:] * away[:, 1],
    jnp.sum(away * away, -1),
  )


def cast(
  layout: layouts.Layout, view: canvas.Camera, present: jax.Array
) -> Hits:
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
  front, shown, squared = ahead(layout, view, depth, present)
  grazing = jnp.abs(_pick(toward, face)) / jnp.sqrt(squared)
  along = _pick(along, face)
  return Hits(depth, face, along, grazing, front, shown)


def _pick(x, index):
  """Returns x[w, index[w]] for all w."""
  return jnp.take_along_axis(x, index[:, None], -1)[:, 0]


def ahead(layout, view: canvas.Camera, depth: jax.Array, present: jax.Array):
  """Returns which objects are ahead of the walls.

  Args:
    layout: the plan.
    view: the camera.
    depth: [W], of the columns' walls.
    present: bool [O], which objects are there.

  Returns:
    front: bool [W, O], whether each object is ahead of a column's wall.
    shown: bool [W, O], whether, besides, the column passes over it.
    squared: [W], of the rays' lengths.
  """
  squared = jnp.sum(view.rays**2, -1)
  nearest = view.middle / squared[:, None]
  through = view.power - view.middle * nearest < layout.radius**2
  front = (nearest > 0) & (nearest < depth[:, None]) & present
  return front, front & through, squared


def seen(layout: layouts.Layout, hits: Hits) -> jax.Array:
  """Returns which panels and objects are in view, bool [panels + objects].

  The eye is above the domes, so a dome never hides another one altogether.
  """
  panel = jnp.asarray(layouts.faces(layout).panel)[hits.face]
  panels = jnp.any(panel[:, None] == jnp.arange(layout.panels), 0)
  return jnp.concatenate([panels, jnp.any(hits.shown, 0)])


def paint(layout, view: canvas.Camera, hits: Hits, walls, objects) -> jax.Array:
  """Returns the frame, uint8 [H, W, 3].

  Args:
    layout: the plan.
    view: the camera.
    hits: what its columns meet.
    walls: int32 [rooms], colours of the rooms.
    objects: int32 [O], colours of the objects.
  """
  faces = layouts.faces(layout)
  light = jnp.asarray(ORIENTATION[faces.side], jnp.float32)[hits.face]
  light = light + HEADLIGHT * hits.grazing
  room = jnp.asarray(faces.room)[hits.face]
  color = jnp.asarray(textures.WALLS, jnp.float32)[walls][room] * light[:, None]
  along = hits.along + 0.37 * hits.face
  columns = canvas.Columns(hits.depth, along, color, hits.front)
  return canvas.draw(layout, textures.ROOMS, view, columns, objects, _floor)


def _floor(x, y):
  """Returns the floor's colour, the same everywhere."""
  del x, y
  return textures.FLOOR
