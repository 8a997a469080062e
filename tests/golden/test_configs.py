"""The full configuration of every experiment, as text.

A changed default shows as a difference in review. After an intended change:
`UPDATE_GOLDEN=1 python -m pytest tests/golden`.
"""

import os
import pathlib

import jax
import numpy as np
import pytest

from wm import config

GOLDEN = pathlib.Path(__file__).parent / 'configs'
EXPERIMENTS = sorted(p.name for p in config.CONFIGS.glob('*.gin'))
EXPERIMENTS = [
  name
  for name in EXPERIMENTS
  if 'include' in (config.CONFIGS / name).read_text()
]
SCALES = ('paper', 'laptop', 'smoke')


def parse(name, scale, *bindings, program='train'):
  files = [name] if scale == 'paper' else [name, f'{scale}.gin']
  return config.parse(files, bindings, program)


@pytest.mark.parametrize('scale', SCALES)
@pytest.mark.parametrize('name', EXPERIMENTS)
def test_a_configuration_is_what_it_was(name, scale):
  parse(name, scale)
  path = GOLDEN / f'{pathlib.Path(name).stem}_{scale}.txt'
  text = config.operative()
  if os.environ.get('UPDATE_GOLDEN'):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
  assert text == path.read_text(), 'see the head of this file'


@pytest.mark.parametrize('scale', SCALES)
@pytest.mark.parametrize('name', EXPERIMENTS)
def test_a_model_can_be_built(name, scale):
  task = parse(name, scale, 'config.program.build = @task.task()')
  frame, actions = task.metadata['frame'], task.metadata['num_actions']
  batch = {
    'image': jax.ShapeDtypeStruct((2, 5, *frame), np.uint8),
    'prev_action': jax.ShapeDtypeStruct((2, 5, actions), np.float32),
    'mask': jax.ShapeDtypeStruct((2, 5), np.float32),
  }
  key = jax.random.key(0)
  params = jax.eval_shape(task.model.init, key, batch)
  loss, _ = jax.eval_shape(
    lambda params, batch: task.model.loss(params, key, None, batch),
    params,
    batch,
  )
  assert loss.shape == ()


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_the_configuration_of_a_run_parses_back_to_itself(name, tmp_path):
  parse(name, 'smoke', 'SEED = 7')
  before = config.operative()
  (tmp_path / 'config.gin').write_text(before)
  config.parse([str(tmp_path / 'config.gin')], [], 'train')
  assert config.operative() == before


@pytest.mark.parametrize('name', EXPERIMENTS)
def test_a_header_says_what_to_expect(name):
  lines = (config.CONFIGS / name).read_text().splitlines()
  header = ' '.join(
    line[1:].strip() for line in lines if line.startswith('#')
  )
  for field in ('Reproduces:', 'Command:', 'Device:', 'Expected:'):
    assert field in header
  words = header.split('Command:')[1].split('Device:')[0].split()
  files = [w.split('=')[1] for w in words if w.startswith('--gin_file=')]
  assert files[0] == name
  config.parse(files, [], 'train')
