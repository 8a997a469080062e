"""Laws of every metric."""

import jax
import numpy as np
import pytest

from tests import members

EPISODES, LENGTH = 6, 5


@pytest.fixture(scope='module')
def data():
  draw = np.random.default_rng(0)
  shape = (EPISODES, LENGTH, 8, 8, 3)
  prediction = {
    'image': draw.uniform(size=shape).astype(np.float32),
    'state': draw.normal(size=(*shape[:2], 4)).astype(np.float32),
    'reward': draw.uniform(size=shape[:2]).astype(np.float32),
  }
  batch = {
    'image': draw.integers(256, size=shape, dtype=np.uint8),
    'state': draw.normal(size=(*shape[:2], 4)).astype(np.float32),
    'foil': draw.integers(256, size=shape, dtype=np.uint8),
    'guess': draw.integers(256, size=shape, dtype=np.uint8),
    'reward': draw.integers(2, size=shape[:2]).astype(np.float32),
    'age': draw.integers(-1, 9, size=shape[:2], dtype=np.int32),
  }
  mask = (draw.uniform(size=shape[:2]) < 0.7).astype(np.float32)
  return prediction, batch, mask


@pytest.fixture(params=members.metrics(), ids=lambda m: m[0])
def metric(request):
  return request.param[1]()


def evaluate(metric, data, groups):
  acc = metric.init()
  for group in groups:
    rows = jax.tree.map(lambda x, group=group: x[np.asarray(group)], data)
    acc = metric.update(acc, *rows)
  return metric.compute(acc)


def test_order_and_batching_do_not_matter(metric, data):
  once = evaluate(metric, data, [range(EPISODES)])
  parts = evaluate(metric, data, [[5, 0], [3, 1], [4, 2]])
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=3e-3),
    once,
    parts,
  )


@pytest.mark.parametrize(
  ('name', 'lost'),
  [
    ('forced_choice', 'foil'),
    ('recall_mse', 'age'),
    ('reward_accuracy', 'reward'),
    ('calibration', 'reward'),
  ],
)
def test_what_a_metric_asks_for_in_vain_is_said(data, name, lost):
  prediction, batch, mask = (
    {k: v for k, v in x.items() if k != lost} if isinstance(x, dict) else x
    for x in data
  )
  metric = dict(members.metrics())[name]()
  with pytest.raises(ValueError, match=rf'{name}: .*evaluate\.metrics'):
    metric.update(metric.init(), prediction, batch, mask)


def test_a_long_evaluation_loses_nothing(metric, data):
  long = jax.tree.map(lambda x: x + 2.0**24, metric.init())
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a - 2.0**24, b, atol=2),
    metric.update(long, *data),
    metric.update(metric.init(), *data),
  )


def test_masked_steps_do_not_matter(metric, data):
  prediction, batch, mask = data
  spoilt = {
    name: np.where(np.expand_dims(mask, tuple(range(2, x.ndim))) > 0, x, np.nan)
    for name, x in prediction.items()
  }
  jax.tree.map(
    np.testing.assert_array_equal,
    evaluate(metric, data, [range(EPISODES)]),
    evaluate(metric, (spoilt, batch, mask), [range(EPISODES)]),
  )


@pytest.mark.parametrize(
  ('seen', 'most'), [('image', 255.0), ('state', 1.0)]
)
def test_a_squared_error_equals_numpy(seen, most, data):
  metric = dict(members.metrics())[f'{seen}_mse']()
  prediction, batch, mask = data
  error = np.square(prediction[seen] - batch[seen] / most)
  error = error.reshape(EPISODES, LENGTH, -1).sum(-1)
  found = evaluate(metric, data, [range(EPISODES)])
  np.testing.assert_allclose(
    found['mse'], error[mask > 0].mean(), rtol=1e-5
  )
  for t in range(LENGTH):
    kept = error[:, t][mask[:, t] > 0]
    np.testing.assert_allclose(
      found['mse_per_step'][t], kept.mean(), rtol=1e-5
    )
    np.testing.assert_allclose(
      found['stderr_per_step'][t],
      kept.std(ddof=1) / np.sqrt(len(kept)),
      rtol=1e-3,
    )


