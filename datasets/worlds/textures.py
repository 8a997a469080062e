"""Colours and procedural textures of rooms and mazes.

The colours are the means of labmaze's style_01 walls and Memory Maze's target
colours; sky and floor are measured, for rooms on the paper's frames, for mazes
on Memory Maze's. The wall pattern is our own: rectangles of irregular size with
dark seams.
"""

import functools
from typing import NamedTuple

import numpy as np


def _pale(colors):
  """Mixes colours with their grey, as light does on the paper's frames."""
  colors = np.array(colors, float)
  return 0.85 * colors + 0.15 * colors.mean(-1, keepdims=True)


PAINTS = np.array([
  (32, 116, 177), (169, 65, 103), (85, 120, 75), (166, 197, 156),
  (68, 80, 176), (143, 32, 26), (213, 123, 104), (196, 169, 38),
])  # fmt: skip
"""Blue, cerise, green, green_bright, purple, red, red_bright, yellow."""

TARGETS = np.array([
  (170, 38, 30), (99, 170, 88), (39, 140, 217), (93, 105, 199),
  (220, 193, 59), (220, 128, 107),
]) / 220  # fmt: skip
"""Red, green, blue, purple, yellow, salmon, from 0 to 1."""

WALLS = _pale(PAINTS)
"""The walls of the rooms."""

OBJECTS = _pale(220 * TARGETS)
"""The domes of the rooms."""

SKY = np.array([(61, 82, 108), (84, 113, 149)])
"""At the horizon and at the top of the frame."""

FLOOR = np.array((22, 32, 39))

TEXELS = 32
"""Texels of a cell's side."""

CELLS = 4
"""Cells after which a texture repeats."""

LEVELS = 5
"""Blurred copies of the wall; copy l is blurred over 2^l texels."""


class Look(NamedTuple):
  """Colours that all frames of a world have in common.

  Attributes:
    objects: [C, 3], of domes.
    sky: [2, 3], at the horizon and at the top of the frame.
    glow: light on a dome: everywhere, where it looks up, and where it looks at
      the camera.
  """

  objects: np.ndarray
  sky: np.ndarray
  glow: tuple[float, float, float]


ROOMS = Look(OBJECTS, SKY, (0.42, 0.38, 0.30))

MAZE = Look(
  255 * TARGETS,
  np.array([(51, 77, 102), (76, 114, 153)]),
  (0.30, 0.06, 0.57),
)
"""The light is a lamp on the camera, which looks down a little."""

LAMP = (0.30, 0.60)
"""Light in mazes: everywhere, and where a face looks at the camera."""

FLOORS = 0.36 * np.array([(54, 89, 109), (111, 148, 170)])
"""Of the mazes' corridors and rooms, lit."""


def _split(rng, x, y, width, height, found):
  """Cuts a rectangle at random until its parts are small."""
  if width * height < 60 or max(width, height) < 10:
    found.append((x, y, width, height))
  elif rng.random() < width / (width + height):
    cut = int(rng.integers(width // 4 + 1, width - width // 4))
    _split(rng, x, y, cut, height, found)
    _split(rng, x + cut, y, width - cut, height, found)
  else:
    cut = int(rng.integers(height // 4 + 1, height - height // 4))
    _split(rng, x, y, width, cut, found)
    _split(rng, x, y + cut, width, height - cut, found)


def _panels(rng, side):
  """Draws rectangles with dark seams: float [side, side], mean 1."""
  found = []
  _split(rng, 0, 0, side, side, found)
  image = np.ones((side, side))
  for x, y, width, height in found:
    image[x : x + width, y : y + height] = 1 + 0.05 * rng.standard_normal()
    seam = 0.62 + 0.25 * rng.random()
    if rng.random() < 0.75:
      image[x, y : y + height] *= seam
    if rng.random() < 0.75:
      image[x : x + width, y] *= seam
  return image / image.mean()


def _blur(image, width):
  """Averages over a box of `width` texels, around the torus."""
  for axis in range(2):
    image = np.mean([np.roll(image, -i, axis) for i in range(width)], 0)
    image = np.roll(image, width // 2, axis)
  return image


@functools.cache
def atlas() -> np.ndarray:
  """Returns brightness [LEVELS + 1, side, side], float32, of mean 1.

  Level l < LEVELS is the wall blurred over 2^l texels; the last is the floor.
  """
  rng = np.random.default_rng(0)
  side = TEXELS * CELLS
  wall = _panels(rng, side)
  noise = _blur(_blur(rng.standard_normal((side, side)), 16), 8)
  noise /= noise.std()
  floor = 1.02 - 0.16 * np.clip(2.5 * (noise - 0.8), 0, 1)
  levels = [_blur(wall, 2**level) for level in range(LEVELS)]
  return np.stack([*levels, floor]).astype(np.float32)
