"""Laws of the script that walks in Memory Maze, without its environment."""

import numpy as np

from tests.mazes import FLOOR
from third_party import memory_maze as environment


def test_ways_are_the_shortest():
  far = environment.distances(FLOOR, (0, 0))
  assert far[0, 0] == 0
  for cell in np.argwhere(FLOOR)[1:]:
    beside = [
      far[tuple(other)]
      for other in cell + [[0, 1], [1, 0], [0, -1], [-1, 0]]
      if (other >= 0).all() and (other < 9).all() and FLOOR[tuple(other)]
    ]
    assert far[tuple(cell)] == min(beside) + 1


def stroll(seed, steps):
  """Walks as the script says, with the real speeds but without walls."""
  script = environment.explore(np.random.default_rng(seed), FLOOR)
  next(script)
  position, angle, path, actions = np.array([0.5, 0.5]), 0.0, [], []
  for _ in range(steps):
    ahead = np.array([np.cos(angle), np.sin(angle)])
    actions.append(script.send((position, ahead)))
    angle += np.deg2rad(18.4) * (0, 0, 1, -1, 1, -1)[actions[-1]]
    ahead = np.array([np.cos(angle), np.sin(angle)])
    moved = position + 0.25 * ahead * (0, 1, 0, 0, 1, 1)[actions[-1]]
    cell = tuple(np.floor(moved[::-1]).astype(int))
    if (moved > 0).all() and (moved < 9).all() and FLOOR[cell]:
      position = moved
    path.append(position)
  return np.array(path), np.array(actions)


def test_the_script_walks_through_the_maze_without_being_told_twice():
  visited = []
  for seed in range(4):
    path, actions = stroll(seed, 1000)
    again, _ = stroll(seed, 1000)
    np.testing.assert_array_equal(path, again)
    assert set(actions) == set(range(6))
    cells = {tuple(x) for x in np.floor(path).astype(int)}
    visited.append(len(cells) / FLOOR.sum())
    assert (np.abs(np.diff(path, axis=0)).sum(-1) > 0).mean() > 0.5
  assert np.mean(visited) > 0.6
