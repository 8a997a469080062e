"""MiniGrid's own pictures and map are oracles of ours."""

import functools

import jax
import numpy as np
import pytest

from datasets.worlds import (
  corridor,
  doors_keys,
  errands,
  hallway,
  passage,
  shuttle,
  tiles,
)
from third_party import minigrid


def view(grid, position, heading, size):
  look = functools.partial(tiles.view, size=size)
  return np.asarray(jax.jit(jax.vmap(look))(grid, position, heading))


def drawn(grid, position, heading, size):
  words = np.array(tiles.WORDS)[grid]
  return np.stack(
    [
      minigrid.picture(*now, size)
      for now in zip(words, position, heading, strict=True)
    ]
  )


def in_hallway():
  plan = passage.Hallway(20)

  @jax.jit
  def play(key):
    worlds, _, _ = shuttle.play(plan, key)
    grid = hallway.grid(plan, worlds)
    return grid, worlds, shuttle.film(plan, key)['image']

  grid, worlds, image = play(jax.random.PRNGKey(3))
  grid = np.repeat(np.asarray(grid)[None], plan.length, 0)
  x, y = np.asarray(worlds.position).T
  grid[np.arange(plan.length), y, x] = tiles.EMPTY
  return grid, worlds.position, worlds.heading, image


def in_corridor():
  plan = corridor.THREE

  @jax.jit
  def play(key):
    worlds, _, _ = errands.play(plan, key)
    grid = jax.vmap(functools.partial(doors_keys.grid, plan))(worlds)
    return grid, worlds, errands.film(plan, key)['image']

  grid, worlds, image = play(jax.random.PRNGKey(3))
  return grid, worlds.position, worlds.heading, image


EPISODES = {'hallway': in_hallway, 'doors_keys': in_corridor}
"""By world: `() -> (grid [T, H, W], position [T, 2], heading [T], image)`."""


@pytest.mark.parametrize('size', [5, 7])
def test_any_cells_in_any_pose_look_as_minigrid_draws_them(size):
  draw, kinds = np.random.default_rng(size), len(tiles.WORDS)
  grid = draw.permutation(np.arange(8 * 9) % kinds).reshape(8, 9)
  pose = np.indices((9, 8, 4)).reshape(3, -1)
  grids = np.broadcast_to(grid, (pose.shape[1], 8, 9))
  arguments = grids, pose[:2].T, pose[2], size
  np.testing.assert_array_equal(view(*arguments), drawn(*arguments))


def test_a_whole_map_looks_as_minigrid_draws_it():
  grid = np.random.default_rng(0).integers(len(tiles.WORDS), size=(9, 9))
  grid[4, 4] = tiles.EMPTY
  expected = minigrid.picture(np.array(tiles.WORDS)[grid], (4, 4), 0, 9)
  agent = np.zeros((72, 72, 1), bool)
  agent[32:40, 32:40] = True
  off = tiles.whole(grid) != expected
  np.testing.assert_array_equal(off & ~agent, False)
  assert (off & agent).any(), 'there is an agent'


@pytest.mark.parametrize('name', EPISODES)
def test_the_frames_of_an_episode_are_minigrids(name):
  grid, position, heading, image = map(np.asarray, EPISODES[name]())
  np.testing.assert_array_equal(image, drawn(grid, position, heading, 5))


@pytest.mark.parametrize('width', [10, 100])
def test_the_walls_are_those_of_minigrids_memory(width):
  plan = passage.Hallway(width)
  words = np.array(tiles.WORDS)[passage.walls(plan)]
  np.testing.assert_array_equal(
    words == 'wall', minigrid.memory_walls(width, passage.HEIGHT)
  )


def test_minigrids_own_environment_plays():
  minigrid.environment(seed=1)(20)
