"""Laws of the map of a maze."""

import numpy as np
import pytest
from scipy import ndimage

from datasets import maze_files
from datasets.worlds import maze_chart, textures
from tests.mazes import FLOOR, FRAMES, published


def turning(position):
  """A record of someone who turns around in a place."""
  arrays = published(0)
  angle = 2 * np.pi * np.arange(FRAMES) / (FRAMES - 1)
  arrays['agent_dir'] = np.stack([np.cos(angle), np.sin(angle)], -1)
  arrays['agent_pos'] = np.tile(position, (FRAMES, 1))
  return maze_files.record(arrays, FRAMES)


@pytest.mark.parametrize('position', [(0.5, 0.5), (2.3, 2.6), (6.5, 5.2)])
def test_the_map_shows_what_a_straight_line_reaches(position):
  episode = turning(position)
  chart = maze_chart.chart(episode)
  at, free = maze_chart.places(episode['oracle'])
  far = np.linalg.norm(at - position, axis=-1)
  along = np.linspace(0, 1, 200)[:, None, None, None]
  way = np.floor(position + along * (at - position)).astype(int)
  inside = ((way >= 0) & (way < 9)).all(-1)
  x, y = np.clip(way, 0, 8).transpose(3, 0, 1, 2)
  reached = (inside & (FLOOR[y, x] > 0)).all(0)
  shown = chart.seen < FRAMES
  sure = free & (far > 0.7)  # What is nearer lies below the frame.
  assert (shown == reached)[sure].mean() > 0.98
  beyond = ndimage.distance_transform_edt(~reached) / maze_chart.PIXELS
  walls = ~free & (far > 0.8)
  assert shown[walls & (beyond < 0.1)].mean() > 0.75
  assert not shown[walls & (beyond > maze_chart.RIM + 0.25)].any()


def test_the_map_has_the_walker_where_it_is_and_a_ring_around_its_target():
  for seed in range(4):
    given = published(seed)
    episode = maze_files.record(given, FRAMES)
    chart = maze_chart.chart(episode)
    at, free = maze_chart.places(episode['oracle'])
    for t in (0, FRAMES - 1):
      x, y = chart.path[t].astype(int)
      off = at[y, x] - given['agent_pos'][t]
      assert np.abs(off).max() <= 0.5 / maze_chart.PIXELS + 1e-6
      assert free[y, x]
      ahead = [np.cos(chart.heading[t]), -np.sin(chart.heading[t])]
      np.testing.assert_allclose(ahead, given['agent_dir'][t], atol=1e-5)
      ring = (chart.draw(t) == 0).all(-1)
      np.testing.assert_allclose(
        at[ring].mean(0), given['target_pos'][t], atol=0.05
      )
      name = maze_chart.COLORS[
        np.abs(textures.TARGETS - given['target_color'][t]).sum(-1).argmin()
      ]
      assert chart.cue[t].startswith(f'target {name}, ')
    for cue, paid in zip(chart.cue, given['reward'].cumsum(), strict=True):
      assert cue.endswith(f'; {paid:.0f} rewards so far')
