"""The speed program runs and writes what it says."""

import functools
import json

import jax
import numpy as np
import pytest

from experiments import machine, speed
from experiments.benchmarks import (
  clock,
  loading,
  models,
  one_layer,
  shares,
  updates,
  worlds,
  zoo,
)

GRID = 'distracting_memory/width_100_smoke'
OPPONENT = 'MiniGrid-MemoryS17Random-v0'


def tiny():
  """Returns the zoo at a small size."""
  return zoo.zoo(width=32, order=8, depth=1)


def two():
  """Returns a state-space model and its rival."""
  return {name: tiny()[name] for name in ('s5wm', 'rssm_tbtt')}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """A run of all parts, at a small size."""
  small = functools.partial
  parts = (
    small(one_layer.one_layer, 32, order=8, batch=2, length=8, repetitions=2),
    small(shares.shares, two, batch=2, length=8, repetitions=2),
    small(models.train, two, (8, 16), batch=2, repetitions=2, at=16),
    small(models.imagine, two, (8, 16), batch=2, repetitions=2, at=16),
    small(updates.savings, two, 16, 2, 0.5, 2, 16, 1),
    small(worlds.worlds, (GRID,), (OPPONENT,), 32, 8, 3),
    small(loading.loading, 'rooms/four_rooms_smoke', 2, 2, 2),
    small(loading.building, 'rooms/four_rooms_smoke'),
  )
  workdir = tmp_path_factory.mktemp('speed')
  speed.speed(parts=parts)(workdir)
  return workdir


def test_every_part_is_measured(folder):
  report = json.loads((folder / 'speed.json').read_text())
  found = {row['part'] for row in report['results']}
  assert found >= {'layer', 'share', 'train', 'imagine', 'world', 'data'}
  rows = {(r['what'], r['length']): r for r in report['results']
          if r['part'] == 'train'}  # fmt: skip
  assert rows['rssm_tbtt_wide', 16]['frames'] == 2 * 16
  per_frame = [
    np.divide(rows[what, 16]['seconds'], rows[what, 16]['frames'])
    for what in ('rssm_tbtt', 's5wm')
  ]
  ratio = report['ratios']['train_rssm_tbtt_over_s5wm']
  assert ratio == pytest.approx(np.median(np.divide(*per_frame)), 1e-6)
  for row in report['results']:
    assert all(seconds > 0 for seconds in row['seconds'])
    assert row['frames_per_second'] > 0
  assert set(report['ratios']) >= {
    'layer_gru_over_s5',
    'layer_gru_over_s4d',
    'layer_gru_over_s4',
    'layer_gru_over_memax_lru',
    'memory_s5wm_at_once_over_recomputed',
    'time_s5wm_conv_at_once_over_few_frames',
    's4_block_over_layer_gru',
    'train_rssm_tbtt_over_s5wm',
    'train_s5wm_per_frame_16_over_8',
    'imagine_s5wm_over_rssm_tbtt',
    f'world_{OPPONENT}_over_{GRID}',
    'train_s5wm_over_load',
    'build_busy_share_of_cores',
  }
  for name, (least, most) in report['spread'].items():
    assert least <= report['ratios'][name] <= most
  assert 'train_s5wm' in report['growth']


def test_tables_and_plot_are_written(folder):
  text = (folder / 'speed.md').read_text()
  assert '| layer_gru_over_s5 |' in text
  assert (folder / 'speed.png').stat().st_size > 10_000


def test_the_zoo_is_of_one_size():
  sizes = []
  for member in zoo.zoo().values():
    model = zoo.model(member, 8)
    params = jax.eval_shape(
      model.init, jax.random.key(0), zoo.batch(None, 1, 8)
    )
    sizes.append(sum(x.size for x in jax.tree.leaves(params)))
  assert max(sizes) < 1.1 * min(sizes)


def test_a_chunk_has_its_own_frames_and_wide_rows_those_of_episodes():
  assert zoo.batch(48, 2, 1024, (8, 8, 3))['mask'].shape == (2, 48)
  assert zoo.batch(48, 2, 32, (8, 8, 3))['mask'].shape == (2, 32)
  assert zoo.batch(None, 2, 96, (8, 8, 3))['mask'].shape == (2, 96)
  rows = zoo.wide(48, 8, 1024)
  assert rows * 48 <= 8 * 1024 < (rows + 1) * 48


def test_growth_is_the_exponent():
  rows = [
    {
      'part': 'train',
      'what': what,
      'length': n,
      'frames': 8 * (n if what == 'whole' else 48),
      'seconds': [3e-3 * n**1.5],
    }
    for n in (128, 256, 4096)
    for what in ('whole', 'chunk')
  ]
  assert speed.growth(rows) == {'train_whole': pytest.approx(1.5)}


def test_competitors_take_turns():
  order = []
  calls = {name: functools.partial(order.append, name) for name in 'ab'}
  seconds = clock.take_turns(calls, 2)
  assert order == list('ababab')
  assert [len(seconds[name]) for name in 'ab'] == [2, 2]


def test_a_program_knows_its_memory():
  x = np.zeros((64, 64), np.float32)
  program = clock.program(lambda x: x @ x, x)
  assert program.peak_bytes >= 2 * x.nbytes
  np.testing.assert_array_equal(program.call(), x)


def test_nothing_to_measure_is_explained():
  with pytest.raises(ValueError, match='change speed.speed.parts'):
    speed.speed(parts=())


@pytest.mark.parametrize('part', [models.train, models.imagine])
def test_ratios_of_a_length_that_is_not_measured_are_explained(part):
  with pytest.raises(ValueError, match=f'change models.{part.__name__}.at'):
    part(lengths=(128, 2048))


def test_a_cache_that_was_chosen_stays(monkeypatch, tmp_path):
  chosen = jax.config.jax_compilation_cache_dir
  monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
  try:
    jax.config.update('jax_compilation_cache_dir', 'mine')
    machine.keep_compiled()
    assert jax.config.jax_compilation_cache_dir == 'mine'
    jax.config.update('jax_compilation_cache_dir', None)
    machine.keep_compiled()
    assert jax.config.jax_compilation_cache_dir.startswith(str(tmp_path))
  finally:
    jax.config.update('jax_compilation_cache_dir', chosen)
