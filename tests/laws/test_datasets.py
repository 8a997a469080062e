"""Laws of data sets: every builder in `datasets`, at its smallest size.

The golden files hold episode 0 of each. Write them again, on purpose, with
`UPDATE_GOLDEN=1 python -m pytest tests/laws/test_datasets.py -k golden`.
"""

import json
import os
import pathlib
import subprocess
import sys

import jax
import numpy as np
import pytest

import datasets
from datasets import catalogue
from tests.records import exact

ROOT = pathlib.Path(__file__).parents[2]
GOLDEN = ROOT / 'tests' / 'golden'
NAMES = [name for name in catalogue.names() if name.endswith('_smoke')]
KINDS = (
  'rooms/four_rooms_teleport_smoke',
  'distracting_memory/width_100_smoke',
  'multi_doors_keys/keys_3_smoke',
  'memory_maze/jax_9x9_smoke',
  'brax_states/inverted_pendulum_smoke',
)
FIRST = 'rooms/two_rooms_smoke'
OUTSIDE = ('memory_maze/9x9_smoke', 'memory_maze/15x15_smoke')
"""Made by the real environment, which has tests of its own."""
NAMES = [name for name in NAMES if name not in OUTSIDE]
VECTORS = {
  'reward': np.float32, 'discount': np.float32,
  'is_first': np.bool_, 'is_last': np.bool_, 'is_terminal': np.bool_,
}  # fmt: skip


def seen(episode, every=1):
  """Returns what is observed, pixels by number, states by 1/255."""
  (observed,) = episode['observation'].values()
  scale = 1 if observed.dtype == np.uint8 else 255
  return observed[::every].astype(float) * scale


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  return str(tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='module', params=NAMES)
def splits(request, data_dir):
  name = request.param
  return {
    split: datasets.load(name, split, data_dir=data_dir)
    for split in datasets.describe(name)['splits']
  }


@pytest.fixture(scope='module')
def train(data_dir):
  return datasets.load(FIRST, data_dir=data_dir)


def test_an_episode_has_the_fields_of_rlds(splits):
  for episodes in splits.values():
    about = episodes.metadata
    _, config = catalogue.find(episodes.name)
    assert set(config.observation) == {about['observation']}
    kinds = config.observation | {'action': config.action}
    for episode in episodes:
      for name, x in (episode['observation'] | episode).items():
        if name in kinds:
          shape, dtype = kinds[name]
          assert x.shape == (about['length'], *shape)
          assert x.dtype == dtype
      for name, dtype in VECTORS.items():
        assert episode[name].shape == (about['length'],)
        assert episode[name].dtype == dtype
      assert set(episode['observation']) == set(config.observation)
      assert set(episode) == {*VECTORS, 'action', 'observation', 'oracle'}
      last = np.arange(about['length']) == about['length'] - 1
      np.testing.assert_array_equal(episode['is_first'], last[::-1])
      np.testing.assert_array_equal(episode['is_last'], last)
      over = episode['discount'][:-1] == 0
      assert (over[1:] >= over[:-1]).all()
      np.testing.assert_array_equal(episode['is_terminal'], last & over[-1])
      assert episode['discount'][-1] == 1
      low, high = (-1, 2) if config.action[0] else (0, about['num_actions'])
      assert episode['action'].min() >= low
      assert episode['action'].max() < high
      assert not episode['action'][-1].any()


def test_a_data_set_is_as_described(splits):
  for split, episodes in splits.items():
    about = datasets.describe(episodes.name)
    assert episodes.metadata == about
    assert about['length'] == about['context'] + about['query']
    assert len(episodes) == about['splits'][split]


def test_no_episode_comes_twice(splits):
  found = [exact(e) for episodes in splits.values() for e in episodes]
  assert len(set(found)) == len(found)


def test_an_episode_is_golden(splits):
  name = splits['train'].name
  builder, _, config = name.partition('/')
  episode, paths = splits['train'][0], (
    GOLDEN / f'{builder}.json',
    GOLDEN / f'{builder}_{config}.npz',
  )  # fmt: skip
  hashes = json.loads(paths[0].read_text()) if paths[0].exists() else {}
  if os.environ.get('UPDATE_GOLDEN'):
    hashes[config] = exact(episode)
    paths[0].write_text(json.dumps(hashes, indent=2, sort_keys=True) + '\n')
    observed = episode['observation'].items()
    np.savez_compressed(paths[1], **{name: x[::6] for name, x in observed})
  assert exact(episode) == hashes[config]
  with np.load(paths[1]) as golden:
    off = seen(episode, 6) - seen({'observation': golden})
  # Rounding differs by machine and may move an edge by a pixel.
  assert (np.abs(off) > 2).mean() < 0.01


