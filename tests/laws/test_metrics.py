"""Laws of every metric."""

import jax
import numpy as np
import pytest

from tests import members

EPISODES, LENGTH = 6, 5


@pytest.fixture(scope='module')
def data():
  draw = np.random.default_rng(0)
  shape = (EPISODES, LENGTH, 4, 4, 3)
  prediction = {'image': draw.uniform(size=shape).astype(np.float32)}
  batch = {'image': draw.integers(256, size=shape, dtype=np.uint8)}
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
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4), once, parts
  )


def test_masked_steps_do_not_matter(metric, data):
  prediction, batch, mask = data
  spoilt = {
    name: np.where(mask[..., None, None, None] > 0, x, np.nan)
    for name, x in prediction.items()
  }
  jax.tree.map(
    np.testing.assert_array_equal,
    evaluate(metric, data, [range(EPISODES)]),
    evaluate(metric, (spoilt, batch, mask), [range(EPISODES)]),
  )


def test_image_mse_equals_numpy(data):
  metric = dict(members.metrics())['image_mse']()
  prediction, batch, mask = data
  error = prediction['image'] - batch['image'] / 255.0
  error = np.square(error).sum((2, 3, 4))
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
