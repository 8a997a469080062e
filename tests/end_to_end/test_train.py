"""The main command under smoke.gin, and what happens when it is stopped."""

import csv
import json
import os
import signal

import imageio.v3 as iio
import jax
import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator

from experiments import provenance
from tests.end_to_end import runs

STEPS = 30
FILES = ['--gin_file=s4wm_fourrooms.gin', '--gin_file=smoke.gin']
LONGER = f'--gin_bindings=STEPS = {STEPS}'


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('whole')
  done = runs.run(workdir, *FILES, LONGER)
  assert done.returncode == 0, done.stderr
  return workdir, done


def test_it_ends_by_saying_where_and_how_well(whole):
  workdir, done = whole
  assert f'run folder: {workdir}' in done.stdout
  assert 'generation' in done.stdout
  assert 'reconstruction' in done.stdout
  assert 'step/s' in done.stderr or 's/step' in done.stderr
  assert 'Traceback' not in done.stderr


def test_the_run_folder_is_whole(whole):
  workdir, _ = whole
  metrics = json.loads((workdir / 'evaluation/metrics.json').read_text())
  for name in (
    'generation_mse',
    'reconstruction_mse',
    'baseline_last_frame_mse',
    'baseline_mean_frame_mse',
  ):
    assert np.isfinite(metrics[name])
  versions = json.loads((workdir / 'versions.json').read_text())
  assert versions['packages']['jax'] == jax.__version__
  assert 's4.s4.order' in (workdir / 'config.gin').read_text()
  steps = [m['step'] for m in runs.measurements(workdir) if 'loss' in m]
  assert steps == list(range(2, STEPS + 1, 2))
  events = event_accumulator.EventAccumulator(str(workdir / 'tensorboard'))
  assert 'loss' in events.Reload().Tags()['scalars']


def test_the_curve_agrees_with_the_metrics(whole):
  workdir, _ = whole
  metrics = json.loads((workdir / 'evaluation/metrics.json').read_text())
  with (workdir / 'evaluation/generation_mse_per_step.csv').open() as file:
    rows = list(csv.DictReader(file))
  assert len(rows) == metrics['horizon']
  np.testing.assert_allclose(
    np.mean([float(r['mean']) for r in rows]),
    metrics['generation_mse'],
    rtol=1e-4,
  )
  for row in rows:
    assert float(row['low']) <= float(row['mean']) <= float(row['high'])


def test_the_pictures_show_something(whole):
  folder = whole[0] / 'evaluation'
  for name in ('strip.png', 'generation_mse_per_step.png'):
    picture = iio.imread(folder / name)
    assert min(picture.shape[:2]) > 100
    assert picture.std() > 5
  frames = iio.imread(folder / 'imagination.mp4')
  assert len(frames) == 25
  assert frames.std() > 5


def test_evaluation_alone_says_the_same(whole):
  workdir, _ = whole
  path = workdir / 'evaluation/metrics.json'
  before = json.loads(path.read_text())
  path.unlink()
  done = runs.run(workdir, '--program=evaluate')
  assert done.returncode == 0, done.stderr
  after = json.loads(path.read_text())
  speed = 'imagination_frames_per_second'
  assert {**before, speed: 0} == {**after, speed: 0}


@pytest.mark.parametrize('step', [2, 13])
def test_a_killed_run_ends_as_if_nothing_had_happened(whole, tmp_path, step):
  code, _ = runs.stop_after(tmp_path, step, signal.SIGKILL, *FILES, LONGER)
  assert code == -signal.SIGKILL
  done = runs.run(tmp_path, *FILES, LONGER)
  assert done.returncode == 0, done.stderr
  runs.assert_same_run(whole[0], tmp_path)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_saves_and_goes_on(whole, tmp_path, number):
  code, output = runs.stop_after(tmp_path, 5, number, *FILES, LONGER)
  assert code == 128 + number, output
  assert 'repeat the command to go on' in output
  saved = [int(p.name) for p in (tmp_path / 'checkpoints').glob('[0-9]*')]
  assert max(saved) == max(m['step'] for m in runs.measurements(tmp_path))
  done = runs.run(tmp_path, *FILES, LONGER)
  assert done.returncode == 0, done.stderr
  runs.assert_same_parameters(whole[0], tmp_path)


def test_a_folder_of_another_configuration_is_left_alone(whole):
  workdir, _ = whole
  before = (workdir / 'config.gin').read_text()
  done = runs.run(workdir, *FILES, LONGER, '--gin_bindings=SEED = 3')
  assert done.returncode == 2
  assert 'belongs to another configuration' in done.stderr
  assert '+SEED = 3' in done.stderr
  assert 'Traceback' not in done.stderr
  assert (workdir / 'config.gin').read_text() == before


def test_a_new_module_is_no_other_configuration(tmp_path):
  provenance.claim(tmp_path, 'from wm import types\n\nSEED = 0\n')
  provenance.claim(tmp_path, 'from wm import config, types\n\nSEED = 0\n')
  with pytest.raises(ValueError, match='another configuration'):
    provenance.claim(tmp_path, 'from wm import types\n\nSEED = 1\n')


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
  (tmp_path / 'file').touch()
  done = runs.run(tmp_path / 'file' / 'run', *FILES)
  assert done.returncode == 2
  assert done.stderr.strip().splitlines()[-1].startswith('error: --workdir')
  assert os.listdir(tmp_path) == ['file']
