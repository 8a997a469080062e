"""Laws of policies in true worlds: where they begin, what they bring in."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brax.envs import base

from datasets import catalogue
from datasets.worlds import hallway
from experiments import acting, beginnings, collect
from tests import clue
from wm.backbones import views
from wm.control import actions, memory, remembering
from wm.data.task import Task
from wm.types import Rollout, State, WorldModel

VECTOR = memory.one_hot(clue.CLUES)
OVER = 4
"""The start of a clue's episode that is over."""


class PaysOn(clue.Clue):
  """The clue's world; after its end, all actions are paid."""

  def step(self, state, action):
    after = super().step(state, action)
    late = after.pipeline_state[1] > clue.LENGTH
    return after.replace(reward=jnp.where(late, 1.0, after.reward))


@pytest.fixture(scope='module')
def clues():
  """Returns starts with all clues, one of them over, and the world."""
  starts = clue.starts(9, 1)
  done = starts.world.done.at[OVER].set(1)
  starts = starts._replace(world=starts.world.replace(done=done))
  shown = np.asarray(starts.z).argmax(-1)
  assert set(shown) == set(range(clue.CLUES))
  return shown, remembering.Remembering(
    PaysOn(), clue.model(), (), starts, VECTOR
  )


def answer(late):
  """Returns the policy that is so far beside the clue that it remembers."""
  return lambda obs, key: (
    (jnp.argmax(obs[-clue.CLUES :]) + late) % clue.CLUES,
    {},
  )


def test_a_return_is_that_of_the_episode_of_that_number(clues):
  shown, env = clues
  numbers = np.array([7, 2, OVER, 8, 0, 2])
  keys = jax.random.split(jax.random.PRNGKey(0), len(numbers))
  judge = acting.judge(env, clue.LENGTH + 2)
  goes_on = numbers != OVER
  np.testing.assert_array_equal(judge(answer(0), numbers, keys), goes_on)
  np.testing.assert_array_equal(judge(answer(1), numbers, keys), 0 * numbers)
  one = int(shown[7])
  np.testing.assert_array_equal(
    judge(lambda obs, key: (jnp.int32(one), {}), numbers, keys),
    goes_on & (shown[numbers] == one),
  )


def test_steps_beyond_the_horizon_bring_nothing_in(clues):
  _, env = clues
  keys = jax.random.split(jax.random.PRNGKey(0), 3)
  judge = acting.judge(env, clue.LENGTH - 1)
  assert not judge(answer(0), np.arange(3), keys).any()


def test_an_episode_is_judged_alike_in_any_company(clues):
  _, env = clues
  draws = acting.random(actions.integers(clue.CLUES))
  judge = acting.judge(env, clue.LENGTH)
  numbers = np.tile(np.delete(np.arange(9), OVER), 4)
  keys = jax.random.split(jax.random.PRNGKey(3), len(numbers))
  order = np.random.default_rng(0).permutation(len(numbers))
  both = np.r_[np.arange(len(numbers)), order]
  found, again = np.split(judge(draws, numbers[both], keys[both]), 2)
  assert found.reshape(4, -1).std(0).any(), 'keys of one episode draw alike'
  np.testing.assert_array_equal(again, found[order])


def test_a_script_brings_in_what_follows_the_last_frame_of_the_context():
  episodes = [{'reward': 100 * n + np.arange(10.0)} for n in range(4)]
  got = acting.scripted(episodes, np.array([3, 0, 2]), context=4, horizon=5)
  steps = 3 + 4 + 5 + 6 + 7
  np.testing.assert_array_equal(got, [1500 + steps, steps, 1000 + steps])
  rest = acting.scripted(episodes, np.array([1]), context=4, horizon=6)
  np.testing.assert_array_equal(rest, [600 + steps + 8])


class Numbered(base.Env):
  """A world that shows its number and the time; some are over at time 2."""

  def reset(self, rng):
    return self._state(rng, jnp.int32(0))

  def step(self, state, action):
    del action
    number, time = state.pipeline_state
    return self._state(number, time + 1)

  def _state(self, number, time):
    image = (20 * number + time).astype(jnp.uint8).reshape(1, 1, 1)
    over = (number % 3 == 1) & (time >= 2)
    return base.State(
      (number, time), {'image': image}, jnp.zeros(()), over * 1.0
    )

  observation_size = {'image': (1, 1, 1)}
  action_size = 2
  backend = 'numbered'


def watcher():
  """Returns a model whose memory is the frame that it sees, and the time."""

  def observe(params, key, state, batch, steps):
    del params, key, state
    image = jnp.asarray(batch['image'], jnp.float32)[..., 0, 0, 0]
    time = jnp.broadcast_to(jnp.arange(image.shape[1]), image.shape)
    h = jnp.stack([image, time], -1)
    last = views.pick(h, jnp.asarray(steps)).reshape(-1, 2)
    rollout = Rollout(h, 2 * h, None, None)
    return State(last[:, 0], 2 * last, jnp.int32(image.shape[1])), rollout

  return hand_made(observe=observe)


def hand_made(**parts):
  nothing = dict.fromkeys(WorldModel._fields)
  return WorldModel(**nothing | {'prepare': lambda params: params} | parts)


