"""Evaluation of what a run has learned, at smoke scale."""

import inspect
import json

import imageio.v3 as iio
import numpy as np
import pytest

from experiments import evaluate
from experiments.figures import video
from tests.end_to_end import runs
from wm import config


@pytest.fixture(scope='module')
def evaluation(tmp_path_factory):
  folder = tmp_path_factory.mktemp('runs') / 'doors'
  files = ('base', 'models/s5wm', 'data/multi_doors_keys_3', 'smoke')
  done = runs.run(
    folder,
    *(f'--gin_file={name}.gin' for name in files),
    '--gin_bindings=evaluate.evaluate.samples = 2',
    "--gin_bindings=ARGUMENTS = {'movers': 1, 'action_noise': 0.1}",
    '--gin_bindings=evaluate.evaluate.metrics = {'
    "'image': @image_mse.image_mse(), 'recall': @recall_mse.recall_mse(), "
    "'reward': @reward_accuracy.reward_accuracy(), "
    "'door': @forced_choice.forced_choice(), "
    "'calibration': @calibration.calibration()}",
  )
  assert done.returncode == 0, done.stderr
  return done.stdout, folder / 'evaluation'


def test_several_futures_are_compared(evaluation):
  _, folder = evaluation
  report = json.loads((folder / 'metrics.json').read_text())
  assert report['data'].startswith('multi_doors_keys/keys_3')
  assert report['samples'] == 2
  assert report['generation_mse_best_of_k'] < report['generation_mse']
  assert report['generation_mse_of_mean'] < report['generation_mse']


def test_probabilities_of_rewards_are_judged(evaluation):
  _, folder = evaluation
  report = json.loads((folder / 'metrics.json').read_text())
  curves = json.loads((folder / 'curves.json').read_text())
  for which in ('inference', 'generation', 'mean'):
    assert 0 <= report[f'{which}_calibration_error'] <= 1
    curve = curves[f'{which}_calibration']
    gap = np.abs(np.subtract(curve['x'], curve['mean']))
    error = np.average(gap, weights=curve['count'])
    assert report[f'{which}_calibration_error'] == pytest.approx(error, 1e-3)
  name = 'calibration_brier'
  assert report[f'mean_{name}'] <= report[f'generation_{name}']


def test_doors_and_rewards_are_judged(evaluation):
  out, folder = evaluation
  report = json.loads((folder / 'metrics.json').read_text())
  for which in ('inference', 'generation'):
    for name in ('door', 'reward'):
      assert 0 <= report[f'{which}_{name}_accuracy'] <= 1
  assert 0.5 <= report['reward_base_rate'] <= 1
  assert 'door states' in out
  assert 'best of the samples' in out


def test_curves_and_frames_are_kept(evaluation):
  _, folder = evaluation
  report = json.loads((folder / 'metrics.json').read_text())
  curves = json.loads((folder / 'curves.json').read_text())
  by_step = curves['generation_mse_by_step']
  assert by_step['x'] == list(range(1, report['horizon'] + 1))
  assert np.mean(by_step['mean']) == pytest.approx(
    report['generation_mse'], rel=1e-4
  )
  by_age = curves['generation_mse_by_age']
  seen = np.average(by_age['mean'], weights=by_age['count'])
  assert seen == pytest.approx(report['generation_mse_seen'], rel=1e-4)
  with np.load(folder / 'shown.npz') as shown:
    assert shown['truth'].shape == shown['imagination'].shape
    assert shown['truth'].dtype == np.uint8
    assert shown['steps'][-1] == report['horizon']


def test_what_is_observed_is_measured():
  files = ['base.gin', 'models/s5wm.gin', 'data/four_rooms.gin', 'smoke.gin']
  frames = "evaluate.evaluate.metrics = {'frames': @image_mse.image_mse()}"
  with pytest.raises(ValueError, match=r"need 'image'.*evaluate\.metrics"):
    config.parse(files, [frames], 'evaluate')


def test_no_answers_are_asked_of_recordings():
  answers = inspect.signature(evaluate.evaluate).parameters['answers'].default
  assert answers({}, context=3) == {}


@pytest.mark.filterwarnings('ignore:os.fork')  # Runs ffmpeg only.
@pytest.mark.parametrize('channels', [1, 3])
def test_a_video_shows_frames_of_any_kind(tmp_path, channels):
  frames = np.full((1, 4, 8, 8, channels), 200, np.uint8)
  guess = frames / 255
  video.write(tmp_path / 'x.mp4', frames, guess, guess[:, 2:], context=2)
  shown = iio.imread(tmp_path / 'x.mp4')
  assert len(shown) == 4
  np.testing.assert_allclose(shown[3, 100, 100], 200, atol=6)
