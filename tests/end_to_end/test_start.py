"""Where a run begins: at parameters of its seed, or of another run.

Rates are zero, so that a run ends at the parameters it began with.
"""

import shutil

import jax
import numpy as np
import pytest

from experiments import launch
from tests import walks
from tests.end_to_end import runs
from wm import config

FILES = ['base.gin', 'models/s5wm.gin', 'smoke.gin']
STILL = (
  'STEPS = 1',
  'WARMUP = 0',
  'LEARNING_RATE = 0.0',
  'SSM_LEARNING_RATE = 0.0',
  'SAVE_EVERY = 1',
  'train.train.evaluate = @export.export()',  # Sooner done than evaluation.
)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  return tmp_path_factory.mktemp('runs')


@pytest.fixture(scope='module')
def train(folder):
  """Returns a function that trains a folder of that name."""
  data = walks.write(folder / 'walks', [walks.walk(i) for i in range(10)])

  def run(name, *bindings):
    to = f"export.export.to = '{folder / name / 'exported'}'"
    given = [f"DATA = '{data}'", *STILL, to, *bindings]
    launch.launch(FILES, given, str(folder / name), 'train')
    return folder / name

  return run


@pytest.fixture(scope='module')
def first(train):
  return train('first', 'SEED = 0')


@pytest.fixture(scope='module')
def other(train):
  return train('other', 'SEED = 1')


def begun(run):
  return (
    'train.train.start = @checkpoint.parameters()',
    f"checkpoint.parameters.folder = '{run}'",
  )


def test_a_seed_draws_the_same_parameters_again(train, first):
  runs.assert_same_parameters(first, train('again', 'SEED = 0'))


def test_another_seed_draws_other_parameters(first, other):
  one, two = runs.final_parameters(first), runs.final_parameters(other)
  paths = jax.tree_util.tree_leaves_with_path(one)
  for (path, x), y in zip(paths, jax.tree.leaves(two), strict=True):
    if path[-1].key in ('kernel', 'B', 'C', 'D', 'log_dt'):
      assert (np.asarray(x) != np.asarray(y)).mean() > 0.9, path


def test_a_run_begins_where_another_ended(train, first):
  started = train('started', 'SEED = 1', *begun(first))
  runs.assert_same_parameters(first, started)


def test_a_run_that_goes_on_does_not_begin_again(train, folder, first, other):
  shutil.copytree(other / 'checkpoints', folder / 'resumed' / 'checkpoints')
  resumed = train('resumed', 'SEED = 1', 'STEPS = 2', *begun(first))
  assert (resumed / 'checkpoints' / '2').exists()
  runs.assert_same_parameters(other, resumed)


EPISODES = [
  {
    'observation': {'image': np.full((8, 16, 16, 3), number, np.uint8)},
    'action': np.zeros(8, int),
    'is_first': np.arange(8) == 0,
  }
  for number in range(9)
]


def order(model, seed):
  """Returns the numbers of the episodes in the first batches."""
  build = 'config.program.build = %LOADER'
  files = ['base.gin', f'models/{model}.gin', 'smoke.gin']
  bindings = ["DATA = 'folder:walks'", f'SEED = {seed}', build]
  load = config.parse(files, bindings, 'train')
  batches = load(episodes=EPISODES, num_actions=5)
  return [batches(step)['image'][..., 0, 0, 0].tolist() for step in range(4)]


@pytest.mark.parametrize('model', ['s5wm', 'rssm_tbtt', 'tssm_xl'])
def test_a_seed_is_an_order_of_episodes(model):
  orders = [order(model, seed) for seed in (0, 1, 2)]
  assert all(one not in orders[:i] for i, one in enumerate(orders))
  assert order(model, 1) == orders[1]
