"""Laws of RLDS data sets of TFDS: walks as steps, and as whole arrays."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

import datasets
from datasets import inspect, recordings
from tests import prepared, walks

F = tfds.features


@pytest.fixture(scope='module')
def name(tmp_path_factory):
  return prepared.nested(tmp_path_factory.mktemp('steps'), 'zlib')


def assert_walks(name):
  """Every split holds the walks that were written, action by frame."""
  for split, found in prepared.WALKS.items():
    episodes = datasets.load(name, split.replace('validation', 'val'))
    assert len(episodes) == len(found)
    for episode, record in zip(episodes, found, strict=True):
      image = episode['observation']['image']
      np.testing.assert_array_equal(image, record['image'][:24])
      np.testing.assert_array_equal(episode['action'], record['action'][:24])
      np.testing.assert_array_equal(episode['reward'], record['reward'][:24])
      np.testing.assert_array_equal(
        walks.MOVES[episode['action'][:-1]], walks.move(image)
      )
      assert episode['is_terminal'].any() == (len(record['image']) == 24)


@pytest.mark.parametrize('kind', prepared.FRAMES)
def test_steps_become_episodes(kind, tmp_path):
  name = prepared.nested(tmp_path, kind)
  assert_walks(name)
  about = datasets.describe(name)
  assert about['splits'] == {'train': 7, 'val': 2, 'test': 3}
  assert (about['length'], about['num_actions']) == (24, 5)
  oracle = datasets.load(name)[3]['oracle']
  assert oracle['observation/place'].shape == (24, 2)
  assert oracle['episode_metadata/number'] == 3
  assert set(oracle) == {'observation/place', 'episode_metadata/number'}


def test_files_of_tensorflow_are_read_without_it(tmp_path):
  name = prepared.nested(tmp_path, 'png')
  prepared.as_tfrecord(name)
  assert_walks(name)
  code = (
    f'import sys, datasets; datasets.load({name!r})[0];'
    'sys.exit("tensorflow" in sys.modules)'
  )
  root = pathlib.Path(__file__).parents[2]
  assert subprocess.run([sys.executable, '-c', code], cwd=root).returncode == 0


def test_a_file_that_is_cut_off_is_told(tmp_path):
  name = prepared.nested(tmp_path, 'plain')
  prepared.as_tfrecord(name)
  file = next(tmp_path.rglob('*train.tfrecord*'))
  file.write_bytes(file.read_bytes() + bytes(5))
  with pytest.raises(ValueError, match='train.tfrecord.* is cut off'):
    datasets.load(name)


def test_whole_arrays_become_episodes(tmp_path):
  features = F.FeaturesDict({
    'observation': {'image': F.Tensor(
      shape=(None, 16, 16, 3), dtype=np.uint8, encoding='zlib'
    )},
    'action': F.Tensor(shape=(None,), dtype=np.int32),
    'reward': F.Tensor(shape=(None,), dtype=np.float32),
    'is_terminal': F.Tensor(shape=(None,), dtype=np.bool_),
    'oracle': {'number': F.Tensor(shape=(), dtype=np.int32)},
  })  # fmt: skip
  name = prepared.write(tmp_path, features, {
    split: [
      {
        'observation': {'image': x['image']},
        'action': np.int32(x['action']),
        'reward': x['reward'],
        'is_terminal': np.arange(len(x['image'])) == len(x['image']) - 1,
        'oracle': {'number': np.int32(i)},
      }
      for i, x in enumerate(found)
    ]
    for split, found in prepared.WALKS.items()
  })  # fmt: skip
  assert_walks(name)
  assert datasets.load(name)[4]['oracle'] == {'number': 4}


@pytest.mark.parametrize(
  'name',
  ['rooms/two_rooms_smoke', 'distracting_memory/width_100_smoke+stray-0.2'],
)
def test_a_data_set_of_ours_loads_as_a_recording(name, tmp_path):
  ours = datasets.load(name, 'val', data_dir=str(tmp_path))
  again = datasets.load(f'tfds:{tmp_path}/{name}', 'val')
  about = datasets.describe(name)
  for key in ('num_actions', 'frame', 'length', 'splits'):
    assert again.metadata[key] == about[key], key
  for a, b in zip(ours, again, strict=True):
    for key in ('action', 'reward', 'discount', 'is_first', 'is_terminal'):
      np.testing.assert_array_equal(a[key], b[key])
    image = b['observation']['image']
    np.testing.assert_array_equal(a['observation']['image'], image)
    np.testing.assert_array_equal(a['oracle']['pose'], b['oracle']['pose'])


def test_a_name_is_found_in_the_folder_of_tfds(name, monkeypatch):
  folder = pathlib.Path(name.removeprefix('tfds:')).parents[1]
  monkeypatch.setattr(tfds.core.constants, 'DATA_DIR', str(folder))
  for short in ('walks', 'walks:1.0.0'):
    assert datasets.describe(f'tfds:{short}')['splits']['train'] == 7
  assert datasets.describe(f'tfds:{folder}/walks')['splits']['train'] == 7
  with pytest.raises(ValueError, match='tfds build.*load.name'):
    datasets.describe('tfds:walks:2.0.0')
  with pytest.raises(ValueError, match='not one prepared data set'):
    datasets.describe('tfds:tests')


def test_a_feature_that_needs_tensorflow_is_told(tmp_path):
  name = prepared.nested(tmp_path, 'plain')
  file = next(tmp_path.rglob('features.json'))
  found = json.loads(file.read_text())
  found['featuresDict']['features']['episode_metadata'] = {
    'pythonClassName': 'tensorflow_datasets.core.features.video_feature.Video',
    'video': {
      'shape': {'dimensions': ['-1', '16', '16', '3']},
      'dtype': 'uint8',
      'encodingFormat': 'png',
    },
  }
  file.write_text(json.dumps(found))
  with pytest.raises(ValueError, match='needs TensorFlow.*features.Tensor'):
    datasets.load(name)


def test_several_kinds_of_frames_are_not_guessed_among(tmp_path):
  step = {
    'observation': {
      side: F.Tensor(shape=(16, 16, 3), dtype=np.uint8)
      for side in ('left', 'right')
    },
    'action': {'arm': F.Tensor(shape=(2,), dtype=np.float32)},
  }
  draw = np.random.default_rng(0)
  episodes = [
    {'steps': [
      {
        'observation': {
          'left': np.full((16, 16, 3), t, np.uint8),
          'right': np.full((16, 16, 3), 100 + t, np.uint8),
        },
        'action': {'arm': np.float32(draw.normal(size=2))},
      }
      for t in range(9)
    ]}
    for _ in range(4)
  ]  # fmt: skip
  features = F.FeaturesDict({'steps': F.Dataset(step)})
  name = prepared.write(tmp_path, features, {'train': episodes})
  faults = ' / '.join(recordings.look(name).faults)
  assert 'observation/left uint8[9, 16, 16, 3]' in faults
  assert 'action/arm float32[9, 2]' in faults
  keys = {'image': 'right', 'action': 'action/arm'}
  train = datasets.load(name, arguments={'keys': keys})
  assert train.metadata['num_actions'] == 2
  assert train[0]['action'].shape == (9, 2)
  assert not train[0]['oracle'], 'further frames are not decoded'
  assert train[1]['observation']['image'][:, 3, 4, 2].tolist() == [
    100 + t for t in range(9)
  ]
  assert inspect.main([name, f'keys={keys!r}']) == 0


def test_a_damaged_record_is_told(tmp_path):
  name = prepared.nested(tmp_path, 'plain')
  file = next(tmp_path.rglob('*train.array_record*'))
  content = bytearray(file.read_bytes())
  content[2000:2100] = bytes(100)
  file.write_bytes(content)
  with pytest.raises(ValueError, match='cannot be read.*train episode'):
    list(datasets.load(name))
