"""Laws of many devices: the same numbers, and few bytes between them."""

import functools
import json
import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import collectives
from tests import members
from wm import types
from wm.train import sharding

STEPWISE = 'gru', 'leaky'
ROOT = pathlib.Path(__file__).parents[2]


@functools.cache
def on_eight_devices(what, *names):
  """Returns what tests/sharded.py says of backbones, by name."""
  done = subprocess.run(
    [sys.executable, '-m', 'tests.sharded', what, *names],
    cwd=ROOT,
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr[-2000:]
  return json.loads(done.stdout.splitlines()[-1])


PARALLEL = tuple(name for name in members.BACKBONES if name not in STEPWISE)


@pytest.mark.parametrize('name', members.BACKBONES)
def test_eight_devices_learn_what_one_learns(name):
  found = on_eight_devices('equal', *members.BACKBONES)[name]
  alone, together = found['loss']
  assert together == pytest.approx(alone, rel=1e-5)
  assert found['gradient_error'] < 1e-4
  assert found['parts'] == [1, 2]  # Some parameters are shared out.
  assert found['follows']


@pytest.mark.parametrize('name', PARALLEL)
def test_what_devices_exchange_does_not_grow_with_time(name):
  found = on_eight_devices('exchanged', *PARALLEL)[name]
  short, long = found['64'], found['128']
  assert short == long
  assert sum(short.values()) > 0
  assert short['all-to-all'] == 0


def test_rows_of_a_convolution_stay_where_they_are():
  found = on_eight_devices('convolved', '64')['64']
  kernel = 3 * 64 * 4  # Its gradient is the sum over rows.
  assert 0 < found.pop('all-reduce') < 3 * kernel
  assert not any(found.values())


def test_what_needs_time_whole_says_so():
  found = on_eight_devices('refused', *STEPWISE, 'transformer_xl')
  for name in STEPWISE:
    assert 'step by step' in found[name]
    assert 'sharding.layout.time' in found[name]
  assert 'must hold the window' in found['transformer_xl']
  assert 'transformer_xl.transformer_xl.window' in found['transformer_xl']


def test_a_layout_needs_its_devices():
  with pytest.raises(ValueError, match=r'2 x 1 x 1 and 1 devices.*layout.data'):
    sharding.layout(data=2)
  with pytest.raises(ValueError, match=r'-1 x 0 x 1 and 1 devices'):
    sharding.layout(time=0)


def test_a_rule_fits_its_parameters():
  layout = sharding.layout(rules=[('kernel', ('model',))])
  state = types.TrainState(
    jnp.int32(0), {'kernel': jnp.zeros((4, 4))}, (), jax.random.key(0), None
  )
  with pytest.raises(ValueError, match=r"'kernel' names 1 axes.*\[4, 4\]"):
    sharding.of_state(layout, state)


def test_a_process_loads_the_rows_that_it_needs():
  asked = []

  def loader(step, rows=None):
    asked.append(rows)
    rows = range(4) if rows is None else rows
    return {'x': np.array([[step, row] for row in rows])}

  load = sharding.placed(sharding.layout(), loader, loader(0))
  batch = load(7)
  assert asked == [None, [0, 1, 2, 3]]
  assert isinstance(batch['x'], jax.Array)
  np.testing.assert_array_equal(batch['x'], loader(7)['x'])


def test_exchanges_in_a_loop_are_counted_as_often_as_it_turns():
  found = collectives.exchanges(
    """
%body (x: f32[4]) -> f32[4] {
  %x = f32[4]{0} parameter(0)
  ROOT %sum = f32[4]{0} all-reduce(%x), replica_groups={}, to_apply=%add
}

%condition (x: f32[4]) -> pred[] {
  ROOT %true = pred[] constant(true)
}

ENTRY %main (x: f32[4]) -> f32[8] {
  %x = f32[4]{0} parameter(0)
  %loop = f32[4]{0} while(%x), condition=%condition, body=%body, \
backend_config={"known_trip_count":{"n":"5"}}
  %start = (f32[4]{0}, f32[8]{0}) all-gather-start(%loop), dimensions={0}
  ROOT %done = f32[8]{0} all-gather-done(%start)
}
"""
  )
  assert [(x.kind, x.bytes, x.times) for x in found] == [
    ('all-gather', 32, 1),
    ('all-reduce', 16, 5),
  ]
