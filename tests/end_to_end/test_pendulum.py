"""States and forces, from data to a policy, without any frame."""

import json

import numpy as np
import pytest
import tensorflow_datasets as tfds

import datasets
from experiments import launch
from tests.end_to_end import runs

FILES = [
  'base.gin',
  'models/s5wm.gin',
  'data/inverted_pendulum.gin',
  'smoke.gin',
]
SMALL = [
  'STEPS = 2',
  'SAVE_EVERY = 2',
  'control.control.episodes = 4',
  'control.control.starts = 2',
  'control.control.true_episodes = 4',
  'control.control.batch = 4',
  'control.control.enough = 11.4',
  "collect.collect.episodes = {'train': 5, 'val': 2, 'test': 2}",
  'collect.collect.batch = 4',
  'learning.ppo.steps = 256',
  *runs.SMALL_PPO,
]


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
  """A run with a policy and what it met."""
  folder = tmp_path_factory.mktemp('pendulum') / 'run'
  for program in ('train', 'control', 'collect'):
    launch.launch(FILES, SMALL, str(folder), program)
  return folder


def test_a_model_of_states_is_evaluated_as_one_of_frames_is(workdir):
  metrics = json.loads((workdir / 'evaluation/metrics.json').read_text())
  for name in ('generation_mse', 'reconstruction_mse', 'reward_base_rate'):
    assert np.isfinite(metrics[name])
  found = {path.name for path in (workdir / 'evaluation').iterdir()}
  assert found == {
    'curves.json', 'generation_mse_per_step.csv', 'generation_mse_per_step.png',
    'metrics.json', 'states.png',
  }  # fmt: skip


def test_a_policy_of_forces_is_judged_in_the_world(workdir):
  folder = workdir / 'control'
  metrics = json.loads((folder / 'metrics.json').read_text())
  assert metrics['horizon'] == 12
  for who in ('', 'random_', 'script_'):
    assert 0 <= metrics[f'{who}success'] <= 1
    assert 0 <= metrics[f'{who}return'] <= 12
  assert metrics['random_return'] < metrics['script_return']
  assert {path.name for path in folder.iterdir()} == {
    'curve.png', 'episodes.png', 'metrics.json', 'policy',
  }  # fmt: skip


def test_what_a_policy_of_forces_met_is_a_data_set(workdir):
  folder = workdir / 'collected/collected/1.0.0'
  builder = tfds.builder_from_directory(str(folder))
  source = builder.as_data_source(split='train')
  script = datasets.load('brax_states/inverted_pendulum', 'train', 'smoke')
  assert len(source) == 5
  for episode, other in zip(source, script, strict=False):
    for name in ('state', 'action'):
      one, two = ({**x, **x['observation']}[name] for x in (episode, other))
      assert (one.dtype, one.shape[1:]) == (two.dtype, two.shape[1:])
      np.testing.assert_array_equal(one[:3], two[:3])
    assert not episode['action'][-1].any()
    assert np.abs(episode['action']).max() <= 1
  again = [*SMALL, f"DATA = 'tfds:{folder}'", "ARGUMENTS = {'length': 6}"]
  launch.launch(FILES, again, str(workdir.parent / 'again'), 'train')
  path = workdir.parent / 'again/evaluation/metrics.json'
  assert json.loads(path.read_text())['generation_mse'] > 0


@pytest.mark.parametrize('program', ['imagine', 'play', 'view'])
def test_what_shows_frames_says_so(program, tmp_path):
  with pytest.raises(ValueError, match=f"{program}: needs frames.*'state'"):
    launch.launch(FILES, [], str(tmp_path), program)
