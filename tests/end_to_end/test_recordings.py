"""Recordings of one's own, from the loop that makes them to a trained model.

The page on recordings is followed as it is written, at smoke size.
"""

import json
import pathlib
import re
import shlex
import types

import numpy as np
import pytest

import datasets
from datasets import inspect
from experiments import launch
from tests import walks

PAGE = pathlib.Path(__file__).parents[2] / 'docs/recordings.md'


class Walk:
  """A spot that walks, as a Gymnasium environment that ends by itself."""

  def __init__(self):
    draw = np.random.default_rng(0)
    self.action_space = types.SimpleNamespace(sample=lambda: draw.integers(5))

  def reset(self, seed):
    self.place, self.time, self.end = np.array([8, 8]), 0, 20 + seed % 3
    return self.frame(), {}

  def step(self, action):
    self.place, self.time = self.place + walks.MOVES[action], self.time + 1
    return self.frame(), float(action), self.time == self.end, False, {}

  def frame(self):
    image = np.zeros((16, 16, 3), np.uint8)
    image[tuple(self.place % 16)] = 255
    return image


def page(language):
  pattern = rf'```{language}\n(.*?)```'
  return re.findall(pattern, PAGE.read_text(), re.DOTALL)


def flags(command, name):
  words = shlex.split(command.replace('laptop.gin', 'smoke.gin'))
  return [w.split('=', 1)[1] for w in words if w.startswith(f'--{name}=')]


def metrics(workdir):
  return json.loads((workdir / 'evaluation/metrics.json').read_text())


@pytest.fixture
def here(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  return tmp_path


def test_the_page_leads_from_a_loop_to_a_trained_model(here, capsys):
  record, load = page('python')
  look, train, watch = page('sh')
  exec(compile(record, str(PAGE), 'exec'), {'env': Walk()})
  assert len(list((here / 'my_robot').glob('*.npz'))) == 20
  for episode in datasets.load('folder:my_robot'):
    moves = walks.move(episode['observation']['image'])
    np.testing.assert_array_equal(walks.MOVES[episode['action'][:-1]], moves)

  assert inspect.main(shlex.split(look)[3:]) == 0
  said = ' '.join(capsys.readouterr().out.split())
  assert '20 / ' not in said
  assert '21 / 22 / 23' in said
  assert 'no question' in said
  (bound,) = flags(train, 'gin_bindings')
  assert bound in said

  (workdir,) = flags(train, 'workdir')
  launch.launch(flags(train, 'gin_file'), [bound], workdir, 'train')
  assert np.isfinite(metrics(here / workdir)['generation_mse'])
  assert metrics(here / workdir)['horizon'] == 11

  (workdir,) = flags(watch, 'workdir')
  launch.launch(
    flags(watch, 'gin_file'),
    flags(watch, 'gin_bindings'),
    workdir,
    *flags(watch, 'program'),
  )
  assert any((here / workdir).iterdir())

  asked = {'length': 10, 'side': 8}
  load = load.replace("{'length': 50, 'side': 64}", repr(asked))
  windows = eval(load, {'datasets': datasets})
  assert windows.metadata['frame'] == (8, 8, 3)
  assert len(windows) == 2 * 16


def test_the_report_gives_the_lines_that_train(tmp_path, capsys):
  """Continuous actions, written late, in windows, beside a bad file."""
  records = [walks.late(walks.walk(seed, 32)) for seed in range(12)]
  for x in records:
    x['action'] = np.float32(walks.MOVES[x['action']])
  name = walks.write(tmp_path / 'walks', records)
  walks.write(tmp_path / 'walks', {'bad': {'image': records[0]['image']}})
  asked = ["aligned='last'", 'length=14', 'context=6', '--skip']
  with pytest.warns(UserWarning, match='bad.npz.*left out'):
    assert inspect.main([name, *asked]) == 0
  command = capsys.readouterr().out.partition('To train on them:')[2]
  bindings = flags(command.replace('\\\n', ' '), 'gin_bindings')
  assert len(bindings) == 2 + len(inspect.SKIPPING)
  launch.launch(
    flags(command.replace('\\\n', ' '), 'gin_file'),
    [*bindings, 'STEPS = 2'],
    str(tmp_path / 'run'),
    'train',
  )
  assert np.isfinite(metrics(tmp_path / 'run')['generation_mse'])
  assert metrics(tmp_path / 'run')['horizon'] == 8


def test_a_fault_reaches_the_user_before_anything_runs(tmp_path):
  records = [walks.late(walks.walk(seed)) for seed in range(6)]
  name = walks.write(tmp_path / 'walks', records)
  with pytest.raises(ValueError, match="'aligned': 'last'"):
    launch.launch(
      ['base.gin', 'models/s4wm.gin', 'smoke.gin'],
      [f'DATA = {name!r}'],
      str(tmp_path / 'run'),
      'train',
    )
  walks.write(tmp_path / 'walks', {'bad': {'image': records[0]['image']}})
  skip = ['from datasets import npz', 'STEPS = 2']
  skip += [
    f'{where}.on_bad = @npz.skip'
    for where in ('episodes.load', 'catalogue.describe')
  ]
  with pytest.warns(UserWarning, match='bad.npz.*left out'):
    launch.launch(
      ['base.gin', 'models/s4wm.gin', 'smoke.gin'],
      [f'DATA = {name!r}', "ARGUMENTS = {'aligned': 'last'}", *skip],
      str(tmp_path / 'run'),
      'train',
    )
