"""Laws of judging a world model, on one whose errors are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from experiments import judging
from wm import types
from wm.metrics import image_mse

EPISODES, LENGTH, CONTEXT = 6, 5, 2


def blind():
  """A model that sees and imagines black frames."""

  def observe(params, key, state, batch):
    del params, key
    return state, batch['prev_action']

  def imagine(params, key, state, actions):
    del params, key
    return state, actions

  def predict(params, rollout):
    del params
    return {'image': jnp.zeros((*rollout.shape[:2], 4, 4, 3))}

  unused = dict.fromkeys(types.WorldModel._fields)
  return types.WorldModel(
    **{**unused, 'observe': observe, 'imagine': imagine, 'predict': predict}
  )


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
