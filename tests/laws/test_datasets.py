"""Laws of data sets: every builder in `datasets`, at its smallest size.

The golden files hold episode 0 of each. Write them again, on purpose, with
`UPDATE_GOLDEN=1 python -m pytest tests/laws/test_datasets.py -k golden`.
"""

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import jax
import numpy as np
import pytest

import datasets
from datasets import episodes as catalogue
from datasets import rooms

ROOT = pathlib.Path(__file__).parents[2]
GOLDEN = ROOT / 'tests' / 'golden'
NAMES = [name for name in catalogue.names() if name.endswith('_smoke')]
VECTORS = {
  'action': np.int32, 'reward': np.float32, 'discount': np.float32,
  'is_first': np.bool_, 'is_last': np.bool_, 'is_terminal': np.bool_,
}  # fmt: skip
SIZES = {
  'rooms/two_rooms': (301, 200, 64, 28000),
  'rooms/four_rooms': (501, 500, 64, 28000),
  'rooms/ten_rooms': (1101, 900, 64, 28000),
  'rooms/two_rooms_laptop': (61, 60, 32, 2048),
  'rooms/four_rooms_laptop': (101, 100, 32, 2048),
  'rooms/ten_rooms_laptop': (241, 200, 32, 2048),
}


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
  return datasets.load(NAMES[0], data_dir=data_dir)


def exact(episode):
  """Returns a hash of all but the frames, whose rounding may differ."""
  digest = hashlib.sha256()
  rest = {k: v for k, v in episode.items() if k != 'observation'}
  for path, leaf in jax.tree_util.tree_leaves_with_path(rest):
    digest.update(jax.tree_util.keystr(path).encode())
    digest.update(np.asarray(leaf).tobytes())
  return digest.hexdigest()


def test_an_episode_has_the_fields_of_rlds(splits):
  for episodes in splits.values():
    about = episodes.metadata
    for episode in episodes:
      image = episode['observation']['image']
      assert image.shape == (about['length'], *about['frame'])
      assert image.dtype == np.uint8
      for name, dtype in VECTORS.items():
        assert episode[name].shape == (about['length'],)
        assert episode[name].dtype == dtype
      assert set(episode) == {*VECTORS, 'observation', 'oracle'}
      last = np.arange(about['length']) == about['length'] - 1
      np.testing.assert_array_equal(episode['is_first'], last[::-1])
      np.testing.assert_array_equal(episode['is_last'], last)
      assert not (episode['is_terminal'] & ~last).any()
      assert episode['action'].min() >= 0
      assert episode['action'].max() < about['num_actions']
      assert episode['action'][-1] == 0


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
  image = episode['observation']['image']
  if os.environ.get('UPDATE_GOLDEN'):
    hashes[config] = exact(episode)
    paths[0].write_text(json.dumps(hashes, indent=2, sort_keys=True) + '\n')
    np.savez_compressed(paths[1], image=image[::6])
  assert exact(episode) == hashes[config]
  with np.load(paths[1]) as golden:
    off = image[::6].astype(int) - golden['image']
  # Rounding differs by machine and may move an edge by a pixel.
  assert (np.abs(off) > 2).mean() < 0.01


@pytest.mark.parametrize('name', SIZES)
def test_sizes_are_the_documented_ones(name):
  about = datasets.describe(name)
  context, query, side, count = SIZES[name]
  assert (about['context'], about['query']) == (context, query)
  assert about['frame'] == (side, side, 3)
  assert about['splits']['train'] == count
  base, _, scale = name.partition('_laptop')
  assert datasets.describe(base, 'laptop' if _ else scale) == about


def test_an_episode_does_not_depend_on_its_batch():
  config = rooms.Rooms.builder_configs['two_rooms_smoke']
  whole = rooms.maker(config, 'val', 4)(0)
  parts = rooms.maker(config, 'val', 3)
  for a, b in zip(whole, [*parts(0), *parts(3)], strict=False):
    assert exact(a) == exact(b)
    off = a['observation']['image'].astype(int) - b['observation']['image']
    assert np.abs(off).max() <= 1


