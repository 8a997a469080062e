"""Mistakes at the launcher end in one message that names the remedy."""

import functools

import jax
import numpy as np
import pytest

from experiments import forecast, launch
from wm import config
from wm.data import loader
from wm.train import learner, optimizer

FILES = ['s4wm_fourrooms.gin', 'smoke.gin']

MISTAKES = {
  'a file': (['s4wm_forrooms.gin'], [], 'did you mean s4wm_fourrooms.gin'),
  'a macro': (FILES, ['WIDHT = 3'], 'did you mean WIDTH'),
  'a parameter': (FILES, ['s4.s4.ordr = 8'], "parameter named 'ordr'"),
  'a constructor': (FILES, ['s4.s5.order = 8'], 's4'),
  'a data set': (FILES, ["DATA = 'rooms/for_rooms'"], 'rooms/four_rooms'),
  'a type': (FILES, ["STEPS = 'many'"], 'train.train.steps'),
  'a scale': (FILES, ["SCALE = 'latop'"], 'laptop'),
  'nothing chosen': (['base.gin'], [], 'REQUIRED'),
  'an odd order': (FILES, ['ORDER = 7'], 's4.s4.order'),
  'a context': (FILES, ['evaluate.evaluate.context = 25'], 'context'),
  'a warm-up': (FILES, ['WARMUP = 6'], 'WARMUP'),
  'a rhythm': (FILES, ['SAVE_EVERY = 0'], 'train.train.save_every'),
  'no episode': (FILES, ['EPISODES = 0'], 'evaluate.evaluate.episodes'),
  'no unit': (FILES, ['UNITS = 0'], 'world_model.world_model.units'),
  'a batch': (FILES, ['BATCH = 9'], 'BATCH'),
  'a data folder': (
    FILES,
    ["episodes.load.data_dir = '/dev/null/x'"],
    'data_dir',
  ),
}


@pytest.mark.parametrize('name', MISTAKES)
def test_a_mistake_is_explained(name, tmp_path):
  files, bindings, words = MISTAKES[name]
  with pytest.raises(ValueError, match='(?s).+') as caught:
    launch.launch(files, bindings, str(tmp_path), 'train')
  assert words in str(caught.value)


def test_a_program_that_is_not_there_is_said(tmp_path):
  with pytest.raises(ValueError, match='evaluate.*train') as said:
    launch.launch(FILES, [], str(tmp_path), 'trian')
  assert 'report' not in str(said.value)  # A command of its own.


def test_a_folder_without_a_run_is_said(tmp_path):
  with pytest.raises(ValueError, match='holds no run'):
    launch.launch([], [], str(tmp_path), 'evaluate')


def test_nothing_to_evaluate_is_said(tmp_path):
  with pytest.raises(ValueError, match='train first'):
    launch.launch(FILES, [], str(tmp_path), 'evaluate')


def test_a_number_that_is_not_finite_stops_the_run(tmp_path):
  with pytest.raises(FloatingPointError, match=r'steps \d+ and \d+') as caught:
    launch.launch(
      FILES, ['STEPS = 8', 'LEARNING_RATE = 1e30'], str(tmp_path), 'train'
    )
  assert 'last good checkpoint is step' in str(caught.value)


@pytest.fixture
def task():
  return config.parse(FILES, ['config.program.build = @task.task()'], 'train')


@pytest.mark.parametrize(
  ('learn', 'load'),
  [
    (learner.whole_sequences, loader.whole_episodes),
    (
      learner.carried_chunks,
      functools.partial(loader.episode_chunks, chunk=8),
    ),
  ],
)
def test_a_long_run_on_a_cpu_is_foretold(task, capsys, learn, load):
  learn = learn(task.model, optimizer.adamw())
  load = functools.partial(load, batch=2, seed=0)
  forecast.tell(task, learn, load, steps=10**8, batch=8)
  said = capsys.readouterr().out
  assert 'laptop.gin' in said
  assert any(unit in said for unit in ('days', 'hours', 'minutes'))


def test_a_short_run_is_not_commented(task, capsys):
  forecast.tell(task, None, None, steps=10, batch=2)
  assert capsys.readouterr().out == ''


def test_an_override_reaches_the_model():
  bindings = ['WIDTH = 24', 'config.program.build = @task.task()']
  task = config.parse(FILES, bindings, 'train')
  batch = {
    'image': jax.ShapeDtypeStruct((1, 2, 16, 16, 3), np.uint8),
    'prev_action': jax.ShapeDtypeStruct((1, 2, 6), np.float32),
  }
  params = jax.eval_shape(task.model.init, jax.random.key(0), batch)
  assert params['backbone']['embed']['kernel'].shape == (16, 24)
