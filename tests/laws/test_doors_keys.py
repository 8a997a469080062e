"""Laws of Multi Doors Keys: dynamics and environment."""

import functools

import brax.envs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.worlds import corridor as corridors
from datasets.worlds import doors_keys, draws, errands

NAMES = [n for n in corridors.CORRIDORS if not n.endswith('_smoke')]
THREE = corridors.THREE
EPISODES = 48
KEYS = jax.random.split(jax.random.PRNGKey(7), EPISODES)


@functools.cache
def played(corridor):
  """Episodes of the script: worlds, actions, trial, in NumPy."""
  play = jax.jit(jax.vmap(functools.partial(errands.play, corridor)))
  return jax.tree.map(np.asarray, play(KEYS))


@functools.cache
def stumbled(corridor):
  """Episodes in which every other action is a random one."""

  @jax.jit
  @jax.vmap
  def play(key):
    world = doors_keys.start(corridor, key)
    bits = jax.random.bits(key, (corridor.length, 2))

    def step(carry, bits):
      world, script = carry
      script, action = errands.act(corridor, script, world)
      other = draws.below(bits[0], len(corridors.ACTIONS))
      action = jnp.where(draws.chance(bits[1], 0.5), other, action)
      trial = doors_keys.tries(corridor, world, action)
      ahead = doors_keys.move(corridor, world, action)
      return (ahead, script), (world, action, trial)

    carry = world, errands.start(corridor, key, world)
    return jax.lax.scan(step, carry, bits)[1]

  return jax.tree.map(np.asarray, play(KEYS))


@pytest.fixture(scope='module', params=NAMES)
def episodes(request):
  corridor = corridors.CORRIDORS[request.param]
  return corridor, *played(corridor)


def by_color(color, flags):
  """Returns how many flags [E, T, K] are set by colour: [E, T, C]."""
  return np.einsum('etk,etkc->etc', flags * 1, color[..., None] == np.arange(4))


def replayed(worlds, actions, episode):
  """Returns an episode's states and trials, from its actions and colours.

  Not by the arithmetic of the world: cell by cell, in a drawing of the map.
  """
  door = list(worlds.door_color[episode, 0])
  key = list(worlds.key_color[episode, 0])
  count = len(door)
  room, wall = '#' + '...#' * count, '#' + '#.##' * count
  lane = '#' + '.' * (4 * count - 1) + '#'
  rows = ['#' * len(lane), room, room, wall, lane, lane, lane, wall, room, room]
  free = {
    (x, y) for y, row in enumerate(rows) for x, c in enumerate(row) if c == '.'
  }
  doors = {(4 * k + 2, 3): k for k in range(count)}
  keys = {(4 * k + 2, 8): k for k in range(count)}
  here, heading = tuple(worlds.position[episode, 0]), worlds.heading[episode, 0]
  opened, held, states = set(), [], []
  for action in actions[episode]:
    name = corridors.ACTIONS[action]
    dx, dy = {0: (1, 0), 1: (0, 1), 2: (-1, 0), 3: (0, -1)}[int(heading)]
    ahead = here[0] + dx, here[1] + dy
    trial = doors.get(ahead, -1) if name == 'toggle' else -1
    states.append(
      [*here, heading, trial]
      + [k in opened for k in range(count)]
      + [k not in keys.values() for k in range(count)]
      + [held.count(c) for c in range(4)]
    )
    locked = ahead in doors and doors[ahead] not in opened
    if name == 'left':
      heading = {0: 3, 3: 2, 2: 1, 1: 0}[int(heading)]
    elif name == 'right':
      heading = {0: 1, 1: 2, 2: 3, 3: 0}[int(heading)]
    elif name == 'forward' and ahead in free - set(keys) and not locked:
      here = ahead
    elif name == 'pickup' and ahead in keys:
      held.append(key[keys.pop(ahead)])
    elif name == 'toggle' and locked and door[doors[ahead]] in held:
      opened.add(doors[ahead])
      held.remove(door[doors[ahead]])
  return np.array(states, int)


def as_played(worlds, trial, episode):
  return np.c_[
    worlds.position[episode],
    worlds.heading[episode],
    trial[episode],
    worlds.door_open[episode],
    worlds.key_taken[episode],
    worlds.inventory[episode],
  ]


def test_states_and_trials_follow_from_actions_and_colours(episodes):
  _, worlds, actions, trial = episodes
  for episode in range(EPISODES):
    expected = replayed(worlds, actions, episode)
    expected[-1, 3] = -1
    np.testing.assert_array_equal(as_played(worlds, trial, episode), expected)


@pytest.mark.parametrize('name', ['keys_3', 'keys_5_laptop'])
def test_also_when_every_other_action_is_random(name):
  worlds, actions, trial = stumbled(corridors.CORRIDORS[name])
  for episode in range(EPISODES):
    expected = replayed(worlds, actions, episode)
    np.testing.assert_array_equal(as_played(worlds, trial, episode), expected)
  if name == 'keys_3':
    assert worlds.position[..., 1].min() < 3, 'nobody was in a door room'
    assert worlds.position[..., 1].max() > 7, 'nobody was in a key room'


