"""Every model of the comparison, trained and stopped under smoke.gin."""

import json
import signal

import numpy as np
import pytest

from tests.end_to_end import runs
from wm import config

EXPERIMENTS = sorted(p.name for p in config.CONFIGS.glob('*_fourrooms.gin'))
EXPERIMENTS.remove('s4wm_fourrooms.gin')  # test_train.py looks at it closely.
STEPS = '--gin_bindings=STEPS = 20'


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_a_killed_run_ends_as_if_nothing_had_happened(name, tmp_path):
  flags = [f'--gin_file={name}', '--gin_file=smoke.gin', STEPS]
  whole, killed = tmp_path / 'whole', tmp_path / 'killed'
  done = runs.run(whole, *flags)
  assert done.returncode == 0, done.stderr
  metrics = json.loads((whole / 'evaluation/metrics.json').read_text())
  assert np.isfinite(metrics['generation_mse'])
  assert metrics['step'] == 20

  code, _ = runs.stop_after(killed, 9, signal.SIGKILL, *flags)
  assert code == -signal.SIGKILL
  done = runs.run(killed, *flags)
  assert done.returncode == 0, done.stderr
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
