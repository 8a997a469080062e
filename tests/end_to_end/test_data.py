"""S4WM trained and evaluated on data of each kind, from nothing, at smoke size.

tests/laws/test_datasets.py builds all of them, tests/golden/test_configs.py
puts a model on each.
"""

import json

import numpy as np
import pytest

from experiments import launch

DATA = (
  'distracting_memory_200',
  'four_rooms_teleport',
  'memory_maze_15x15',
  'multi_doors_keys_5',
)
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
