"""Laws of world models as environments: of brax, of time, of starts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from brax.envs import base
from brax.envs.wrappers import training

from tests import members
from wm.control import actions, environment, memory, remembering, resets

EPISODES, LENGTH, ACTIONS = 3, 6, members.ACTIONS
STEPS = np.array([[1, 4]] * EPISODES)
NAMES = ('s5', 'transformer_xl', 'rssm')


class Dial(base.Env):
  """A number that actions turn, shown as a grey level."""

  def reset(self, rng):
    return self._state(jax.random.randint(rng, (), 0, 8))

  def step(self, state, action):
    return self._state((state.pipeline_state + action) % 8)

  def _state(self, number):
    image = jnp.full((16, 16, 3), number * 30, jnp.uint8)
    return base.State(
      number, {'image': image}, (number == 0) * 1.0, (number == 7) * 1.0
    )

  observation_size = {'image': (16, 16, 3)}
  action_size = ACTIONS
  backend = 'dial'


def episodes():
  """Returns a batch of the dial's episodes and its true states."""
  env = Dial()
  actions = jax.random.randint(
    jax.random.key(0), (EPISODES, LENGTH - 1), 0, ACTIONS
  )

  def play(key, actions):
    first = env.reset(key)

    def step(state, action):
      state = env.step(state, action)
      return state, state

    _, rest = jax.lax.scan(step, first, actions)
    return jax.tree.map(lambda x, y: jnp.r_[x[None], y], first, rest)

  keys = jax.random.split(jax.random.PRNGKey(1), EPISODES)
  states = jax.vmap(play)(keys, actions)
  taken = jax.nn.one_hot(actions, ACTIONS)
  before = jnp.pad(taken, ((0, 0), (1, 0), (0, 0)))
  return {'image': states.obs['image'], 'prev_action': before}, states


@pytest.fixture(scope='module', params=NAMES)
def learned(request):
  model = members.world_model(request.param)
  batch, states = episodes()
  params = jax.jit(model.init)(jax.random.key(0), batch)
  seen = jax.jit(memory.starts, static_argnums=0)(
    model, params, jax.random.key(2), batch, STEPS
  )
  rows = np.arange(EPISODES)[:, None], STEPS
  world = jax.tree.map(
    lambda x: x[rows].reshape(-1, *x.shape[2:]), states
  )
  return model, params, seen._replace(world=world)


@pytest.fixture(scope='module')
def imagined(learned):
  return environment.Imagined(*learned, memory.one_hot(ACTIONS), ACTIONS)


@pytest.fixture(scope='module')
def acting(learned):
  return remembering.Remembering(Dial(), *learned, memory.one_hot(ACTIONS))


@pytest.fixture(scope='module', params=['imagined', 'acting'])
def env(request, imagined, acting):
  return {'imagined': imagined, 'acting': acting}[request.param]


def close(a, b, tolerance=2e-4):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(
      x, y, rtol=tolerance, atol=tolerance
    ),
    a,
    b,
  )


def test_shapes_stay_as_they_are(env):
  state = jax.jit(env.reset)(jax.random.PRNGKey(0))
  after = jax.jit(env.step)(state, 1)
  assert state.obs.shape == (env.observation_size,)
  assert env.action_size == ACTIONS
  same = jax.tree.map(
    lambda x, y: (jnp.shape(x), jnp.result_type(x)) ==
    (jnp.shape(y), jnp.result_type(y)), state, after
  )
  assert all(jax.tree.leaves(same))


def test_a_batch_is_many_environments(env):
  keys = jax.random.split(jax.random.PRNGKey(0), 4)
  many = training.VmapWrapper(env)
  states = jax.jit(many.reset)(keys)
  after = jax.jit(many.step)(states, jnp.array([0, 1, 2, 1]))
  reset, step = jax.jit(env.reset), jax.jit(env.step)
  for row in range(4):
    one = reset(keys[row])
    close(jax.tree.map(lambda x, i=row: x[i], states), one)
    one = step(one, jnp.array([0, 1, 2, 1])[row])
    close(jax.tree.map(lambda x, i=row: x[i], after), one)


