"""Memory Maze itself: what is played in it, and how much ours is like it.

CI installs the package; without it there is nothing to hold against.
"""

import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets import maze_files, memory_maze, npz, processes
from datasets.worlds import (
  labyrinth,
  maze_chart,
  maze_film,
  maze_plan,
  textures,
)
from datasets.worlds import maze as mazes
from third_party import memory_maze as environment

pytest.importorskip('memory_maze')

ROOT = pathlib.Path(__file__).parents[2]
SEEDS, FRAMES = (20, 18, 21), 101
YELLOW = 7
REAL = memory_maze.MemoryMaze.builder_configs['9x9_smoke']
OURS = maze_plan.MAZES['jax_9x9']._replace(context=51, query=50)


@pytest.fixture(scope='module')
def played():
  """Episodes of the real maze; in the first two, a target is reached early."""
  return [environment.record('9x9', seed, FRAMES) for seed in SEEDS]


@pytest.fixture(scope='module')
def ours():
  """Episodes of our maze, with all numbers of the paper's size but length."""
  keys = jax.random.split(jax.random.PRNGKey(0), 12)
  return maze_film.camera(OURS, 404)(keys)


def assert_equal(one, other, frames):
  for name in one:
    np.testing.assert_array_equal(one[name][:frames], other[name][:frames])


def test_an_episode_has_the_published_schema(played, tmp_path):
  large = environment.record('15x15', 0, 13)
  for arrays, cells, targets in ((played[0], 9, 3), (large, 15, 6)):
    schema = maze_files.schema(len(arrays['image']), cells, targets)
    np.savez(tmp_path / 'episode.npz', **arrays)
    assert arrays.keys() == schema.keys()
    assert npz.inspect(tmp_path / 'episode.npz', schema)[1] == []
    assert not arrays['action'][0].any()
    assert not arrays['reward'][0]


def test_skipping_untouched_targets_changes_nothing(played):
  slow = environment.record('9x9', SEEDS[0], 40, hasten=lambda target: None)
  assert slow['reward'].any(), 'no target is touched: it shows nothing'
  assert_equal(slow, played[0], 40)


def test_another_process_plays_the_same(played):
  play = processes.apart('third_party.memory_maze', 'record')
  assert_equal(play('9x9', SEEDS[0], 30), played[0], 30)
  assert (played[1]['maze_layout'] != played[0]['maze_layout']).any()


def test_a_record_does_not_depend_on_its_batch():
  pair = memory_maze.MemoryMaze.maker(REAL, 'val', 2)(0)
  alone = memory_maze.MemoryMaze.maker(REAL, 'val', 1)(1)
  assert len(alone) == 1
  for one, other in zip(
    jax.tree.leaves(pair[1]), jax.tree.leaves(alone[0]), strict=True
  ):
    np.testing.assert_array_equal(one, other)
  assert (pair[0]['action'] != pair[1]['action']).any()


def test_a_target_is_reached_where_its_dome_is_touched(played):
  for arrays in played:
    paid = arrays['reward'][1:] > 0
    away = arrays['target_pos'][:-1] - arrays['agent_pos'][1:]
    far = np.linalg.norm(away, axis=-1)
    assert (far[paid] < OURS.reach + 0.25).all()
    assert (far[~paid] > OURS.reach - 0.01).all()
    moved = (np.diff(arrays['target_pos'], axis=0) != 0).any(-1)
    np.testing.assert_array_equal(moved, paid)
    color = 0.7 * 255 * arrays['target_color']
    corner = arrays['image'][:, 1, -1]
    np.testing.assert_array_equal(corner, np.trunc(color))


def test_positions_are_told_in_our_words(played):
  for arrays in played:
    x, y = np.floor(arrays['agent_pos']).astype(int).T
    assert arrays['maze_layout'][0][y, x].all()
    ahead = arrays['agent_dir'][:, None]
    away = arrays['targets_pos'] - arrays['agent_pos'][:, None]
    right = (away * ahead[..., ::-1] * [1, -1]).sum(-1)
    vector = np.stack([right, (away * ahead).sum(-1)], -1)
    np.testing.assert_allclose(arrays['targets_vec'], vector, atol=1e-3)


def test_what_the_map_shows_in_view_is_in_the_frame(played):
  found = 0
  for arrays in played:
    record = maze_files.record(arrays, FRAMES)
    cue = maze_chart.chart(record).cue
    for t in range(FRAMES):
      far = np.linalg.norm(arrays['target_vec'][t])
      if 'in view' in cue[t] and far < 3:
        image = arrays['image'][t, 2:-2, 2:-2].astype(float)
        hue = image / image.sum(-1, keepdims=True)
        color = arrays['target_color'][t] / arrays['target_color'][t].sum()
        assert (np.abs(hue - color).max(-1) < 0.06).sum() > 10
        found += 1
  assert found > 10


def turns(arrays):
  """Absolute turns of each step, degrees."""
  x, y = arrays['agent_dir'].T.astype(float)
  turned = np.diff(np.rad2deg(np.arctan2(y, x)))
  return np.abs((turned + 180) % 360 - 180)


def steps(arrays):
  """Distances of each step, cells."""
  return np.linalg.norm(np.diff(arrays['agent_pos'], axis=0), axis=-1)