@pytest.mark.parametrize('play', [played, stumbled])
def test_a_key_in_hand_opens_one_door_of_its_colour(play):
  worlds, _, trial = play(THREE)
  taken = by_color(worlds.key_color, worlds.key_taken)
  opened = by_color(worlds.door_color, worlds.door_open)
  np.testing.assert_array_equal(worlds.inventory + opened, taken)
  assert worlds.inventory.min() >= 0
  opens = np.diff(worlds.door_open.astype(int), axis=1)
  assert opens.min() == 0, 'a door closed again'
  assert np.diff(worlds.key_taken.astype(int), axis=1).min() == 0
  episode, step, door = np.nonzero(opens)
  assert len(set(zip(episode, step, strict=True))) == len(episode) > 0
  np.testing.assert_array_equal(trial[episode, step], door)
  color = worlds.door_color[episode, step, door]
  assert worlds.inventory[episode, step, color].min() > 0


def test_keys_and_doors_have_the_same_colours(episodes):
  _, worlds, _, _ = episodes
  keys, doors = (np.sort(c[:, 0]) for c in worlds[1::-1])
  np.testing.assert_array_equal(keys, doors)
  assert (worlds.key_color != worlds.door_color).any()
  assert set(doors.ravel()) == set(range(4))


def test_squares_that_walk_about_change_nothing_but_the_middle_row():
  corridor = THREE._replace(movers=2)
  worlds, actions, trial = played(corridor)
  plain = played(THREE)
  np.testing.assert_array_equal(actions, plain[1])
  np.testing.assert_array_equal(trial, plain[2])
  for field in doors_keys.World._fields[:8]:
    np.testing.assert_array_equal(
      getattr(worlds, field), getattr(plain[0], field)
    )
  column = worlds.movers.column
  assert column.min() >= 1
  assert column.max() <= 4 * corridor.keys - 1
  assert np.abs(np.diff(column, axis=1)).max() == 1
  assert len(np.unique(column)) == 4 * corridor.keys - 1
  at = jax.tree.map(lambda x: jnp.asarray(x[0, 90]), worlds)
  grids = [
    np.asarray(doors_keys.grid(corridor, world))
    for world in (at, at._replace(movers=None))
  ]
  rows, columns = np.nonzero(grids[0] != grids[1])
  assert set(rows) == {corridors.MIDDLE}
  assert set(columns) == set(column[0, 90])


def test_an_action_goes_wrong_as_often_as_asked():
  corridor = THREE._replace(action_noise=0.2)
  start = jax.vmap(functools.partial(doors_keys.start, corridor))
  worlds = start(jax.random.split(KEYS[0], 4000))
  happens = functools.partial(doors_keys.happens, corridor)
  for meant in (0, 4):
    action = np.asarray(jax.vmap(happens, (0, None))(worlds, meant))
    share = np.bincount(action, minlength=5) / len(action)
    expected = np.full(5, 0.04) + 0.8 * (np.arange(5) == meant)
    np.testing.assert_allclose(share, expected, atol=0.02)


@pytest.fixture(scope='module')
def env():
  return brax.envs.get_environment('doors_keys', corridor='keys_3')


def test_the_environment_is_the_world_that_the_script_played(env):
  worlds, actions, _ = played(THREE)
  step, episode = jax.jit(env.step), 1
  state = first = jax.jit(env.reset)(jax.random.split(KEYS[episode])[0])
  frames = jax.jit(functools.partial(doors_keys.frame, THREE))
  assert isinstance(env, brax.envs.Env)
  assert env.action_size == len(corridors.ACTIONS)
  assert env.observation_size['image'] == first.obs['image'].shape
  assert first.obs['image'].dtype == np.uint8
  for t in range(THREE.length):
    now = jax.tree.map(lambda x: x[episode, t], worlds)  # noqa: B023
    jax.tree.map(np.testing.assert_array_equal, state.pipeline_state, now)
    np.testing.assert_array_equal(state.obs['image'], frames(now))
    before = worlds.door_open[episode, max(t - 1, 0)]
    assert state.reward == now.door_open.sum() - before.sum()
    assert state.done == (t == THREE.length - 1)
    assert jax.tree.structure(state) == jax.tree.structure(first)
    state = step(state, jnp.asarray(actions[episode, t]))
  same = jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype),
                      first, state)  # fmt: skip
  assert jax.tree.all(same)
  assert worlds.door_open[episode].any()


def test_many_environments_at_once_are_each_of_them(env):
  actions = played(THREE)[1][:3, :40]
  reset, step = jax.jit(env.reset), jax.jit(env.step)
  many = jax.jit(jax.vmap(env.reset))(KEYS[:3])
  steps = jax.jit(jax.vmap(env.step))
  for action in actions.T:
    many = steps(many, action)
  for i in range(3):
    one = reset(KEYS[i])
    for action in actions[i]:
      one = step(one, action)
    jax.tree.map(
      np.testing.assert_array_equal,
      one,
      jax.tree.map(lambda x: x[i], many),  # noqa: B023
    )


def test_an_unknown_corridor_is_explained():
  with pytest.raises(ValueError, match='change DoorsKeys.corridor'):
    doors_keys.DoorsKeys('keys_4')