@pytest.fixture(scope='module', params=KINDS)
def parts(request):
  """Returns a data set's name and a maker of three episodes at a time."""
  about, config = catalogue.find(request.param)
  return request.param, about.maker(config, 'train', 3)


def test_an_episode_does_not_depend_on_its_batch(parts, data_dir):
  name, make = parts
  whole = datasets.load(name, data_dir=data_dir)
  for i, part in enumerate([*make(0), *make(3)]):
    assert exact(part) == exact(whole[i])
    # Rounding may differ by the size of the batch.
    assert np.abs(seen(part) - seen(whole[i])).max() <= 1


@pytest.mark.parametrize('name', KINDS)
def test_a_preview_is_the_data_set_itself(name, data_dir, tmp_path):
  made = datasets.preview(name, 'test', 3, data_dir=str(tmp_path))
  assert not list(tmp_path.iterdir())
  assert made.metadata == datasets.describe(name)
  whole = datasets.load(name, 'test', data_dir=data_dir)
  read = datasets.preview(name, 'test', 99, data_dir=data_dir)
  assert (len(made), len(read)) == (3, len(whole))
  for found in (made, read):
    for one, other in zip(found, whole, strict=False):
      assert jax.tree.structure(one) == jax.tree.structure(other)
      for a, b in zip(*map(jax.tree.leaves, (one, other)), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b)


def test_a_preview_of_no_split_is_said(tmp_path):
  for split, words in (
    ('tset', 'no such split'),
    ('test[:1]', "need 'test' and a count; change preview.split"),
  ):
    with pytest.raises(ValueError, match=words):
      datasets.preview(FIRST, split, data_dir=str(tmp_path))
  assert not list(tmp_path.iterdir()), 'a preview builds nothing'


@pytest.mark.parametrize(
  ('flag', 'value'),
  [
    ('jax_default_prng_impl', 'rbg'),
    ('jax_threefry_partitionable', False),
    ('jax_enable_x64', True),
  ],
)
def test_a_flag_of_jax_does_not_change_data_in_silence(flag, value, tmp_path):
  before = getattr(jax.config, flag)
  jax.config.update(flag, value)
  try:
    with pytest.raises(ValueError, match=f'{flag.upper()}={value}, need '):
      datasets.preview(FIRST, data_dir=str(tmp_path))
    with pytest.raises(ValueError, match=f"update.'{flag}'"):
      datasets.load(FIRST, data_dir=str(tmp_path))
  finally:
    jax.config.update(flag, before)
  assert not list(tmp_path.rglob('*.array_record*'))


def test_rooms_are_the_rooms_of_the_pose(data_dir):
  for episode in datasets.load(
    'rooms/four_rooms', 'val', 'smoke', data_dir=data_dir
  ):
    oracle = episode['oracle']
    cell = oracle['pose'][:, :2] // (3 * 1024)
    np.testing.assert_array_equal(oracle['room'], cell[:, 1] * 2 + cell[:, 0])
    assert oracle['wall_color'].shape == (2, 2)


def test_episodes_are_a_sequence(train):
  assert exact(train[-1]) == exact(train[len(train) - 1])
  assert exact(train[np.int64(1)]) == exact(list(train)[1])
  for index in (len(train), -len(train) - 1):
    with pytest.raises(IndexError, match='no such episode'):
      train[index]


def test_a_split_can_be_sliced(train, data_dir):
  half = datasets.load(FIRST, 'train[:50%]', data_dir=data_dir)
  assert len(half) == len(train) // 2
  assert exact(half[0]) == exact(train[0])


def test_a_folder_that_cannot_be_written_is_explained(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(ValueError, match='change load.data_dir'):
    datasets.load(FIRST, data_dir=str(tmp_path / 'file' / 'data'))


def test_importing_loads_neither_tensorflow_nor_brax():
  code = (
    'import sys, datasets; datasets.describe("rooms/four_rooms");'
    'sys.exit(bool({"tensorflow", "brax"} & set(sys.modules)))'
  )
  assert subprocess.run([sys.executable, '-c', code], cwd=ROOT).returncode == 0