def test_rooms_are_the_rooms_of_the_pose(data_dir):
  for episode in datasets.load('rooms/four_rooms', 'val', 'smoke', data_dir):
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
  half = datasets.load(NAMES[0], 'train[:50%]', data_dir=data_dir)
  assert len(half) == len(train) // 2
  assert exact(half[0]) == exact(train[0])


@pytest.mark.parametrize(
  ('arguments', 'expected'),
  [
    ({'name': 'rooms/five_rooms'}, 'rooms/four_rooms.*change load.name'),
    ({'name': 'nothing'}, 'rooms/four_rooms.*change load.name'),
    ({'split': 'valid'}, 'train, val, test.*change load.split'),
    ({'split': 'train[:x'}, 'change load.split'),
    ({'scale': 'huge'}, 'laptop.*change load.scale'),
  ],
)
def test_a_mistake_is_explained(arguments, expected, data_dir):
  given = {'name': NAMES[0], 'data_dir': data_dir} | arguments
  with pytest.raises(ValueError, match=expected):
    datasets.load(**given)


def test_a_folder_that_cannot_be_written_is_explained(tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(ValueError, match='change load.data_dir'):
    datasets.load(NAMES[0], data_dir=str(tmp_path / 'file' / 'data'))


@pytest.mark.parametrize('damage', ['flip', 'cut', 'remove'])
def test_a_damaged_record_is_explained(damage, train, data_dir, tmp_path):
  broken = tmp_path / 'data'
  shutil.copytree(data_dir, broken)
  file = next((broken / NAMES[0]).glob('*/*-train.array_record*'))
  content = bytearray(file.read_bytes())
  content[2000:2100] = bytes(100)
  if damage == 'remove':
    file.unlink()
  else:
    file.write_bytes(content if damage == 'flip' else content[:3000])
  with pytest.raises(ValueError, match=f'datasets.build {NAMES[0]} --overw'):
    list(datasets.load(NAMES[0], data_dir=str(broken)))


KILLED = """
import os, signal, sys
import numpy as np
import datasets
from datasets import rooms

def maker(config, split, size):
  def make(first):
    if first:
      os.kill(os.getpid(), signal.SIGKILL)
    info = rooms.Rooms(config=config.name, data_dir=sys.argv[2]).info
    empty = lambda f: {k: empty(v) for k, v in f.items()} if hasattr(
      f, 'items') else np.zeros(f.shape, f.np_dtype)
    return [empty(info.features)] * size
  return make

rooms.maker, rooms.FRAMES = maker, 100
datasets.load(sys.argv[1], data_dir=sys.argv[2])
"""


def test_a_killed_build_starts_again(tmp_path, splits):
  name, where = splits['train'].name, str(tmp_path)
  command = [sys.executable, '-c', KILLED, name, where]
  done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
  assert done.returncode == -signal.SIGKILL, done.stderr
  assert list(tmp_path.rglob('*incomplete*')), 'it was not killed in the middle'
  again = datasets.load(name, data_dir=where)
  assert len(again) == len(splits['train'])
  assert exact(again[0]) == exact(splits['train'][0])


def test_the_command_line_explains_a_wrong_name():
  command = [sys.executable, '-m', 'datasets.build', 'rooms/five_rooms']
  done = subprocess.run(
    command, cwd=ROOT, capture_output=True, text=True, check=False
  )
  assert done.returncode == 1
  assert 'no such data set' in done.stderr
  assert 'Traceback' not in done.stderr


def test_importing_loads_neither_tensorflow_nor_brax():
  code = (
    'import sys, datasets; datasets.describe("rooms/four_rooms");'
    'sys.exit(bool({"tensorflow", "brax"} & set(sys.modules)))'
  )
  assert subprocess.run([sys.executable, '-c', code], cwd=ROOT).returncode == 0
