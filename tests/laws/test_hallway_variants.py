"""Laws of Distracting Memory: what blocks, records, maps and noisy variants."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import datasets
from datasets.distracting_memory import DistractingMemory
from datasets.worlds import hallway as hallways
from datasets.worlds import passage, shuttle, tiles
from datasets.worlds.passage import Hallway

SMALL = Hallway(10)
VARIANTS = {
  'plain': SMALL,
  'noise and movers': SMALL._replace(action_noise=0.2, movers=2),
}
KEYS = jax.random.split(jax.random.PRNGKey(5), 64)


@pytest.fixture(scope='module')
def stray():
  """Walks of random actions from anywhere on the row: worlds, [E, T]."""

  @jax.jit
  @jax.vmap
  def walk(key):
    world = hallways.start(SMALL, key)
    column = jax.random.randint(key, (), 1, SMALL.width - 1)
    world = world._replace(position=world.position.at[0].set(column))
    actions = jax.random.randint(key, (200,), 0, 3)

    def step(world, action):
      return hallways.move(SMALL, world, action), world

    return jax.lax.scan(step, world, actions)[1]

  return jax.tree.map(np.asarray, walk(KEYS))


def test_walls_clue_and_choices_block_and_distractors_do_not(stray):
  visited = np.zeros((passage.HEIGHT, SMALL.width), bool)
  x, y = np.moveaxis(stray.position, -1, 0)
  visited[y, x] = True
  reachable = passage.walls(SMALL) == tiles.EMPTY
  reachable[[1, 2, 6, 7], :7] = False
  reachable[[1, 2, 6, 7], SMALL.junction] = False
  reachable[passage.CLUE[::-1]] = False
  np.testing.assert_array_equal(visited, reachable)
  under = np.take_along_axis(stray.map.distractors, x[..., None], -1)[..., 0]
  assert ((under >= 0) & (y == passage.MIDDLE)).any()


def test_a_choice_is_for_good(stray):
  x, y = np.moveaxis(stray.position, -1, 0)
  at = (x == SMALL.junction) & (y != passage.MIDDLE)
  assert (at[:, 1:] >= at[:, :-1]).all()
  assert at[:, -1].any()
  pose = np.concatenate([stray.position, stray.heading[..., None]], -1)
  assert (pose[:, 1:] == pose[:, :-1])[at[:, :-1]].all()


def test_the_agent_hides_the_square_that_it_walks_over():
  film = jax.jit(functools.partial(shuttle.film, SMALL))
  hidden, bare = 0, tiles.pictures()[tiles.EMPTY]
  for take in (jax.tree.map(np.asarray, film(key)) for key in KEYS[:4]):
    for image, (x, _, heading) in zip(take['image'], take['pose'], strict=True):
      hidden += take['distractors'][x] >= 0
      np.testing.assert_array_equal(image[16:24, 16:24], bare[1 + heading])
  assert hidden > 10


@pytest.mark.parametrize('variant', VARIANTS)
def test_the_environment_does_what_the_script_saw(variant):
  plan, key = VARIANTS[variant], KEYS[0]
  env = hallways.DistractingMemory(plan)
  take = jax.jit(functools.partial(shuttle.film, plan))(key)

  @jax.jit
  def replay(key, actions):
    def step(state, action):
      after = env.step(state, action)
      seen = state.obs['image'], after.reward, after.done
      return after, seen

    return jax.lax.scan(step, env.reset(jax.random.split(key)[0]), actions)[1]

  image, reward, done = replay(key, take['action'])
  np.testing.assert_array_equal(image, take['image'])
  np.testing.assert_array_equal(reward[:-1], take['reward'][:-1])
  assert np.sum(reward) == take['success']
  x, y, _ = np.asarray(take['pose'][1:]).T
  chosen = (x == plan.junction) & (y != passage.MIDDLE)
  np.testing.assert_array_equal(done[:-2], chosen[:-1])
  assert done[-2]


def test_noise_replaces_two_thirds_of_its_share_of_actions():
  plan = Hallway(100, action_noise=0.3)
  move = functools.partial(hallways.move, plan)

  @jax.jit
  @jax.vmap
  def turned(key):
    world = hallways.start(plan, key)
    return move(world, jnp.int32(hallways.FORWARD)).heading != 0

  share = np.mean(turned(jax.random.split(KEYS[0], 8192)))
  assert abs(share - 0.2) < 4 * 0.4 / np.sqrt(8192)


@pytest.mark.parametrize('cause', ['action_noise', 'stray'])
def test_slips_leave_the_split_where_it_was(cause):
  plan = Hallway(100, **{cause: 0.1})
  play = jax.jit(jax.vmap(functools.partial(shuttle.play, plan)))
  x = np.asarray(play(KEYS)[0].position)[..., 0]
  seen = (x[:, : plan.context] <= 5).any(1)
  assert seen.all(), 'the clue is not in the context'
  assert abs(x[:, plan.context].mean() - 50) < 6
  ended = x[:, plan.context] == plan.junction
  assert not ended.any(), 'the choice is not in the query'


def test_a_script_that_strays_says_what_it_did():
  plan = SMALL._replace(stray=0.3)
  play = jax.jit(jax.vmap(functools.partial(shuttle.play, plan)))
  worlds, action, _ = play(KEYS)
  move = jax.jit(jax.vmap(functools.partial(hallways.move, SMALL)))
  frozen = worlds._replace(map=None)
  for t in range(plan.length - 1):
    now, after = (
      jax.tree.map(lambda x, s=s: x[:, s], frozen)._replace(map=worlds.map)
      for s in (t, t + 1)
    )
    jax.tree.map(np.testing.assert_array_equal, move(now, action[:, t]), after)
  straight = jax.jit(jax.vmap(functools.partial(shuttle.play, SMALL)))
  assert np.any(straight(KEYS)[1][:, 1:9] != action[:, 1:9])


def episode_of(name):
  config = DistractingMemory.get_builder_config(name)
  make = DistractingMemory.maker(config, 'train', 2)
  return config, make(0)[1]


def test_an_episode_ends_with_its_choice():
  config, episode = episode_of('width_100_smoke')
  last = np.arange(config.length) == config.length - 1
  np.testing.assert_array_equal(episode['is_terminal'], last)
  np.testing.assert_array_equal(episode['discount'], 1 - np.roll(last, -1))
  assert episode['reward'].sum() == episode['oracle']['success']


def test_also_an_early_choice_ends_an_episode():
  found = DistractingMemory.get_builder_config('width_100_smoke+stray-0.2')
  episodes = DistractingMemory.maker(found, 'train', 16)(0)
  pose = np.stack([x['oracle']['pose'] for x in episodes])
  chosen = (pose[..., 0] == SMALL.junction) & (pose[..., 1] != passage.MIDDLE)
  discount = np.stack([x['discount'] for x in episodes])
  np.testing.assert_array_equal(discount[:, :-1], ~chosen[:, 1:])
  assert chosen[:, -5].any(), 'none is early'


def test_a_map_tells_how_long_ago_the_clue_was_seen():
  config, episode = episode_of('width_60+movers-2')
  map_ = DistractingMemory.chart(config, episode)
  color = tiles.NAMES[episode['oracle']['clue']]
  assert map_.cue[0] == 'clue not seen yet'
  assert map_.cue[89] == f'clue {color}, in view'
  assert map_.cue[-1] == f'clue {color}, last seen 55 steps ago'
  x, y = 8 * np.array(passage.CLUE)
  first = map_.cue.index(f'clue {color}, in view')
  assert (map_.seen[y : y + 8, x : x + 8] == first).all()
  assert map_.seen.min() == 0
  assert map_.seen.max() == config.length, 'what is far was never in view'
  for t in (0, 40):
    picture = map_.draw(t)
    assert picture.shape == (*map_.seen.shape, 3) == (72, 480, 3)
    cell = picture[y : y + 8, x : x + 8]
    assert (cell == tiles.COLORS[tiles.NAMES.index(color)]).all()
    for column, c in zip(
      episode['oracle']['mover_column'][t],
      episode['oracle']['mover_color'],
      strict=True,
    ):
      there = picture[36, 8 * column + 4]
      same = episode['oracle']['mover_column'][t] == column
      assert (there == tiles.COLORS[c]).all() or same.sum() > 1
  np.testing.assert_array_equal(map_.path[0], [8 * 29 + 4, 36])


def test_any_even_width_has_a_name():
  about = datasets.describe('distracting_memory/width_60')
  assert (about['context'], about['query']) == (119, 31)
  assert about['splits'] == {'train': 8000, 'val': 1000, 'test': 1000}
  small = datasets.describe('distracting_memory/width_60', 'laptop')
  assert small['length'] == about['length'] == 150
  assert small['splits']['test'] == 1000
  smoke = datasets.describe('distracting_memory/width_60', 'smoke')
  assert (smoke['context'], smoke['query']) == (19, 6)
  with pytest.raises(ValueError, match='got 61, need an even number'):
    datasets.describe('distracting_memory/width_61')