def test_reward_accuracy_equals_numpy(data):
  metric = dict(members.metrics())['reward_accuracy']()
  prediction, batch, mask = data
  said, came = prediction['reward'] > 0.5, batch['reward'] > 0.5
  last = [np.flatnonzero(row)[-1] for row in mask]
  rows = np.arange(EPISODES)
  found = evaluate(metric, data, [range(EPISODES)])
  ends = came[rows, last]
  expected = {
    'accuracy': np.mean(said[rows, last] == ends),
    'base_rate': max(ends.mean(), 1 - ends.mean()),
    'hit_rate': said[(mask > 0) & came].mean(),
    'false_alarm_rate': said[(mask > 0) & ~came].mean(),
  }
  for name, value in expected.items():
    np.testing.assert_allclose(found[name], value, rtol=1e-6)


def test_recall_mse_equals_numpy(data):
  metric = dict(members.metrics())['recall_mse']()
  prediction, batch, mask = data
  error = prediction['image'] - batch['image'] / 255.0
  error, age = np.square(error).sum((2, 3, 4)), batch['age']
  found = evaluate(metric, data, [range(EPISODES)])
  for name, chosen in (('seen', age >= 0), ('unseen', age < 0)):
    kept = error[chosen & (mask > 0)]
    np.testing.assert_allclose(found[f'mse_{name}'], kept.mean(), rtol=1e-5)
  kept = error[(age >= 4) & (age < 8) & (mask > 0)]
  assert found['age'][2] == 4
  assert found['count_by_age'][2] == len(kept)
  np.testing.assert_allclose(found['mse_by_age'][2], kept.mean(), rtol=1e-5)
  np.testing.assert_allclose(
    found['stderr_by_age'][2],
    kept.std(ddof=1) / np.sqrt(len(kept)),
    rtol=1e-3,
  )
  assert float(found['count_by_age'].sum()) == mask[age >= 0].sum()


def test_forced_choice_is_made_where_truth_and_foil_differ():
  metric = dict(members.metrics())['forced_choice'](tile=2)
  truth = np.zeros((1, 1, 4, 4, 3), np.uint8)
  foil = truth.copy()
  foil[..., :2, :, :] = 255  # The two upper tiles are in question.
  image = np.full((1, 1, 4, 4, 3), 0.9, np.float32)
  image[..., :2, :2, :] = 0.2  # In one of them the truth is nearer.
  fields = {'image': truth, 'foil': foil, 'guess': foil}
  once = ({'image': image}, fields, np.ones((1, 1)))
  found = evaluate(metric, once, [range(1)])
  assert float(found['count']) == 2
  assert float(found['accuracy']) == 0.5
  assert float(found['base_rate']) == 0
  fields['guess'] = truth
  assert float(evaluate(metric, once, [range(1)])['base_rate']) == 1


def test_who_says_the_frequency_is_calibrated():
  draw = np.random.default_rng(0)
  said = draw.choice([0.05, 0.35, 0.85], size=(200, 50))
  came = draw.uniform(size=said.shape) < said
  metric = dict(members.metrics())['calibration']()

  def judge(said):
    data = {'reward': said}, {'reward': came}, np.ones(said.shape)
    return metric.compute(metric.update(metric.init(), *data))

  good, bold = judge(said), judge(np.round(said))
  assert good['error'] < 0.02
  np.testing.assert_array_equal(np.flatnonzero(good['count']), [0, 3, 8])
  np.testing.assert_allclose(good['brier'], np.mean((said - came) ** 2), 1e-5)
  assert good['brier'] < bold['brier']
  assert bold['error'] > 0.15
  rate = came.mean()
  np.testing.assert_allclose(
    good['brier_of_base_rate'], rate * (1 - rate), rtol=1e-4
  )


def test_a_number_of_bins_that_cannot_be_is_refused():
  with pytest.raises(ValueError, match=r'calibration\.bins'):
    dict(members.metrics())['calibration'](0)
