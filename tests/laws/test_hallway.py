"""Laws of Distracting Memory: map, way, clue and reward."""

import functools

import brax.envs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.worlds import hallway as hallways
from datasets.worlds import passage, shuttle, tiles
from datasets.worlds.passage import Hallway

PLAN = Hallway(100)
EPISODES = 4096
KEYS = jax.random.split(jax.random.PRNGKey(3), EPISODES)


def played(plan, count=EPISODES):
  """Episodes of the script: worlds, actions and whether they were rewarded."""

  @jax.jit
  @jax.vmap
  def play(key):
    worlds, action, side = shuttle.play(plan, key)
    last = jax.tree.map(lambda x: x[-1], worlds._replace(map=None))
    last = last._replace(map=worlds.map)
    won = hallways.success(plan, last)
    return worlds, action, side, won, hallways.chosen(plan, last)

  return jax.tree.map(np.asarray, play(KEYS[:count]))


def filmed(plan, count=8):
  film = jax.jit(jax.vmap(functools.partial(shuttle.film, plan)))
  return jax.tree.map(np.asarray, film(KEYS[:count]))


@pytest.fixture(scope='module')
def episodes():
  return played(PLAN)


@pytest.fixture(scope='module')
def takes():
  return filmed(PLAN)


@pytest.mark.parametrize('width', [10, 60, 100, 200, 400])
def test_an_episode_is_as_long_as_the_papers(width):
  plan = Hallway(width)
  assert plan.context == 2 * width - 1
  assert plan.query == width // 2 + 1
  assert plan.length == 5 * width // 2


def test_the_agent_walks_as_in_the_video(episodes):
  worlds, action, side, _, _ = episodes
  x, y = np.moveaxis(worlds.position, -1, 0)
  assert (y[:, :249] == passage.MIDDLE).all()
  for k, column in ((0, 49), (49, 98), (51, 98), (148, 1), (150, 1), (199, 50)):
    assert (x[:, k] == column).all(), k
  assert (x[:, 247:] == 98).all()
  np.testing.assert_array_equal(worlds.heading[0, 48:53], [0, 0, 1, 2, 2])
  np.testing.assert_array_equal(worlds.heading[0, 147:152], [2, 2, 1, 0, 0])
  np.testing.assert_array_equal(worlds.heading[:, 248], 3 - 2 * side)
  np.testing.assert_array_equal(y[:, 249], np.where(side, 5, 3))
  turns = action[:, [49, 50, 148, 149]]
  assert (turns == [hallways.RIGHT] * 2 + [hallways.LEFT] * 2).all()


def test_the_clue_decides_the_reward(episodes):
  worlds, _, side, won, _ = episodes
  choice = worlds.map.choice
  assert ((choice == worlds.map.clue[:, None]).sum(1) == 1).all()
  chosen = choice[np.arange(EPISODES), side]
  np.testing.assert_array_equal(won, chosen == worlds.map.clue)


def test_half_of_the_choices_are_rewarded(episodes):
  won = episodes[3]
  assert abs(won.mean() - 0.5) < 0.03
  # No part of what is seen late tells it: neither side nor colours.
  side, choice = episodes[2], episodes[0].map.choice
  for s in range(2):
    for color in range(4):
      which = (side == s) & (choice[:, 0] == color)
      assert abs(won[which].mean() - 0.5) < 4 * 0.5 / np.sqrt(which.sum())


def test_distractors_are_everywhere_half_the_time_in_every_colour(episodes):
  found = episodes[0].map.distractors
  assert (found[:, :4] == -1).all()
  assert (found[:, 97:] == -1).all()
  there = found[:, 4:97]
  assert np.abs((there >= 0).mean(0) - 0.5).max() < 5 * 0.5 / np.sqrt(EPISODES)
  for color in range(4):
    assert abs((there == color).mean() - 0.125) < 0.005


def test_the_clue_was_last_seen_so_long_ago(takes):
  clue = takes['clue']
  solid = tiles.pictures()[tiles.SOLID : tiles.SOLID + 4, 0]
  x, y = passage.CLUE
  for e in range(len(clue)):
    seen = []
    for t, (column, row, _) in enumerate(takes['pose'][e]):
      if abs(column - x) <= 2 and abs(row - y) <= 2:
        top, left = 8 * (y - row + 2), 8 * (x - column + 2)
        cell = takes['image'][e, t, top : top + 8, left : left + 8]
        np.testing.assert_array_equal(cell, solid[clue[e]])
        seen.append(t)
    assert seen[-1] == 154
    assert PLAN.length - 1 - seen[-1] == PLAN.width - 5


def test_the_reward_comes_with_the_last_frame(takes):
  assert (takes['reward'][:, :248] == 0).all()
  np.testing.assert_array_equal(takes['reward'][:, 248], takes['success'])
  assert (takes['terminal'] == (np.arange(250) == 249)).all()


