"""Probing: what it learns and reports, and that the model stays as it is."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import datasets
from experiments import features, launch, probe, probing
from tests.end_to_end import runs

MODELS = ('s5wm', 'rssm_tbtt', 'tssm_xl')
MAZE = 'memory_maze/jax_9x9'
QUICK = ['probe.probe.rows = 16']
KEYS = {
  f'{prefix}{name}{suffix}'
  for prefix in ('', 'constant_')
  for name in ('wall_accuracy', 'object_mse')
  for suffix in ('', '_all_steps')
}


def files(model, data='memory_maze_9x9'):
  return [
    'base.gin', f'models/{model}.gin', f'data/{data}.gin', 'smoke.gin'
  ]  # fmt: skip


def run(workdir, program, *bindings, gin=()):
  launch.launch(list(gin), list(bindings), str(workdir), program)
  return json.loads((workdir / 'probe/metrics.json').read_text())


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('trained')
  launch.launch(files('s5wm'), [], str(workdir), 'train')
  return workdir


def test_a_run_is_probed_as_its_configuration_says(trained):
  before = runs.final_parameters(trained)
  report = run(trained, 'probe', *QUICK)
  about = datasets.describe(MAZE, 'smoke')
  assert set(report) >= KEYS
  assert report['window'] == about['context']
  assert report['episodes'] == 4
  assert report['train_episodes'] == 8
  assert report['step'] == 6
  assert report['probe_updates'] == 8 * about['length'] * 2 // 16
  for name in KEYS:
    assert np.isfinite(report[name])
  jax.tree.map(
    np.testing.assert_array_equal, runs.final_parameters(trained), before
  )
  assert run(trained, 'probe', *QUICK) == report


def test_constants_are_those_of_numpy(trained):
  report = run(trained, 'probe', *QUICK, 'probe.probe.window = 20')
  train, test = (
    [e['oracle'] for e in datasets.load(MAZE, split, 'smoke')]
    for split in ('train', 'test')
  )
  free = np.mean([e['maze_layout'] for e in train], axis=0) > 0.5
  right = np.mean([e['maze_layout'] == free for e in test])
  mean = np.mean([e['targets_vec'] for e in train], axis=(0, 1))
  error = np.stack([e['targets_vec'] for e in test]) - mean
  square = np.sum(error**2, axis=-1)
  assert report['window'] == 20
  np.testing.assert_allclose(report['constant_wall_accuracy'], right, rtol=1e-5)
  np.testing.assert_allclose(
    report['constant_object_mse'], square[:, 20:].mean(), rtol=1e-4
  )
  np.testing.assert_allclose(
    report['constant_object_mse_all_steps'], square.mean(), rtol=1e-4
  )


@pytest.mark.parametrize('model', MODELS[1:])
def test_models_with_a_carried_memory_are_probed(model, tmp_path):
  bindings = ['STEPS = 2', *QUICK, 'train.train.evaluate = @probe.probe()']
  assert run(tmp_path, 'train', *bindings, gin=files(model))['step'] == 2


def test_the_oracle_makes_a_run_of_its_own(tmp_path):
  bindings = ['oracle.oracle.rows = 16']
  one, two = tmp_path / 'one', tmp_path / 'two'
  report = run(one, 'oracle', *bindings, gin=files('s5wm'))
  assert set(report) >= KEYS
  assert 's5.s5.width' in (one / 'config.gin').read_text()
  assert (one / 'versions.json').is_file()
  assert [m['step'] for m in runs.measurements(one)] == [6]
  assert run(two, 'oracle', *bindings, gin=files('s5wm')) == report


@pytest.mark.parametrize('program', ['probe', 'oracle'])
def test_other_data_are_refused_with_a_remedy(program, tmp_path):
  with pytest.raises(ValueError, match='maze_layout.*gin macro DATA'):
    launch.launch(
      files('s5wm', 'multi_doors_keys_3'), [], str(tmp_path), program
    )


@pytest.mark.parametrize('program', ['probe', 'oracle'])
@pytest.mark.parametrize('window', [-1, 25])
def test_a_window_without_steps_is_refused(program, window, tmp_path):
  name = f'{program}.{program}.window'
  with pytest.raises(ValueError, match=name):
    launch.launch(files('s5wm'), [f'{name} = {window}'], str(tmp_path), program)


CELLS, TARGETS, LENGTH = 9, 2, 8


def pool(episodes, seed):
  """Episodes whose features are the answers, mixed."""
  draw = np.random.default_rng(seed)
  walls = draw.integers(2, size=(episodes, CELLS), dtype=np.uint8)
  pose = draw.uniform(-1, 1, (episodes, LENGTH, 4)).astype(np.float32)
  targets = draw.normal(size=(episodes, LENGTH, TARGETS, 2)).astype(np.float32)
  known = np.concatenate(
    [
      np.broadcast_to(walls[:, None], (episodes, LENGTH, CELLS)),
      targets.reshape(episodes, LENGTH, -1),
    ],
    axis=-1,
  )
  mix = np.random.default_rng(0).normal(size=(known.shape[-1], 32)) / 4
  told = {'walls': walls, 'pose': pose, 'targets': targets}
  return features.Pool((known @ mix).astype(np.float16), told)


def small_probes():
  return {
    'walls': probing.walls(CELLS, 64),
    'objects': probing.objects(TARGETS, 64),
  }


def test_what_is_in_the_features_is_learned():
  seen, unseen = pool(256, 1), pool(16, 2)
  probes = small_probes()
  params = probe.learn(probes, seen, 3e-3, steps=400, rows=128, seed=0)
  found = probing.numbers(probes, params, unseen, seen.answers, 4)
  assert found['wall_accuracy'] > 0.97
  assert found['constant_wall_accuracy'] < 0.7
  assert found['object_mse'] < 0.1 * found['constant_object_mse']


def test_the_window_is_the_end_of_the_episode():
  seen = pool(32, 1)
  probes = small_probes()
  rows = features.rows(seen, 0, slice(None))
  params = probing.init(probes, jax.random.key(0), rows)
  shifted = dict(seen.answers, targets=seen.answers['targets'].copy())
  shifted['targets'][:, :4] += 100
  other = features.Pool(seen.features, shifted)
  one, two = (
    probing.numbers(probes, params, p, seen.answers, 4) for p in (seen, other)
  )
  assert one['object_mse'] == two['object_mse']
  assert one['object_mse_all_steps'] < two['object_mse_all_steps'] - 1000


def test_losses_are_as_published():
  rows = features.rows(pool(3, 1), np.array([0, 2]), np.array([1, 5]))
  draw = np.random.default_rng(0)
  probes = small_probes()
  logits = draw.normal(size=(2, CELLS)).astype(np.float32)
  classes = jnp.stack([jnp.zeros_like(logits), logits], axis=-1)
  likelihood = jnp.take_along_axis(
    jax.nn.log_softmax(classes), rows['walls'][..., None].astype(int), axis=-1
  )
  np.testing.assert_allclose(
    probes['walls'].loss(logits, rows), -likelihood.sum((1, 2)), rtol=1e-5
  )
  y = draw.normal(size=(2, 2 * TARGETS)).astype(np.float32)
  error = y.reshape(2, TARGETS, 2) - rows['targets']
  np.testing.assert_allclose(
    probes['objects'].loss(y, rows), 0.5 * (error**2).sum((1, 2)), rtol=1e-5
  )
  np.testing.assert_allclose(
    probes['objects'].score(y, rows), (error**2).sum(2).mean(1), rtol=1e-5
  )
