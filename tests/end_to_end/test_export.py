"""Exports: small, whole or not there, and as good as the run to look at."""

import json
import os
import signal
import subprocess
import time

import imageio.v3 as iio
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import datasets
from experiments import export, launch, provenance
from tests.end_to_end import runs
from wm.train import checkpoint

pytestmark = pytest.mark.filterwarnings(r'ignore:.*os\.fork')  # Of ffmpeg.
FILES = ['s4wm_fourrooms.gin', 'smoke.gin']


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('runs') / 'one'
  launch.launch(FILES, ['WIDTH = 80'], str(workdir), 'train')
  return workdir


@pytest.fixture(scope='module')
def exported(run):
  return export_to(run, run.parent / 'exports' / 'one')


def export_to(run, folder, *bindings):
  bindings = [f"export.export.to = '{folder}'", *bindings]
  launch.launch([], bindings, str(run), 'export')
  return folder


def files(folder):
  return [path for path in folder.rglob('*') if path.is_file()]


def names(params):
  return {
    jax.tree_util.keystr(path, simple=True, separator='/'): np.asarray(x)
    for path, x in jax.tree_util.tree_leaves_with_path(params)
  }


def test_parameters_are_rounded_but_for_state_spaces(run, exported):
  before = names(runs.final_parameters(run))
  after = names(runs.final_parameters(exported))
  assert before.keys() == after.keys()
  narrow = {name for name, x in after.items() if x.dtype == jnp.bfloat16}
  assert any(name.endswith('/kernel') for name in narrow)
  for name, x in before.items():
    if name in narrow:
      assert x.size >= 4096
      np.testing.assert_allclose(np.float32(after[name]), x, rtol=2**-8)
    else:
      np.testing.assert_array_equal(after[name], x)


@pytest.mark.parametrize('name', ['Lambda_re', 'Lambda_im', 'P', 'B', 'log_dt'])
def test_dynamics_are_never_rounded(name):
  params = {'ssm': {name: jnp.full((100, 100), 1 / 3), 'C': jnp.ones(9999)}}
  found = export.rounded(params, jnp.bfloat16)['ssm']
  assert found[name].dtype == jnp.float32
  assert found['C'].dtype == jnp.bfloat16


def test_complex_numbers_are_never_rounded():
  params = {'kernel': jnp.ones(9999, jnp.complex64)}
  found = export.rounded(params, jnp.bfloat16)
  assert found['kernel'].dtype == jnp.complex64


def test_parameters_are_read_as_the_model_has_them(run, exported):
  like = jax.tree.map(jnp.asarray, runs.final_parameters(run))
  params = checkpoint.parameters(str(exported))(like)
  assert {x.dtype for x in jax.tree.leaves(params)} == {jnp.dtype('float32')}


def test_an_export_is_small_and_names_no_path(run, exported):
  assert not list(exported.rglob('rest'))
  size = [sum(x.stat().st_size for x in files(f)) for f in (run, exported)]
  assert size[1] < size[0] / 4
  for path in files(exported):
    assert str(run.parent).encode() not in path.read_bytes(), path


def test_evaluation_is_as_of_the_run(run, exported):
  path = exported / 'evaluation/metrics.json'
  before = (run / 'evaluation/metrics.json').read_text()
  assert path.read_text() == before
  launch.launch([], [], str(exported), 'evaluate')
  before, after = json.loads(before), json.loads(path.read_text())
  assert after['step'] == before['step']
  np.testing.assert_allclose(
    after['generation_mse'], before['generation_mse'], rtol=0.01
  )


