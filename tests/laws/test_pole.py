"""Laws of the balanced pole: its physics, its script, its data set."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import datasets
from datasets import catalogue
from datasets.worlds import balance, pole

NAME, STEPS = 'brax_states/inverted_pendulum', 40


@pytest.fixture(scope='module')
def env():
  return pole.Pole(balance.Balance(5, STEPS - 4))


@pytest.fixture(scope='module')
def play(env):
  """Returns `(key, gain[4], push) -> states` of all steps."""

  @jax.jit
  def play(key, gain, push):
    def step(state, _):
      action = jnp.clip(state.obs['state'] @ gain + push, -1, 1)
      state = env.step(state, action[None])
      return state, state

    first = env.reset(key)
    return first, jax.lax.scan(step, first, None, STEPS)[1]

  return play


@pytest.fixture(scope='module')
def episodes(tmp_path_factory):
  folder = str(tmp_path_factory.mktemp('data'))
  return datasets.load(NAME, 'train', 'smoke', data_dir=folder)


def test_a_state_keeps_its_structure(play):
  first, rest = play(jax.random.PRNGKey(0), np.zeros(4), 0.0)
  same = jax.tree.map(
    lambda x, y: (x.shape, x.dtype) == (y.shape[1:], y.dtype), first, rest
  )
  assert all(jax.tree.leaves(same))


def test_the_scripts_mean_gains_balance(play):
  for seed in range(4):
    gain = np.array(balance.GAINS)
    _, rest = play(jax.random.PRNGKey(seed), gain, 0.0)
    assert (rest.reward == 1).all()
    assert np.abs(rest.obs['state'][:, 1]).max() < 0.02
    np.testing.assert_array_equal(rest.done, np.arange(STEPS) == STEPS - 1)
    np.testing.assert_array_equal(rest.info['truncation'], rest.done)


def test_a_fallen_pole_stays_and_pays_nothing(play):
  _, rest = play(jax.random.PRNGKey(0), np.zeros(4), 1.0)
  fallen = np.abs(rest.obs['state'][:, 1]) > balance.LEAN
  at = int(np.argmax(fallen))
  assert 0 < at < 10
  assert fallen[at:].all()
  np.testing.assert_array_equal(rest.reward, ~fallen)
  np.testing.assert_array_equal(rest.done, fallen)
  assert not rest.info['truncation'].any()
  later = rest.obs['state'][at:]
  np.testing.assert_array_equal(later, np.broadcast_to(later[0], later.shape))


def test_a_pole_falls_to_the_side_that_its_cart_leaves(play):
  _, rest = play(jax.random.PRNGKey(0), np.zeros(4), 0.3)
  position, angle, velocity, turn = rest.obs['state'][2]
  assert position > 0 < velocity
  assert angle < 0 > turn


def test_actions_of_a_record_bring_its_states_about(episodes):
  env = catalogue.environment(NAME, 'smoke')
  step = jax.jit(env.step)
  episode = episodes[0]
  state = jax.jit(env.reset)(catalogue.start_key(NAME, 'train', 0, 'smoke'))
  for t, action in enumerate(episode['action']):
    np.testing.assert_allclose(
      state.obs['state'], episode['observation']['state'][t], atol=1e-3
    )
    if t < len(episode['action']) - 1:
      state = step(state, action)
      assert state.reward == episode['reward'][t]


def test_some_poles_of_the_data_fall_and_some_stand(episodes):
  ends = {bool(episode['is_terminal'][-1]) for episode in episodes}
  assert ends == {False, True}
  for episode in episodes:
    fell = np.abs(episode['observation']['state'][:, 1]) > balance.LEAN
    np.testing.assert_array_equal(episode['discount'][:-1], ~fell[1:])
    assert episode['is_terminal'][-1] == fell[-1]
    assert (episode['oracle']['gain'] <= 2 * np.array(balance.GAINS)).all()
