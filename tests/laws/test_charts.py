"""Laws of maps: what holds of every world, and what frames say of each."""

import re
from typing import NamedTuple

import jax
import numpy as np
import pytest

import datasets
from datasets import catalogue
from datasets.worlds import (
  floor_plan,
  layout,
  maze_chart,
  passage,
  raycast,
  tiles,
)


class Kind(NamedTuple):
  """What is told of a kind of world.

  Attributes:
    cell: pixels of a cell's side.
    reach: cells ahead, from and to, at which a free way is surely in view.
    position: `(oracle) -> [T, 2]`, in cells, up or down the map.
  """

  cell: int
  reach: tuple[float, float]
  position: object


GRID = Kind(tiles.SIDE, (0, 2.1), lambda oracle: oracle['pose'][:, :2])
ROOMS = Kind(
  floor_plan.PIXELS,
  (1, 9),
  lambda oracle: oracle['pose'][:, :2] / layout.UNIT,
)
MAZE = Kind(maze_chart.PIXELS, (1.5, 9), lambda oracle: oracle['agent_pos'])
GRIDS = (
  'distracting_memory/width_100_smoke',
  'distracting_memory/width_100_smoke+action_noise-0.2+movers-3',
  'multi_doors_keys/keys_3_smoke',
  'multi_doors_keys/keys_3_laptop+action_noise-0.2+movers-3',
)
KINDS = dict.fromkeys(GRIDS, GRID) | {
  'rooms/two_rooms_smoke': ROOMS,
  'rooms/four_rooms_teleport_smoke': ROOMS,
  'memory_maze/jax_9x9_smoke': MAZE,
}


@pytest.fixture(scope='module', params=KINDS)
def shown(request):
  """Returns name, kind, episodes and their maps."""
  name = request.param
  builder, config = catalogue.find(name)
  episodes = jax.tree.map(np.asarray, builder.maker(config, 'val', 4)(0))
  charts = [datasets.chart(name, episode) for episode in episodes]
  return name, KINDS[name], list(zip(episodes, charts, strict=True))


def ahead(chart):
  return np.stack([np.cos(chart.heading), np.sin(chart.heading)], -1)


def under(picture, path):
  x, y = np.floor(path).astype(int).T
  return picture[y, x]


def test_a_map_has_a_picture_a_pose_and_a_line_for_each_step(shown):
  for episode, chart in shown[2]:
    steps = len(episode['action'])
    height, width = chart.seen.shape
    assert chart.path.shape == (steps, 2)
    assert chart.heading.shape == (steps,)
    assert np.isfinite(chart.path).all()
    assert np.isfinite(chart.heading).all()
    for t in (0, steps - 1):
      picture = chart.draw(t)
      assert picture.shape == (height, width, 3)
      assert picture.dtype == np.uint8
      assert picture.std() > 5
    assert isinstance(chart.cue, tuple)
    assert len(chart.cue) == steps
    assert all(0 < len(line) < 100 and '\n' not in line for line in chart.cue)
    assert (chart.path >= 0).all()
    assert (chart.path < [width, height]).all()


def test_a_place_is_seen_at_a_step_or_never(shown):
  for episode, chart in shown[2]:
    steps = len(episode['action'])
    assert chart.seen.dtype == np.int32
    assert chart.seen.min() == 0
    assert chart.seen.max() <= steps
    image = episode['observation']['image']
    still = (image[1:] == image[:-1]).all((1, 2, 3))
    found = np.isin(np.arange(1, steps), chart.seen)
    assert not (still & found).any()  # What is new is in a new frame.


def test_the_path_is_that_of_the_pose(shown):
  _, kind, pairs = shown
  for episode, chart in pairs:
    position = np.asarray(kind.position(episode['oracle']), float)
    moved = (chart.path - chart.path[0]) / kind.cell
    way = (position - position[0]) * [1, 1 if kind is GRID else -1]
    np.testing.assert_allclose(moved, way, atol=1e-4)


def test_forward_is_where_the_arrow_points(shown):
  name, _, pairs = shown
  if 'noise' in name:
    pytest.skip('another action may have happened')
  forward = datasets.describe(name)['actions'].index('forward')
  agree = []
  for episode, chart in pairs:
    step = np.diff(chart.path, axis=0)
    far = np.linalg.norm(step, axis=-1)
    usual = np.median(far[far > 0])
    chosen = (episode['action'][:-1] == forward) & (far > usual / 2)
    chosen &= far < 2 * usual  # No teleport.
    along = (step * ahead(chart)[:-1]).sum(-1) / np.maximum(far, 1e-6)
    agree.extend(along[chosen])
  assert len(agree) > 8
  assert np.mean(np.array(agree) > 0.95) > 0.95


def test_what_one_walks_straight_to_was_in_view(shown):
  _, kind, pairs = shown
  low, high = kind.reach
  count = 0
  for _, chart in pairs:
    for t in range(len(chart.path)):
      away = (chart.path[t:] - chart.path[t]) / kind.cell
      far = np.linalg.norm(away, axis=-1)
      along = away @ ahead(chart)[t]
      straight = np.cumprod(along >= far - 1e-3).astype(bool)
      chosen = straight & (far >= low) & (far <= high)
      count += chosen.sum()
      assert (under(chart.seen, chart.path[t:][chosen]) <= t).all()
  assert count > 8