def test_a_step_and_a_turn_are_as_large_as_ours(played, ours):
  for measure, expected in ((steps, 0.25), (turns, 18.4)):
    tops = [
      np.percentile(np.concatenate([measure(x) for x in episodes]), 93)
      for episodes in (played, ours)
    ]
    np.testing.assert_allclose(tops, expected, rtol=0.02)


def test_our_script_gets_about_as_far(played, ours):
  cells = [
    np.mean([len(np.unique(np.floor(x['agent_pos']), axis=0)) for x in some])
    for some in (played, ours)
  ]
  assert 0.6 < cells[1] / cells[0] < 1.6
  walked = [np.mean([steps(x).sum() for x in some]) for some in (played, ours)]
  assert 0.7 < walked[1] / walked[0] < 1.4


def photographed(arrays):
  """Returns our frames of the real poses in the real maze, walls all yellow."""
  maze = OURS._replace(headings=980)
  world = mazes.start(maze, jax.random.PRNGKey(0))
  x, y = arrays['agent_dir'].T
  heading = np.rint(np.arctan2(y, x) / (2 * np.pi) * maze.headings)
  place, targets = (
    np.rint(arrays[name] * maze_plan.UNIT).astype(np.int32)
    for name in ('agent_pos', 'targets_pos')
  )

  def photograph(free, targets, position, heading):
    plan = labyrinth.Labyrinth(free, jnp.zeros(free.shape, int))
    here = world._replace(
      map=mazes.Map(plan, jnp.full(9, YELLOW), targets),
      position=position,
      heading=heading,
    )
    return mazes.frame(maze, here)

  return jax.jit(jax.vmap(photograph))(
    arrays['maze_layout'] > 0, targets, place, heading.astype(int) % 980
  )


def overlap(one, other):
  return (one & other).sum() / (one | other).sum()


def test_walls_and_domes_are_drawn_where_they_are(played):
  arrays = {k: np.concatenate([x[k] for x in played]) for k in played[0]}
  real, drawn = (
    np.asarray(x)[:, 2:-2, 2:-2].astype(float)
    for x in (arrays['image'], photographed(arrays))
  )
  ground = [
    (np.abs(x[..., None, :] - textures.FLOORS).max(-1) < 9).any(-1)
    for x in (real, drawn)
  ]
  assert overlap(*ground) > 0.96
  real, drawn = real[:, :22], drawn[:, :22]
  blue = drawn[..., 2] > drawn[..., 0] + 20
  rows = [np.median(drawn[:, y][blue[:, y]], 0) for y in range(22)]
  assert (
    overlap(np.abs(real - np.array(rows)[:, None]).max(-1) < 8, blue) > 0.96
  )


def test_our_frames_look_alike(played, ours):
  real, drawn = (
    np.stack([x['image'] for x in some])[:, :, 2:-2, 2:-2].astype(float)
    for some in (played, ours)
  )
  everywhere = (0, 1, 2, 3)

  def off(function):
    return np.abs(function(real) - function(drawn)).max()

  assert off(lambda x: x.mean(everywhere)) < 15
  assert off(lambda x: x.std(everywhere)) < 6
  assert off(lambda x: np.median(x[:, :, :2], everywhere)) < 4  # The sky.
  assert off(lambda x: np.median(x[:, :, -2:], everywhere)) < 6  # The floor.
  for axis in (2, 3):
    edges = [np.abs(np.diff(x, axis=axis)).mean() for x in (real, drawn)]
    assert 0.85 < edges[1] / edges[0] < 1.2


def test_our_mazes_are_as_open():
  maze = pytest.importorskip('memory_maze.maze')
  sizes = {'room_min_size': 3, 'room_max_size': 5, 'max_rooms': 6}
  theirs = maze.TextMazeVaryingWalls(
    height=11, width=11, max_variations=26, spawns_per_room=1,
    objects_per_room=1, simplify=True, random_seed=1, **sizes,
  )  # fmt: skip
  free = []
  while len(free) < 300:
    theirs.regenerate()
    plan = np.asarray(theirs.entity_layer)[1:-1, 1:-1]
    if (plan == 'G').sum() >= 3:
      free.append(np.isin(plan, (' ', 'P', 'G')).mean())
  draw = jax.jit(
    jax.vmap(lambda key: labyrinth.draw(key, 9, 3, 6, (3, 5)).free)
  )
  drawn = np.asarray(draw(jax.random.split(jax.random.PRNGKey(1), 300)))
  drawn = drawn.mean((-2, -1))
  assert abs(np.mean(free) - drawn.mean()) < 0.02
  assert abs(np.std(free) - drawn.std()) < 0.015


def test_a_renderer_that_is_missing_is_explained():
  code = 'from third_party import memory_maze; memory_maze.record("9x9", 0, 3)'
  done = subprocess.run(
    [sys.executable, '-c', code],
    cwd=ROOT,
    env=os.environ | {'MUJOCO_GL': 'none such'},
    capture_output=True,
    text=True,
    check=False,
  )
  assert 'ValueError: memory_maze: MuJoCo cannot render' in done.stderr
  assert 'libegl1' in done.stderr


@pytest.mark.parametrize(
  ('maze', 'length', 'expected'),
  [('8x8', 25, 'got .8x8.'), ('9x9', 1002, 'has 2 to 1001 frames; got 1002')],
)
def test_what_cannot_be_played_is_explained(maze, length, expected):
  with pytest.raises(ValueError, match=expected):
    environment.record(maze, 0, length)
