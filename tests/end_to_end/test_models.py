"""Every model of the comparison, trained and stopped under smoke.gin."""

import json
import signal

import numpy as np
import pytest

from tests.end_to_end import runs

STEPS = '--gin_bindings=STEPS = 20'


def train(name, workdir):
  flags = [f'--gin_file={name}_fourrooms.gin', '--gin_file=smoke.gin', STEPS]
  done = runs.run(workdir, *flags)
  assert done.returncode == 0, done.stderr
  metrics = json.loads((workdir / 'evaluation/metrics.json').read_text())
  assert np.isfinite(metrics['generation_mse'])
  assert metrics['step'] == 20
  return flags


# S4WM is looked at closely in test_train.py.
@pytest.mark.parametrize('name', ['s4dwm', 's5wm'])
def test_it_trains(name, tmp_path):
  train(name, tmp_path)


@pytest.mark.parametrize('name', ['rssm_tbtt', 'tssm_xl'])
def test_a_killed_run_takes_up_its_memory(name, tmp_path):
  whole, killed = tmp_path / 'whole', tmp_path / 'killed'
  flags = train(name, whole)
  assert '\nloader.episode_chunks.' in (whole / 'config.gin').read_text()
  code, _ = runs.stop_after(killed, 9, signal.SIGKILL, *flags)
  assert code == -signal.SIGKILL
  train(name, killed)
  runs.assert_same_run(whole, killed)


def test_a_chunk_longer_than_the_episodes_is_a_message(tmp_path):
  done = runs.run(
    tmp_path / 'run',
    '--gin_file=rssm_tbtt_fourrooms.gin',
    '--gin_file=smoke.gin',
    '--gin_bindings=CHUNK = 26',
  )
  assert done.returncode == 2
  assert 'got chunk=26 with episodes of 25 steps' in done.stderr
  assert 'Traceback' not in done.stderr