def test_what_is_in_view_at_first_lies_ahead_or_around(shown):
  _, kind, pairs = shown
  for _, chart in pairs:
    y, x = np.nonzero(chart.seen == 0)
    away = (np.stack([x, y], -1) + 0.5 - chart.path[0]) / kind.cell
    if kind is GRID:
      assert np.abs(away).max() < 2.5
    else:
      assert (away @ ahead(chart)[0] > 0).mean() > 0.9


@pytest.mark.parametrize('shown', GRIDS, indirect=True)
def test_a_frame_of_a_grid_is_cut_out_of_the_map(shown):
  for episode, chart in shown[2]:
    side, reach = tiles.SIDE, 2 * tiles.SIDE
    for t, image in enumerate(episode['observation']['image']):
      picture = np.pad(chart.draw(t), ((reach,) * 2, (reach,) * 2, (0, 0)))
      x, y = (chart.path[t] - side / 2).astype(int)
      part = picture[y : y + 5 * side, x : x + 5 * side].copy()
      inside = np.pad(chart.seen <= t, reach)[
        y : y + 5 * side, x : x + 5 * side
      ].copy()
      middle = slice(2 * side, 3 * side)
      inside[middle, middle] = False  # The agent is on no map.
      np.testing.assert_array_equal(part[inside], image[inside])


@pytest.mark.parametrize('shown', GRIDS[:2], indirect=True)
def test_the_clue_is_in_view_when_the_frame_shows_it(shown):
  lines = set()
  for episode, chart in shown[2]:
    clue = int(episode['oracle']['clue'])
    for t, image in enumerate(episode['observation']['image']):
      x, y = (np.array(passage.CLUE) - episode['oracle']['pose'][t, :2] + 2).T
      cell = image[8 * y : 8 * y + 8, 8 * x : 8 * x + 8]
      in_view = 0 <= x < 5 and 0 <= y < 5
      assert chart.cue[t].endswith('in view') == in_view
      if in_view:
        assert (cell == tiles.COLORS[clue]).all()
        last = t
      ago = re.fullmatch(
        f'clue {tiles.NAMES[clue]}, last seen (.*) steps ago', chart.cue[t]
      )
      assert ago is None or t - int(ago[1]) == last
      lines.add(chart.cue[t].split(',')[0])
  assert len(lines) > 1


@pytest.mark.parametrize('shown', GRIDS[2:], indirect=True)
def test_rewards_are_for_the_doors_that_are_open(shown):
  for episode, chart in shown[2]:
    paid = np.cumsum(episode['reward']) - episode['reward']
    for line, reward in zip(chart.cue, paid, strict=True):
      assert f'; {reward:.0f} of 3 doors open' in line


@pytest.mark.parametrize('seed', range(5))
def test_a_room_was_left_when_the_line_says(seed):
  draw = np.random.default_rng(seed)
  rooms = draw.integers(4, size=20).repeat(draw.integers(1, 5, 20))
  colors = draw.integers(8, size=(2, 2))
  lines = floor_plan.cues(layout.FOUR, {'room': rooms, 'wall_color': colors})
  assert len(lines) == len(rooms)
  for t, line in enumerate(lines):
    color = floor_plan.COLORS[colors.reshape(-1)[rooms[t]]]
    assert line.startswith(f'room {rooms[t]}, {color}: ')
    before = rooms[: t + 1] == rooms[t]
    ago = re.search(r'left (\d+) steps ago', line)
    if ago is None:
      assert line.endswith('first visit')
      assert (np.diff(before.astype(int)) >= 0).all()
    else:
      then = t - int(ago[1])
      assert before[then]
      assert not before[then + 1]
      assert (np.diff(before[then + 1 :].astype(int)) >= 0).all()


def test_rays_of_the_map_meet_the_walls_of_the_frame():
  plan = catalogue.find('rooms/ten_rooms_smoke')[1].world
  draw = np.random.default_rng(0)
  place = draw.integers(plan.room, size=(40, 2)) + 0.5
  room = draw.integers((plan.cols, plan.rows), size=(40, 2)) * plan.room
  pose = np.int32((place + room) * layout.UNIT)
  heading = draw.integers(plan.headings, size=40, dtype=np.int32)
  present = np.zeros(plan.objects, bool)
  objects = np.zeros((plan.objects, 2), np.int32)

  @jax.jit
  @jax.vmap
  def cast(position, heading):
    view = raycast.camera(plan, position, heading, objects)
    return raycast.cast(plan, view, present)

  hits = cast(pose, heading)
  for i in range(40):
    depth, face = floor_plan.fan(
      plan, layout.faces(plan), np.array([*pose[i], heading[i]]), plan.size
    )
    same = face == hits.face[i]
    assert same.mean() > 0.9  # A ray at a corner may meet either wall.
    np.testing.assert_allclose(depth[same], hits.depth[i][same], rtol=1e-3)
