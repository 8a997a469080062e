"""The full configuration of every experiment, as text.

A changed default shows as a difference in review. After an intended change:
`UPDATE_GOLDEN=1 python -m pytest tests/golden`.
"""

import os
import pathlib
import re

import jax
import numpy as np
import pytest

from wm import config
from wm.data import batch as batching

GOLDEN = pathlib.Path(__file__).parent / 'configs'
DOCS = pathlib.Path(__file__).parents[2] / 'docs'
EXPERIMENTS = sorted(p.name for p in config.CONFIGS.glob('*.gin'))
EXPERIMENTS = [
  name
  for name in EXPERIMENTS
  if 'include' in (config.CONFIGS / name).read_text()
]
SCALES = ('paper', 'laptop', 'smoke')
MODELS, DATA = (
  sorted(path.stem for path in (config.CONFIGS / kind).glob('*.gin'))
  for kind in ('models', 'data')
)

KINDS = (
  'four_rooms',
  'distracting_memory_100',
  'memory_maze_9x9',
  'multi_doors_keys_3',
  'inverted_pendulum',
)


def parse(name, scale, *bindings, program='train'):
  files = [name] if scale == 'paper' else [name, f'{scale}.gin']
  return config.parse(files, bindings, program)


def parameters(model, data, scale):
  """How many parameters each part of a world model has."""
  files = ['base.gin', f'models/{model}.gin', f'data/{data}.gin']
  files += [] if scale == 'paper' else [f'{scale}.gin']
  task = config.parse(files, ['config.program.build = @task.task()'], 'train')
  actions = task.metadata['num_actions']
  batch = {
    **batching.blank(task.metadata, (2, 5)),
    'prev_action': jax.ShapeDtypeStruct((2, 5, actions), np.float32),
  }
  params = jax.eval_shape(task.model.init, jax.random.key(0), batch)
  return {
    name: sum(x.size for x in jax.tree.leaves(part))
    for name, part in params.items()
  }


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
  actions = task.metadata['num_actions']
  batch = {
    **batching.blank(task.metadata, (2, 5)),
    'prev_action': jax.ShapeDtypeStruct((2, 5, actions), np.float32),
    'reward': jax.ShapeDtypeStruct((2, 5), np.float32),
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


@pytest.mark.parametrize('scale', ['paper', 'laptop'])
def test_models_are_of_one_size(scale):
  sizes = {m: parameters(m, 'four_rooms', scale) for m in MODELS}
  totals = [sum(parts.values()) for parts in sizes.values()]
  assert max(totals) <= 1.1 * min(totals), sizes
  memories = [parts['backbone'] for parts in sizes.values()]
  assert max(memories) <= 1.5 * min(memories), sizes
  text = (DOCS / 'backbones.md').read_text()
  for model, parts in sizes.items():
    cells = (
      f'{sum(parts.values()) / 1e6:.2f} M',
      f'{parts["backbone"] / 1e6:.2f} M',
    )
    row = f'| `{model}` | {scale} | {" | ".join(cells)} |'
    assert row in text, f'docs/backbones.md needs the row {row}'


@pytest.mark.parametrize('data', DATA)
def test_a_model_goes_with_any_data(data):
  assert parameters('s4wm', data, 'smoke')['backbone'] > 0


@pytest.mark.parametrize('data', KINDS)
@pytest.mark.parametrize('model', MODELS)
def test_any_model_goes_with_data_of_any_kind(model, data):
  assert parameters(model, data, 'laptop')['backbone'] > 0


@pytest.mark.parametrize(
  ('name', 'binding'),
  [
    ('s4dwm', 's4d.s4d.init = @hippo.s4d_lin'),
    ('s4dwm', 's4d.s4d.discretize = @discretize.bilinear'),
    ('s5wm', 's5.s5.scan = @scan.associative'),
    ('s4wm', 'world_model.world_model.backbone = @s5.s5()'),
    ('s4wm', 'world_model.world_model.observe = @observe.recurrent()'),
    ('s4wm', 'evaluate.evaluate.figures = @trajectories.evaluation'),
  ],
)
def test_what_a_model_does_is_chosen_by_reference(name, binding):
  parse(f'{name}_fourrooms.gin', 'smoke', binding)
  assert binding in config.operative()


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
  assert re.search(r'generation_mse \d', header.split('Expected:')[1])
  words = header.split('Command:')[1].split('Device:')[0].split()
  files = [w.split('=')[1] for w in words if w.startswith('--gin_file=')]
  assert files[0] == name
  config.parse(files, [], 'train')
