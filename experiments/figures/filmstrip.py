"""A video of an episode: what the agent sees, the map, and what goes on."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import imageio.v2 as iio
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from experiments.figures.page import Shown

_SIDE, _WIDEST, _GAP = 384, 640, 12
"""Pixels of the frame's height, about, of the map's width, at most, and between
the rows of a map that is folded."""

_LEAST, _EDGE, _HEAD, _FOOT = 640, 16, 40, 124
_FINE = 2
"""Maps are drawn this many times larger, for smooth lines."""

_VEIL, _VEILED = np.array([[201, 208, 216], [168, 176, 184]]), 0.88
_INK, _SOFT, _LINE = '#15181c', '#58616d', '#d3d8de'
_COLORS = {'context': '#2a66ad', 'query': '#b8500a'}
_LIGHT = {'context': '#7db4ee', 'query': '#f0a258'}
_GAIN, _LOSS = '#16794a', '#b3261e'


def write(
  path: Path,
  metadata: Mapping[str, Any],
  shown: Shown,
  frames_per_second: float,
) -> None:
  """Writes an MP4 with a page for each step.

  Args:
    path: Of the video.
    metadata: Of the data set.
    shown: The episode.
    frames_per_second: Of the video.
  """
  with warnings.catch_warnings():
    warnings.filterwarnings('ignore', message=r'os\.fork')  # Runs ffmpeg only.
    with iio.get_writer(
      path, fps=frames_per_second, codec='libx264', macro_block_size=2
    ) as video:
      for page in pages(metadata, shown):
        video.append_data(page)


def pages(metadata: Mapping[str, Any], shown: Shown) -> Iterator[np.ndarray]:
  """Yields a page for each step, uint8 `[H, W, 3]`, of even sides."""
  frames = np.asarray(shown.record['observation']['image'])
  height, width = frames.shape[1:3]
  tall = height * max(1, _SIDE // height)
  sizes = [(tall * width // height, tall)]
  if shown.chart:
    rows, size = _fold(*shown.chart.seen.shape, tall)
    sizes.append((size[0] // rows, tall))
  inside = sum(x for x, _ in sizes) + _EDGE * (len(sizes) - 1)
  whole = max(_LEAST, inside + 2 * _EDGE), _HEAD + tall + _FOOT
  whole = tuple(x + x % 2 for x in whole)
  title = f'{metadata["name"]}, episode {shown.number}'
  for t in range(len(frames)):
    page = Image.new('RGB', whole, 'white')
    _write(page, _EDGE, 11, title, _SOFT)
    frame = Image.fromarray(frames[t].squeeze()).convert('RGB')
    page.paste(frame.resize(sizes[0], Image.NEAREST), (_EDGE, _HEAD))
    if shown.chart:
      world = _map(shown.chart, t, metadata['context'], size)
      left, wide = sizes[0][0] + 2 * _EDGE, sizes[1][0]
      for row in range(rows):
        part = world.crop((row * wide, 0, (row + 1) * wide, size[1]))
        page.paste(part, (left, _HEAD + row * (size[1] + _GAP)))
    _say(page, metadata, shown, t)
    _time(page, metadata['context'], shown, t)
    yield np.asarray(page)


def _write(page, x, y, text, color, size=15):
  """Writes a line, cut off where the page ends."""
  draw = ImageDraw.Draw(page)
  font = ImageFont.load_default(size)
  while text and draw.textlength(text, font) > page.width - x - _EDGE:
    text = text.rstrip('\u2026')[:-1] + '\u2026'
  draw.text((x, y), text, color, font)


def _phase(t, context):
  return 'context' if t < context else 'query'


def _fold(high, wide, tall):
  """Returns in how many rows a map is largest, and its (width, height)."""
  found = []
  for rows in range(1, 9 if wide > 3 * high else 2):
    room = (tall - _GAP * (rows - 1)) / rows
    found.append((min(room / high, rows * _WIDEST / wide), -rows))
  scale, rows = max(found)
  return -rows, (-rows * round(wide * scale / -rows), round(high * scale))


def _map(chart, t, context, size):
  """Returns the map with its veil, the path so far and the agent."""
  image = np.asarray(chart.draw(t), float)
  stripe = np.indices(image.shape[:2]).sum(0) % 6 // 3
  image += (chart.seen > t)[..., None] * _VEILED * (_VEIL[stripe] - image)
  fine = tuple(_FINE * x for x in size)
  world = Image.fromarray(image.astype(np.uint8)).resize(fine, Image.NEAREST)
  draw = ImageDraw.Draw(world)
  scale = fine[0] / image.shape[1]
  path = np.asarray(chart.path) * scale
  lines = [
    (line.ravel().tolist(), phase)
    for first, last, phase in (
      (0, min(t, context - 1), 'context'),
      (max(0, context - 1), t, 'query'),
    )
    if first < last
    for line in np.split(path[first : last + 1], _jumps(path, first, last))
  ]
  for color, wide in ((dict.fromkeys(_LIGHT, '#202428'), 10), (_LIGHT, 5)):
    for line, phase in lines:
      draw.line(line, color[phase], wide, joint='curve')
  ahead = np.array([np.cos(chart.heading[t]), np.sin(chart.heading[t])])
  across = ahead[::-1] * [-1, 1]
  tip = [(12, 0), (-8, 8), (-3, 0), (-8, -8)]
  arrow = [tuple(path[t] + _FINE * (a * ahead + b * across)) for a, b in tip]
  draw.polygon(arrow, 'white', '#101214', 2 * _FINE)
  return world.reduce(_FINE)


def _jumps(path, first, last):
  """Returns where a part of a path begins anew, after a teleport."""
  lengths = np.hypot(*np.diff(path, axis=0).T)
  usual = np.median(lengths[lengths > 0]) if lengths.any() else np.inf
  return np.flatnonzero(lengths[first:last] > 3 * usual) + 1


def _say(page, metadata, shown, t):
  """Writes step, action, reward and cue."""
  action, reward = (np.asarray(shown.record[k]) for k in ('action', 'reward'))
  context, y = metadata['context'], page.height - _FOOT + 10
  phase = _phase(t, context)
  _write(page, _EDGE, y, f'step {t} of {len(action) - 1}', _INK)
  _write(page, _EDGE + 140, y, phase, _COLORS[phase])
  if t == len(action) - 1:
    does = 'end'
  else:
    does = f'{_name(metadata, action[t])}, reward {reward[t]:g}'
  _write(
    page, _EDGE + 220, y, f'{does}, {reward[: t + 1].sum():g} so far', _INK
  )
  if shown.chart:
    _write(page, _EDGE, y + 24, shown.chart.cue[t], _INK)


def _name(metadata, action):
  """Returns an action in words, or as the numbers that it is."""
  names = metadata.get('actions') or ()
  if action.ndim:
    return '(' + ', '.join(f'{x:.2f}' for x in action) + ')'
  return names[action] if action < len(names) else f'action {action}'


def _time(page, context, shown, t):
  """Draws context and query, rewards above them, and the step."""
  reward = np.asarray(shown.record['reward'])
  draw = ImageDraw.Draw(page)
  left, right, base = _EDGE, page.width - _EDGE, page.height - 26
  cell = (right - left) / len(reward)
  turn = left + cell * min(context, len(reward))
  draw.rectangle((left, base, right, base + 10), _COLORS['query'])
  draw.rectangle((left, base, turn - 1, base + 10), _COLORS['context'])
  peak = np.abs(reward).max()
  for s in np.flatnonzero(reward):
    high = max(4, 26 * abs(reward[s]) / peak)
    x = left + cell * s
    color = _GAIN if reward[s] > 0 else _LOSS
    draw.rectangle((x, base - 2 - high, x + max(2, cell - 1), base - 2), color)
  x = left + cell * (t + 0.5)
  draw.line((x, base - 4, x, base + 14), _INK, 3)
  draw.line((left, base - 1, right, base - 1), _LINE, 1)
