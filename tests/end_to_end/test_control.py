"""Policies: learned in imagination, judged in the world."""

import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow_datasets as tfds

import datasets
from datasets import catalogue
from datasets.worlds import hallway
from experiments import beginnings, launch, learning
from tests import clue
from tests.end_to_end import runs
from third_party import brax_ppo
from wm.control import environment, memory, remembering, resets

VECTOR = memory.one_hot(clue.CLUES)


def imagined():
  return environment.Imagined(
    clue.model(), (), clue.starts(32, 0), VECTOR, clue.CLUES
  )


def remembered():
  starts = clue.starts(64, 1)
  return remembering.Remembering(clue.Clue(), clue.model(), (), starts, VECTOR)


def play(env, actions):
  """Returns rewards and ends of an episode, and the clue."""
  state = jax.jit(env.reset)(jax.random.PRNGKey(0))
  step, rewards, ends = jax.jit(env.step), [], []
  for action in actions:
    state = step(state, action)
    rewards.append(float(state.reward))
    ends.append(float(state.done))
  return rewards, ends, int(jnp.argmax(state.obs[-clue.CLUES :]))


def test_a_reward_comes_with_the_action_that_earns_it():
  for env in (imagined(), remembered()):
    _, _, right = play(env, [0, 0, 0])
    wrong = (right + 1) % clue.CLUES
    assert play(env, [wrong, wrong, right])[:2] == ([0, 0, 1], [0, 0, 1])
    assert play(env, [right, right, wrong])[:2] == ([0, 0, 0], [0, 0, 1])


def test_a_policy_learned_in_imagination_acts_in_the_world(tmp_path):
  returns = []

  def progress(step, measured):
    returns.append(float(measured['eval/episode_reward']))

  brax_ppo.train(
    resets.batched(imagined(), clue.LENGTH),
    resets.batched(remembered(), clue.LENGTH),
    discrete=True,
    folder=tmp_path,
    hidden=(32,),
    num_timesteps=30_000,
    num_evals=2,
    episode_length=clue.LENGTH,
    num_envs=64,
    num_eval_envs=64,
    batch_size=64,
    num_minibatches=4,
    unroll_length=3,
    learning_rate=3e-3,
    entropy_cost=1e-2,
    progress_fn=progress,
  )
  assert returns[0] < 0.7
  assert returns[-1] > 0.95
  policy = jax.jit(brax_ppo.load(tmp_path, True, (32,), deterministic=True))
  starts = clue.starts(64, 2)
  actions, _ = policy(
    jnp.concatenate([starts.h.at[:, 1].set(1), starts.z], -1),
    jax.random.PRNGKey(0),
  )
  assert jnp.issubdtype(actions.dtype, jnp.integer)
  assert np.mean(actions == jnp.argmax(starts.z, -1)) > 0.95


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


def test_without_a_policy_nothing_is_loaded(tmp_path):
  with pytest.raises(ValueError, match='run --program=control'):
    learning.ppo().load(tmp_path, True)


@pytest.mark.parametrize(
  'size',
  ['steps', 'environments', 'unroll', 'batch', 'minibatches', 'epochs'],
)
def test_sizes_of_ppo_are_checked(size):
  with pytest.raises(ValueError, match=rf'change learning\.ppo\.{size}'):
    learning.ppo(**{size: 0})


@pytest.mark.parametrize('environments', [-1, 100])
def test_environments_share_out_to_minibatches(environments):
  with pytest.raises(ValueError, match=r'learning\.ppo\.environments'):
    learning.ppo(environments=environments)