def test_before_the_choice_two_colours_are_in_view(takes):
  for e, choice in enumerate(takes['choice']):
    frame = takes['image'][e, 247]
    for row, color in zip((0, 4), choice, strict=True):
      cell = frame[8 * row : 8 * row + 8, 16:24]
      assert (cell == tiles.COLORS[color]).all()


def test_the_row_of_the_video_is_drawn_as_in_the_video():
  row = ('...G..B.P....PB...YG..PYG.B.YP...PG..P.BGY.G.YGG.P..Y...B.BGYP.PG.G.'
         'GG...BP.GG..G.YB.BGG..G.B.....')  # fmt: skip
  colors = np.array([-1, *['GBPY.'.index(c) for c in row], -1])
  colors[colors == 4] = -1
  world = hallways.World(
    hallways.Map(jnp.int32(2), jnp.array([0, 2]), jnp.array(colors)),
    jnp.array([50, 4]), jnp.int32(0), jnp.int32(199),
  )  # fmt: skip
  frame = np.asarray(hallways.frame(PLAN, world)).reshape(5, 8, 5, 8, 3)
  middle = [tuple(frame[2, 4, i, 4]) for i in (0, 1, 3, 4)]
  black, (green, _, purple, _) = (0, 0, 0), tiles.COLORS
  want = {'.': black, 'G': green, 'P': purple}
  assert middle == [want[row[c - 1]] for c in (48, 49, 51, 52)]
  assert (frame[[1, 3]] == 100).all(), 'the hallway has walls'


def test_after_the_choice_nothing_happens():
  step = jax.jit(functools.partial(hallways.move, PLAN))
  world = jax.jit(functools.partial(hallways.start, PLAN))(KEYS[0])
  world = world._replace(position=jnp.array([98, 3]), heading=jnp.int32(3))
  for action in (2, 0, 1, 2):
    world = step(world, action)
    assert tuple(world.position) == (98, 3)
    assert world.heading == 3


@pytest.mark.parametrize('width', [9, 8, 101])
def test_a_width_that_cannot_be_is_explained(width):
  with pytest.raises(ValueError, match='even number.*change Hallway.width'):
    passage.named(f'width_{width}')


def test_other_names_are_no_hallways():
  assert passage.named('width_ten') is None
  with pytest.raises(ValueError, match='change DistractingMemory.hallway'):
    hallways.DistractingMemory('nowhere')


@pytest.fixture(scope='module')
def env():
  return brax.envs.get_environment('hallway', hallway=Hallway(10))


def test_the_environment_replays_an_episode(env):
  reset, step = jax.jit(env.reset), jax.jit(env.step)
  for key in KEYS[:4]:
    worlds, actions, _ = jax.jit(
      functools.partial(shuttle.play, env.hallway)
    )(key)
    first = state = reset(jax.random.split(key)[0])
    rewards = []
    for t, action in enumerate(actions[:-1]):
      assert not state.done
      np.testing.assert_array_equal(
        state.pipeline_state.position, worlds.position[t]
      )
      state = step(state, action)
      rewards.append(float(state.reward))
    assert state.done
    assert rewards[:-1] == [0] * (len(rewards) - 1)
    assert rewards[-1] == hallways.success(env.hallway, state.pipeline_state)
    assert jax.tree.structure(state) == jax.tree.structure(first)
  assert first.obs['image'].shape == env.observation_size['image']
  assert first.obs['image'].dtype == np.uint8
  assert env.action_size == 3


@pytest.mark.parametrize('noise', [0.1, 0.3])
def test_also_a_noisy_walk_ends_at_a_choice(noise):
  plan = PLAN._replace(action_noise=noise)
  _, _, _, won, chosen = played(plan, 1024)
  assert (chosen >= 0).mean() >= 0.99
  assert abs(won.mean() - 0.5) < 4 * 0.5 / np.sqrt(1024)
  assert plan.length > PLAN.length


def test_without_noise_and_movers_nothing_is_drawn(episodes):
  assert episodes[0].key is None
  assert episodes[0].movers is None


def test_movers_walk_in_the_hallway_and_change_nothing_else(takes):
  busy = filmed(PLAN._replace(movers=5))
  for name in ('action', 'reward', 'pose', 'clue', 'distractors'):
    np.testing.assert_array_equal(busy[name], takes[name])
  column = busy['mover_column']
  assert np.abs(np.diff(column, axis=1)).max() == 1
  assert column.min() >= passage.FIRST
  assert column.max() <= PLAN.last
  differs = (busy['image'] != takes['image']).any((2, 3, 4))
  near = (np.abs(column - busy['pose'][..., :1]) <= 2).any(-1)
  assert not (differs & ~near).any()
  assert differs[near].mean() > 0.3
