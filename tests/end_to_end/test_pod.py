"""The pod program: what an update takes on devices that need not be there."""

import json

import jax
import jax.numpy as jnp
import pytest

from experiments import collectives, launch, operations, pod
from experiments.benchmarks import pods
from wm import config

FILES = ('s5wm_fourrooms.gin', 'smoke.gin')


def test_an_update_is_compiled_for_this_machine(tmp_path, capsys):
  launch.launch(FILES, [], str(tmp_path), 'pod')
  report = json.loads((tmp_path / 'pod.json').read_text())
  assert report['chips'] == 1
  assert report['batch'] == [2, 25]
  assert report['bytes_per_chip'] > 4 * report['parameters']
  assert report['flops'] > 6 * 50 * report['parameters'] / 2
  assert sum(report['bytes_exchanged_per_chip'].values()) == 0
  assert 'memory of a chip' in capsys.readouterr().out


def test_what_does_not_fit_is_said():
  report = {'bytes_per_chip': 20e9}
  with pytest.raises(ValueError, match=r'20\.0 GB on each chip.* 16 GB'):
    pod._check_fits(report, pod.CHIPS['v5e'])


def test_an_unknown_chip_is_said(tmp_path):
  bindings = ["pod.pod.topology = 'v9:4x4'"]
  with pytest.raises(ValueError, match='there are v4, v5e.*pod.pod.topology'):
    launch.launch(FILES, bindings, str(tmp_path), 'pod')


def test_the_roofline_is_the_largest_of_three():
  chip = pod.Chip(flops=10.0, memory=1.0, bandwidth=100.0, network=1000.0)
  report = {
    'flops': 80,
    'chips': 4,
    'bytes_moved_per_chip': 300,
    'bytes_exchanged_per_chip': {'all-gather': 400, 'all-reduce': 500},
  }
  found = pod.roofline(report, chip)
  assert found['seconds_by_bound'] == {
    'arithmetic': 2.0, 'memory': 3.0, 'network': 0.9
  }  # fmt: skip
  assert found['bound'] == 'memory'
  assert found['estimated_seconds_per_step'] == 3.0


def test_operations_are_counted_through_loops_and_gradients():
  def power(x):
    return jnp.sum(jax.lax.scan(lambda y, _: (y @ x, None), x, length=5)[0])

  x = jnp.ones((8, 8))
  product = 2 * 8**3
  assert operations.count(jax.make_jaxpr(power)(x).jaxpr) == 5 * product
  gradient = jax.make_jaxpr(jax.grad(power))(x)
  assert operations.count(gradient.jaxpr) == 3 * 5 * product
  convolve = jax.make_jaxpr(
    lambda x, k: jax.lax.conv(x, k, (2, 2), 'SAME')
  )(jnp.ones((1, 3, 8, 8)), jnp.ones((6, 3, 4, 4)))  # fmt: skip
  assert operations.count(convolve.jaxpr) == 2 * (3 * 16) * (6 * 16)


@pytest.mark.parametrize(
  ('groups', 'axis'),
  [
    ('replica_groups={{0,1},{2,3},{4,5},{6,7}}', 'model'),
    ('replica_groups=[4,2]<=[8]', 'model'),
    ('replica_groups=[4,2]<=[2,4]T(1,0)', 'data'),
    ('replica_groups={}', 'data+time+model'),
    ('source_target_pairs={{0,2},{4,6}}, x', 'time'),
  ],
)
def test_exchanges_are_told_by_axis(groups, axis):
  found = [collectives.Exchange('all-reduce', 8, 3, groups)]
  axes = {'data': 2, 'time': 2, 'model': 2}
  assert collectives.by_axis(found, axes) == {axis: 24}


@pytest.mark.parametrize('table', pods.TABLES)
def test_rows_of_a_table_are_configurations(table):
  for row in pods.TABLES[table]:
    _, _, *flags = pods.command(row, 'run')
    values = [flag.partition('=') for flag in flags]
    files = [value for name, _, value in values if name == '--gin_file']
    bindings = [v for name, _, v in values if name == '--gin_bindings']
    config.parse(files, bindings, 'pod')
    assert f"pod.topology = '{row.topology}'" in config.operative()


def test_a_row_that_is_compiled_is_only_read(tmp_path):
  report = {
    'chips': 2, 'batch': [4, 25], 'bytes_per_chip': 1.5e9,
    'flops': 3e12, 'bytes_moved_per_chip': 7e9,
    'bytes_exchanged_per_chip': {'all-reduce': 2e6, 'all-gather': 3e6},
    'estimated_seconds_per_step': 0.25, 'bound': 'memory',
  }  # fmt: skip
  for row in pods.TABLES['scaling']:
    folder = tmp_path / 'scaling' / row.name.replace(' ', '_')
    folder.mkdir(parents=True)
    (folder / 'pod.json').write_text(json.dumps(report))
  _, _, first, *_ = pods.pods('scaling', tmp_path)
  assert first == (
    '| 1x1 | 2 | 4 x 25 | 1.50 | 3.0 | 7.0 | 5 | 250.0 | memory |'
  )
