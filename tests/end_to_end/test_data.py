"""S4WM trained and evaluated on every data set, from nothing, at smoke size."""

import json

import numpy as np
import pytest

from experiments import launch
from wm import config

DATA = sorted(path.stem for path in (config.CONFIGS / 'data').glob('*.gin'))
BINDINGS = ['STEPS = 2', 'SAVE_EVERY = 2']


@pytest.mark.parametrize('data', DATA)
def test_s4wm_runs_on_it(data, tmp_path):
  files = ['base.gin', 'models/s4wm.gin', f'data/{data}.gin', 'smoke.gin']
  launch.launch(files, BINDINGS, str(tmp_path), 'train')
  metrics = json.loads((tmp_path / 'evaluation/metrics.json').read_text())
  assert np.isfinite(metrics['generation_mse'])
  lines = (tmp_path / 'measurements.jsonl').read_text().splitlines()
  measured = json.loads(lines[0])
  paid = 'bernoulli' in (tmp_path / 'config.gin').read_text()
  assert ('reward' in measured) == paid
