"""Policies: learned in imagination, judged in the world."""

import json
import shutil

import jax
import numpy as np
import pytest
import tensorflow_datasets as tfds

import datasets
from datasets import catalogue
from datasets.worlds import hallway
from experiments import beginnings, launch
from tests.end_to_end import runs

FILES = [
  'base.gin',
  'models/s5wm.gin',
  'data/distracting_memory_100.gin',
  'smoke.gin',
]
SMALL = [
  'control.control.episodes = 6',
  'control.control.starts = 2',
  'control.control.true_episodes = 4',
  'control.control.batch = 4',
  'control.control.ahead = 3',
  'learning.ppo.steps = 512',
  *runs.SMALL_PPO,
]


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
  """A run with a policy."""
  folder = tmp_path_factory.mktemp('control') / 'run'
  launch.launch(FILES, [], str(folder), 'train')
  launch.launch([], SMALL, str(folder), 'control')
  return folder


def test_the_program_goes_from_a_run_to_a_judged_policy(workdir):
  folder = workdir / 'control'
  metrics = json.loads((folder / 'metrics.json').read_text())
  assert metrics['episodes'] == 4 * metrics['starts'] == 16
  assert 0 <= metrics['success'] <= 1
  assert metrics['algorithm'] == 'PPO'
  assert metrics['script_success'] == 1
  assert [steps for steps, _ in metrics['curve']['true']][0] == 0
  assert len(metrics['curve']['true']) == 2
  assert {path.name for path in folder.iterdir()} == {
    'curve.png', 'episodes.mp4', 'metrics.json', 'policy',
  }  # fmt: skip
  wrong = [*SMALL, 'control.control.between = (5, 99)']
  with pytest.raises(ValueError, match=r'control\.control\.between'):
    launch.launch([], wrong, str(workdir), 'control')


def test_a_world_of_other_episodes_is_refused(workdir):
  of = {'name': 'distracting_memory/width_100', 'scale': 'smoke'}
  env, episodes = catalogue.environment(**of), datasets.load(split='test', **of)

  def check(late):
    def start_key(split, number):
      return catalogue.start_key(split=split, number=number + late, **of)

    world = beginnings.worlds(env, episodes, start_key, 13, 3, 'test')
    beginnings.check_world(world.obs, episodes, 13, 'test')

  check(0)
  with pytest.raises(ValueError, match=r'another image.*start_key'):
    check(1)
  for other in ({'state': np.zeros((3, 4))}, {'image': np.zeros((3, 8, 8, 3))}):
    with pytest.raises(ValueError, match=r'change catalogue\.environment'):
      beginnings.check_world(other, episodes, 13, 'test')


@pytest.mark.parametrize('size', ['episodes', 'true_episodes', 'batch'])
def test_sizes_of_control_are_checked(workdir, size):
  none = f'control.control.{size} = 0'
  with pytest.raises(ValueError, match=rf'change control\.control\.{size}'):
    launch.launch([], [*SMALL, none], str(workdir), 'control')


def test_a_policy_is_that_of_the_model(workdir, tmp_path):
  run = tmp_path / 'run'
  shutil.copytree(workdir, run)
  with pytest.raises(ValueError, match=r'change learning\.ppo\.hidden'):
    launch.launch(
      [], [*SMALL, 'learning.ppo.hidden = (8,)'], str(run), 'collect'
    )
  path = run / 'control' / 'metrics.json'
  metrics = json.loads(path.read_text())
  path.write_text(json.dumps(metrics | {'step': 4}))
  with pytest.raises(ValueError, match=r'step 4, got step 6.*collect\.pick'):
    launch.launch([], SMALL, str(run), 'collect')
  path.unlink()
  with pytest.raises(ValueError, match='no finished policy'):
    launch.launch([], SMALL, str(run), 'collect')


def test_what_a_policy_met_is_a_data_set(workdir):
  bindings = [
    *SMALL, "collect.collect.episodes = {'train': 5, 'val': 2, 'test': 2}",
    'collect.collect.batch = 4',
    "collect.collect.scripted = {'train': 3}",
  ]  # fmt: skip
  launch.launch([], bindings, str(workdir), 'collect')
  name = f'tfds:{workdir}/collected/collected/1.0.0'
  source = datasets.load(
    'distracting_memory/width_100', split='train', scale='smoke'
  )
  env = catalogue.environment('distracting_memory/width_100', 'smoke')
  builder = tfds.builder_from_directory(name.removeprefix('tfds:'))
  assert builder.info.splits['train'].num_examples == 5 + 3
  episodes = datasets.load(name, split='train', arguments={'length': 25})
  for number in range(3):
    told, script = episodes[number - 3], source[number]
    jax.tree.map(
      np.testing.assert_array_equal,
      dict(told),
      {**script, 'oracle': {}},
    )

  @jax.jit
  def replay(key, actions):
    def step(state, action):
      state = env.step(state, action)
      over = hallway.chosen(env.hallway, state.pipeline_state) >= 0
      return state, (state.obs['image'], state.reward, 1.0 - over, over)

    return jax.lax.scan(step, env.reset(key), actions)[1]

  for number in range(len(episodes) - 3):
    episode, script = episodes[number], source[number]
    key = catalogue.start_key(
      'distracting_memory/width_100', 'train', number, 'smoke'
    )
    image, reward, discount, over = replay(key, episode['action'][:-1])
    for got, want in (
      (episode['observation']['image'][1:], image),
      (episode['reward'][:-1], reward),
      (episode['discount'][:-1], discount),
      (episode['is_terminal'][-1], over[-1]),
      (episode['action'][:12], script['action'][:12]),
    ):
      np.testing.assert_array_equal(got, want)
  with pytest.raises(ValueError, match='already; move them'):
    launch.launch([], bindings, str(workdir), 'collect')
  again = [f"DATA = '{name}'", "ARGUMENTS = {'length': 25}"]
  with pytest.raises(ValueError, match=r'recall_mse.*evaluate\.metrics'):
    launch.launch(FILES, again, str(workdir.parent / 'asks_more'), 'train')
  again.append(
    "evaluate.evaluate.metrics = {'image': @image_mse.image_mse(), "
    "'reward': @reward_accuracy.reward_accuracy()}"
  )
  launch.launch(FILES, again, str(workdir.parent / 'again'), 'train')
  assert (workdir.parent / 'again' / 'evaluation' / 'metrics.json').exists()


def test_integers_are_not_for_sac(workdir):
  written = workdir / 'control/metrics.json'
  before = written.read_bytes()
  with pytest.raises(ValueError, match=r'are integers; change ALGORITHM'):
    launch.launch([], ['ALGORITHM = @learning.sac()'], str(workdir), 'control')
  assert written.read_bytes() == before
