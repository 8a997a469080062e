"""Laws of the trial that kills trainings: it sees what was lost."""

import json
import pathlib

import jax
import numpy as np
import orbax.checkpoint as ocp
import pytest

from experiments.benchmarks import kills

LINES = [
  {'step': 1, 'loss': 3.0, 'steps_per_second': 0.5},
  {'step': 2, 'loss': 2.0},
  {'step': 2, 'validation_loss': 2.5},
]


def run_folder(folder, lines=LINES, param=1.0, error=4.0) -> pathlib.Path:
  """Writes what a training of two steps leaves behind."""
  (folder / 'evaluation').mkdir(parents=True)
  (folder / 'evaluation/metrics.json').write_text(json.dumps({'mse': error}))
  text = ''.join(json.dumps(line) + '\n' for line in lines)
  (folder / 'measurements.jsonl').write_text(text)
  with ocp.StandardCheckpointer() as writer:
    step = folder.absolute() / 'checkpoints/2'
    writer.save(step / 'params', {'x': np.float32([param])})
    writer.save(step / 'rest', {'key': jax.random.key(0)})
  return folder


@pytest.fixture(scope='module')
def alone(tmp_path_factory):
  return run_folder(tmp_path_factory.mktemp('alone') / 'run')


SAVED_WHEN_ASKED = {'step': 1, 'validation_loss': 2.8}


@pytest.mark.parametrize(
  ('changes', 'found'),
  [
    ({}, ''),
    ({'lines': [{**LINES[0], 'steps_per_second': 9.0}, *LINES[1:]]}, ''),
    ({'lines': [LINES[0], SAVED_WHEN_ASKED, *LINES[1:]]}, ''),
    ({'lines': LINES[1:]}, 'logbook'),
    ({'lines': [LINES[0], *LINES]}, 'logbook'),
    ({'lines': LINES[::-1]}, 'logbook'),
    ({'lines': [{'step': 1, 'loss': 3.0 + 1e-9}, *LINES[1:]]}, 'logbook'),
    ({'param': np.nextafter(np.float32(1), np.float32(2))}, 'params'),
    ({'error': 5.0}, 'evaluation'),
  ],
)
def test_what_differs_is_said(alone, tmp_path, changes, found):
  wrong = kills.differences(alone, run_folder(tmp_path / 'run', **changes), {1})
  assert [found in line for line in wrong] == ([True] if found else [])