def test_memory_and_world_at_a_start_are_of_its_episode():
  count, length, context = 7, 6, 3
  episodes = [
    {
      'observation': {
        'image': np.uint8(20 * n + np.arange(length)).reshape(-1, 1, 1, 1)
      },
      'action': np.zeros(length, np.int32),
      'is_first': np.arange(length) == 0,
    }
    for n in range(count + 1)
  ]
  numbers, starts = beginnings.true_starts(
    Task({'num_actions': 2}, lambda split: episodes, watcher()),
    (),
    Numbered(),
    lambda split, number: jnp.int32(number),
    'test',
    count=count,
    context=context,
    batch=3,
    seed=0,
  )
  np.testing.assert_array_equal(numbers, [0, 2, 3, 5, 6])
  at, time = starts.world.pipeline_state
  np.testing.assert_array_equal(at, numbers)
  np.testing.assert_array_equal(time, context - 1)
  seen = np.stack([20 * numbers + context - 1, 0 * numbers + context - 1], -1)
  np.testing.assert_array_equal(starts.h, seen)
  np.testing.assert_array_equal(starts.z, 2 * seen)
  np.testing.assert_array_equal(starts.carry, seen[:, 0])
  assert starts.t == length


HALLWAY, CONTEXT = 'distracting_memory/width_100', 3
LEFT, FORWARD = hallway.LEFT, hallway.FORWARD


def counter():
  """Returns a model whose memory is an episode's number and the time."""

  def see(ready, key, state, row):
    del ready, key, row
    h = state.carry + jnp.array([0.0, 1.0])
    return state._replace(carry=h), Rollout(h, state.z, None, None)

  return hand_made(see=see)


@pytest.fixture(scope='module')
def acted():
  """Episodes of a hallway as the script has them, and as they are acted.

  Three are acted like that; of the others, one makes its choice at once, one
  never, and one is a step late.
  """
  builder, config = catalogue.find(HALLWAY, 'smoke')
  source = builder.maker(config, 'train', 6)(0)
  env, length = builder.environment(config), config.length
  table = np.array([episode['action'] for episode in source])
  table[3, CONTEXT - 1 :] = LEFT
  table[3, [2, 3, 5]] = FORWARD  # It turns at the junction, in step 4.
  table[4, CONTEXT - 1 :] = LEFT
  table[5, CONTEXT:-1] = table[5, CONTEXT - 1 : -2]
  key = functools.partial(catalogue.start_key, HALLWAY, scale='smoke')
  world = beginnings.worlds(env, source, key, CONTEXT, len(source), 'train')
  at = jnp.stack([jnp.arange(6.0), jnp.full(6, CONTEXT - 1.0)], -1)
  starts = memory.Starts(at, jnp.zeros((6, 1)), at, jnp.int32(1), world)

  def policy(obs, key):
    number, time = obs[:2].astype(jnp.int32)
    return jnp.asarray(table)[number, time], {}

  remembered = remembering.Remembering(
    env, counter(), (), starts, memory.one_hot(3)
  )
  film = acting.film(remembered, policy, length - CONTEXT)
  order = np.array([2, 0, 5, 1, 4, 3])
  keys = jax.random.split(jax.random.PRNGKey(0), len(order))
  shot = jax.device_get(film(order, keys))
  records = [
    collect._record(source[number], CONTEXT, shot, row)
    for row, number in enumerate(order)
  ]
  return source, [records[row] for row in np.argsort(order)], table


def test_who_acts_like_the_script_leaves_its_record(acted):
  source, records, _ = acted
  assert {float(x['reward'].sum()) for x in source[:3]} == {0, 1}
  for script, record in zip(source[:3], records[:3], strict=True):
    assert script['is_terminal'][-1], 'the choice falls on the last frame'
    jax.tree.map(np.testing.assert_array_equal, record, collect._told(script))


def test_a_record_replayed_in_the_world_is_as_it_was(acted):
  _, records, table = acted
  env = catalogue.environment(HALLWAY, 'smoke')

  @jax.jit
  @jax.vmap
  def replay(key, actions):
    def step(state, action):
      state = env.step(state, action)
      world = state.pipeline_state
      chosen = hallway.chosen(env.hallway, world) >= 0
      return state, (state.obs['image'], state.reward, chosen)

    return jax.lax.scan(step, env.reset(key), actions)[1]

  keys = [catalogue.start_key(HALLWAY, 'train', n, 'smoke') for n in range(6)]
  image, reward, over = map(np.asarray, replay(jnp.stack(keys), table[:, :-1]))
  lengths = [len(record['action']) for record in records]
  assert lengths == [25, 25, 25, 7, 25, 25]
  ends = [record['is_terminal'][-1] for record in records]
  assert ends == [True, True, True, True, False, False]
  for n, (record, steps) in enumerate(zip(records, lengths, strict=True)):
    last = np.arange(steps) == steps - 1
    for field, want in {
      'action': np.where(last, 0, table[n, :steps]),
      'reward': np.append(reward[n, : steps - 1], 0),
      'discount': 1.0 - np.append(over[n, : steps - 1], False),
      'is_terminal': last & over[n, steps - 2],
      'is_last': last,
    }.items():
      np.testing.assert_array_equal(record[field], want, err_msg=field)
    np.testing.assert_array_equal(
      record['observation']['image'][1:], image[n, : steps - 1]
    )


@pytest.mark.parametrize(
  'name',
  ['rooms/two_rooms', 'multi_doors_keys/keys_3', 'memory_maze/jax_9x9'],
)
def test_what_time_alone_ends_is_cut_off(name):
  _, config = catalogue.find(name, 'smoke')
  env = catalogue.environment(name, 'smoke')

  @jax.jit
  def play(key):
    def step(state, action):
      state = env.step(state, action)
      return state, (state.done, state.info['truncation'])

    turns = jnp.zeros(config.length - 1, jnp.int32)
    return jax.lax.scan(step, env.reset(key), turns)[1]

  for flags in play(jax.random.PRNGKey(0)):
    last = np.arange(config.length - 1) == config.length - 2
    np.testing.assert_array_equal(flags, last)