def test_an_episode_starts_where_a_real_one_was(env, learned):
  _, _, starts = learned
  known = np.concatenate([starts.h, starts.z], -1)
  keys = jax.random.split(jax.random.PRNGKey(3), 64)
  seen = jax.jit(jax.vmap(env.reset))(keys).obs
  which = {int(np.abs(known - x).sum(-1).argmin()) for x in np.asarray(seen)}
  assert which == set(range(len(known)))
  far = np.abs(known[None] - np.asarray(seen)[:, None]).max(-1).min(1)
  assert far.max() < 1e-6


def test_an_imagined_step_is_the_models(imagined, learned):
  model, params, _ = learned
  state = jax.jit(imagined.reset)(jax.random.PRNGKey(1))
  at = state.pipeline_state
  after = jax.jit(imagined.step)(state, 2)

  @jax.jit
  def imagine(params, at):
    vector = jax.nn.one_hot(jnp.array([2]), ACTIONS)
    ready = model.prepare(params)
    want, rollout = model.step(ready, at.key, at.state, vector)
    return want, rollout, model.predict(params, rollout)['reward'][0]

  want, rollout, reward = imagine(params, at)
  close(after.pipeline_state.state, want)
  close(after.obs, jnp.concatenate([rollout.h, rollout.z], -1)[0])
  close(after.reward, reward)


def test_acting_in_the_world_is_observing_it(acting, learned):
  model, params, _ = learned
  state = jax.jit(acting.reset)(jax.random.PRNGKey(1))
  at, world = state.pipeline_state
  frames, step = [], jax.jit(acting.step)
  actions = [2, 1, 1]
  for action in actions:
    state = step(state, action)
    world = Dial().step(world, action)
    frames.append(world.obs['image'])
    assert state.reward == world.reward
    assert state.done == world.done
  batch = {
    'image': jnp.stack(frames)[None],
    'prev_action': jax.nn.one_hot(jnp.array([actions]), ACTIONS),
  }
  end, rollout = jax.jit(model.observe)(params, at.key, at.state, batch)
  got, _ = state.pipeline_state
  close(got.state, end)
  close(state.obs, jnp.concatenate([rollout.h, rollout.z], -1)[0, -1])


def test_an_episode_that_is_over_starts_anew_elsewhere(acting, learned):
  _, _, starts = learned
  many = resets.batched(acting, episode_length=2)
  state = jax.jit(many.reset)(jax.random.split(jax.random.PRNGKey(0), 16))
  step, begun = jax.jit(many.step), []
  for _ in range(8):
    state = step(state, jnp.ones(16, jnp.int32))
    over = np.asarray(state.done) == 1
    known = np.concatenate([starts.h, starts.z], -1)
    near = np.abs(known[None] - np.asarray(state.obs)[:, None]).max(-1)
    assert near.min(1)[over].max(initial=0) < 1e-6
    begun += near.argmin(1)[over].tolist()
    assert (state.info['steps'] <= 2).all()
  assert len(begun) >= 64
  assert len(set(begun)) == len(starts.h)


def test_random_actions_are_of_their_kind():
  keys = jax.random.split(jax.random.PRNGKey(0), 500)
  numbers, forces = actions.integers(3), actions.vectors(2)
  drawn = jax.vmap(numbers.draw)(keys)
  assert set(np.asarray(drawn)) == {0, 1, 2}
  np.testing.assert_array_equal(numbers.vector(drawn), np.eye(3)[drawn])
  drawn = jax.vmap(forces.draw)(keys)
  assert drawn.shape == (500, 2)
  assert -1 <= drawn.min() < -0.9 < 0.9 < drawn.max() <= 1
  np.testing.assert_array_equal(forces.vector(drawn), drawn)


def test_a_model_without_rewards_is_explained(learned):
  model, params, starts = learned
  blind = model._replace(
    predict=lambda params, rollout: {'image': rollout.h}
  )
  with pytest.raises(ValueError, match=r'knows no reward.*world_model\.heads'):
    environment.Imagined(blind, params, starts, memory.one_hot(3), 3)
  with pytest.raises(ValueError, match=r'true states.*Starts\.world'):
    remembering.Remembering(
      Dial(), model, params, starts._replace(world=None), memory.one_hot(3)
    )