def test_it_imagines_without_the_data_set(exported, tmp_path, monkeypatch):
  monkeypatch.setenv('TFDS_DATA_DIR', str(tmp_path))
  bindings = [
    f"episodes.preview.data_dir = '{tmp_path}'",
    'imagine.imagine.episodes = (3, 0)',
    'imagine.imagine.samples = 2',
  ]
  launch.launch([], bindings, str(exported), 'imagine')
  assert not list(tmp_path.iterdir())
  strip = iio.imread(exported / 'imagination/strip.png')
  assert strip.shape[0] > 6 * 90
  assert strip.std() > 5
  video = iio.imread(exported / 'imagination/imagination.mp4')
  about = datasets.describe('rooms/four_rooms', 'smoke')
  assert video.shape[:3] == (about['length'], 412, 584)
  truth = datasets.load('rooms/four_rooms', 'test', 'smoke')[3]
  corner = truth['observation']['image'][7].repeat(12, 0).repeat(12, 1)
  shown = video[7, 24:216, :192].astype(int)
  assert np.abs(shown - corner).mean() < 6


@pytest.mark.parametrize(
  ('binding', 'words'),
  [
    ('episodes = (0, 4)', '0 to 3'),
    ('episodes = ()', 'nothing to show'),
    ('samples = 0', 'samples'),
    ('context = 1', 'context'),
    ('horizon = 13', 'horizon'),
  ],
)
def test_what_cannot_be_imagined_is_said(run, binding, words):
  with pytest.raises(ValueError, match='imagine.imagine') as caught:
    launch.launch([], [f'imagine.imagine.{binding}'], str(run), 'imagine')
  assert words in str(caught.value)


def test_a_shorter_horizon_is_imagined(run):
  bindings = ['imagine.imagine.horizon = 2', 'imagine.imagine.context = 5']
  launch.launch([], bindings, str(run), 'imagine')
  assert len(iio.imread(run / 'imagination/imagination.mp4')) == 7


def test_training_does_not_go_on_from_an_export(exported):
  before = sorted(files(exported / 'checkpoints'))
  with pytest.raises(ValueError, match=r'checkpoint\.parameters\.folder'):
    launch.launch([], [], str(exported), 'train')
  assert sorted(files(exported / 'checkpoints')) == before


def test_an_export_is_replaced_and_nothing_else_is(run, tmp_path):
  folder = export_to(run, tmp_path / 'one')
  (folder / 'old').touch()
  export_to(run, folder, "export.export.dtype = 'float32'")
  assert not (folder / 'old').exists()
  runs.assert_same_parameters(run, folder)
  assert [path.name for path in tmp_path.iterdir()] == ['one']
  other = tmp_path / 'mine'
  other.mkdir()
  (other / 'file').write_text('mine')
  for place in (other, other / 'file', run):
    with pytest.raises(ValueError, match=r'export\.export\.to'):
      export_to(run, place)
  assert (other / 'file').read_text() == 'mine'


def test_what_is_too_large_is_not_left(run, tmp_path):
  with pytest.raises(ValueError, match='megabytes'):
    export_to(run, tmp_path / 'one', 'export.export.megabytes = 0.01')
  assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('dtype', ['int8', 'small'])
def test_only_floats_are_parameters(run, tmp_path, dtype):
  with pytest.raises(ValueError, match=r'export\.export\.dtype'):
    export_to(run, tmp_path / 'one', f"export.export.dtype = '{dtype}'")


def test_a_mistake_midway_leaves_what_was(run, tmp_path, monkeypatch):
  folder = export_to(run, tmp_path / 'one')
  before = {path: path.read_bytes() for path in files(folder)}

  def fail(*_):
    raise KeyboardInterrupt

  monkeypatch.setattr(provenance, 'write_whole', fail)
  with pytest.raises(KeyboardInterrupt):
    export_to(run, folder)
  assert {path: path.read_bytes() for path in files(tmp_path)} == before


def test_a_killed_export_is_not_there(run, tmp_path):
  flags = f"--gin_bindings=export.export.to = '{tmp_path / 'one'}'"
  process = subprocess.Popen(
    runs.command(run, '--program=export', flags),
    cwd=runs.ROOT,
    stderr=subprocess.DEVNULL,
  )
  while not list(tmp_path.iterdir()) and process.poll() is None:
    time.sleep(0.001)
  os.kill(process.pid, signal.SIGKILL)
  process.wait()
  left = list(tmp_path.iterdir())
  assert [path.suffix for path in left] == ['.partial']
  assert not list(tmp_path.rglob('export.json'))
