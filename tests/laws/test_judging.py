"""Laws of judging a world model, on one whose errors are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import judging
from wm import types
from wm.metrics import image_mse

EPISODES, LENGTH, CONTEXT = 6, 5, 2


def model(observe, imagine):
  """A model of grey frames: a rollout is their brightness, `[B, T]`."""

  def predict(params, rollout):
    del params
    return {'image': jnp.broadcast_to(grey(rollout), (*rollout.shape, 4, 4, 3))}

  unused = dict.fromkeys(types.WorldModel._fields)
  return types.WorldModel(
    **{**unused, 'observe': observe, 'imagine': imagine, 'predict': predict}
  )


def grey(brightness):
  return brightness[..., None, None, None]


def blind():
  """A model that sees and imagines black frames."""

  def observe(params, key, state, batch):
    del params, key
    return state, jnp.zeros(batch['mask'].shape)

  def imagine(params, key, state, actions):
    del params, key
    return state, jnp.zeros(actions.shape[:2])

  return model(observe, imagine)


@pytest.fixture(scope='module')
def batches():
  draw = np.random.default_rng(0)
  shape = EPISODES, LENGTH
  image = draw.integers(256, size=(*shape, 4, 4, 3), dtype=np.uint8)
  return [
    {
      'image': image,
      'prev_action': np.zeros((*shape, 2), np.float32),
      'mask': np.ones(shape, np.float32),
    }
  ]


def judge(batches, samples):
  metrics = {'image': image_mse.image_mse()}
  return judging.judge(blind(), {}, batches, CONTEXT, metrics, samples, 0)


def test_futures_of_a_context_are_not_more_episodes(batches):
  once, often = (judge(batches, samples) for samples in (1, 16))
  one, other = (j.curves['generation_mse_by_step'] for j in (once, often))
  np.testing.assert_allclose(other['mean'], one['mean'], rtol=1e-5)
  few = np.sqrt((EPISODES - 1) / EPISODES)
  ratio = np.divide(other['stderr'], one['stderr'])
  assert (few < ratio).all()
  assert (ratio < 1.01).all()


def test_errors_are_those_of_numpy(batches):
  (rows,) = batches
  error = np.square(rows['image'] / 255).sum((2, 3, 4))
  numbers = judge(batches, 1).numbers
  assert numbers['reconstruction_mse'] == pytest.approx(error.mean(), 1e-5)
  found = numbers['generation_mse']
  assert found == pytest.approx(error[:, CONTEXT:].mean(), 1e-5)


def counter():
  """A model that remembers the last number it saw and adds actions to it."""

  def observe(params, key, state, batch):
    del params, key, state
    seen = batch['image'][..., 0, 0, 0] / 255
    return seen[:, -1], seen

  def imagine(params, key, state, actions):
    del params, key
    return state, state[:, None] + jnp.cumsum(actions[..., 0], 1) / 255

  return model(observe, imagine)


@pytest.fixture(scope='module')
def counted():
  """Frames that are numbers, to which each action adds one."""
  draw = np.random.default_rng(1)
  action = draw.integers(1, 9, (EPISODES, LENGTH, 1)).astype(np.float32)
  number = np.cumsum(action[..., 0], 1).astype(np.uint8)
  image = np.broadcast_to(grey(number), (EPISODES, LENGTH, 4, 4, 3))
  mask = np.ones((EPISODES, LENGTH), np.float32)
  return {'image': image, 'prev_action': action, 'mask': mask}


def error_of(rows):
  metrics = {'image': image_mse.image_mse()}
  found = judging.judge(counter(), {}, [rows], CONTEXT, metrics, 1, 0)
  assert found.numbers['reconstruction_mse'] == pytest.approx(0, abs=1e-9)
  return found.numbers['generation_mse']


def test_a_frame_is_imagined_from_the_action_that_leads_to_it(counted):
  assert error_of(counted) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize('shift', [-1, 1])
def test_actions_of_other_steps_lead_elsewhere(counted, shift):
  rolled = np.roll(counted['prev_action'], shift, axis=1)
  assert error_of({**counted, 'prev_action': rolled}) > 1e-3


def test_baselines_know_the_context_alone(batches):
  (rows,) = batches
  image = rows['image'] / 255
  before, after = image[:, :CONTEXT], image[:, CONTEXT:]
  numbers = judge(batches, 1).numbers
  for name, guess in (
    ('last', before[:, -1:]), ('mean', before.mean(1, keepdims=True))
  ):  # fmt: skip
    error = np.square(after - guess).sum((2, 3, 4)).mean()
    found = numbers[f'baseline_{name}_frame_mse']
    assert found == pytest.approx(error, 1e-5)


def test_the_best_and_the_mean_of_futures_are_those_of_numpy(batches):
  drawn = []

  def observe(params, key, state, batch):
    del params, key, state
    return 0, jnp.zeros(batch['mask'].shape)

  def imagine(params, key, state, actions):
    del params
    future = jax.random.uniform(key, actions.shape[:2])
    jax.debug.callback(lambda x: drawn.append(np.asarray(x)), future)
    return state, future

  (rows,) = batches
  mask = rows['mask'].copy()
  mask[-1] = 0  # A copy that fills the batch.
  several = [rows, {**rows, 'image': rows['image'][::-1], 'mask': mask}]
  metrics = {'image': image_mse.image_mse()}
  dreamer = model(observe, imagine)
  found = judging.judge(dreamer, {}, several, CONTEXT, metrics, 3, 0).numbers
  jax.effects_barrier()
  futures = np.reshape(drawn, (2, 3, EPISODES, LENGTH - CONTEXT))
  truth = np.stack([x['image'][:, CONTEXT:] / 255 for x in several])

  def error(guess):
    error = np.square(truth - grey(guess)).sum((-3, -2, -1)).mean(-1)
    return error.reshape(-1)[:-1]

  each = np.stack([error(futures[:, k]) for k in range(3)])
  mean = error(futures.mean(1))
  assert found['generation_mse'] == pytest.approx(each.mean(), 1e-5)
  assert found['generation_mse_best_of_k'] == pytest.approx(
    each.min(0).mean(), 1e-5
  )
  assert found['generation_mse_of_mean'] == pytest.approx(mean.mean(), 1e-5)
