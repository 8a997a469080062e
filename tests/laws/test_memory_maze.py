"""Laws of Memory Maze's files; its environment is not needed."""

import subprocess
import sys

import numpy as np
import pytest

import datasets
from datasets import maze_files, memory_maze, npz
from tests.mazes import FRAMES, published
from third_party import memory_maze as environment
from wm.data import batch

NAME = 'memory_maze/9x9_smoke'


def write(folder, **counts):
  """Writes files into the folders of a published data set; returns it."""
  seed = 0
  for part, count in counts.items():
    (folder / part).mkdir(parents=True)
    for number in range(count):
      np.savez(folder / part / f'{number:04}.npz', **published(seed))
      seed += 1
  return folder


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  return write(tmp_path_factory.mktemp('given'), train=10, eval=6)


@pytest.fixture(scope='module')
def splits(folder, tmp_path_factory):
  given = {'data_dir': str(tmp_path_factory.mktemp('data')),
           'manual_dir': str(folder)}  # fmt: skip
  return {s: datasets.load(NAME, s, **given) for s in ('train', 'val', 'test')}


def test_the_last_of_train_become_val_and_eval_becomes_test(splits):
  seeds = {'train': range(7), 'val': range(7, 10), 'test': range(10, 14)}
  for split, numbers in seeds.items():
    found = splits[split]
    assert len(found) == len(numbers)
    for number, episode in zip(numbers, found, strict=True):
      image = published(number)['image']
      np.testing.assert_array_equal(episode['observation']['image'], image)


def test_what_led_to_a_frame_is_told_at_the_frame_before(splits):
  for number, episode in enumerate(splits['train']):
    given = published(number)
    acted = given['action'][1:].argmax(-1)
    np.testing.assert_array_equal(episode['action'], [*acted, 0])
    np.testing.assert_array_equal(episode['reward'], [*given['reward'][1:], 0])
    seen = batch.align(episode, 6)
    np.testing.assert_array_equal(seen['prev_action'], given['action'])
    np.testing.assert_array_equal(seen['reward'], given['reward'])


def test_the_hidden_state_keeps_its_names_and_steps(splits):
  for number, episode in enumerate(splits['train']):
    given = published(number)
    stays = 'maze_layout', 'targets_pos'
    names = given.keys() - {'image', 'action', 'reward'}
    assert episode['oracle'].keys() == names
    for name in names:
      told = given[name][0] if name in stays else given[name]
      np.testing.assert_allclose(episode['oracle'][name], told, atol=1e-5)


def test_files_of_one_folder_are_dealt_in_order(tmp_path):
  for count, shares in ((3, (1, 1, 1)), (16, (8, 4, 4)), (40, (8, 4, 4))):
    part = tmp_path / str(count)
    part.mkdir()
    for number in range(count):
      (part / f'{number:04}.npz').touch()
    sizes = memory_maze.PLAYED['smoke']
    dealt = maze_files.splits(part, sizes)
    numbers = {k: [int(f.stem) for f in x] for k, x in dealt.items()}
    assert tuple(map(len, numbers.values())) == shares
    assert numbers['train'] == list(range(shares[0]))
    rest = list(range(count - shares[1] - shares[2], count))
    assert numbers['val'] + numbers['test'] == rest


def test_longer_episodes_are_cut(tmp_path):
  path = tmp_path / 'long.npz'
  given = published(0, 40)
  np.savez(path, **given)
  schema = maze_files.schema(FRAMES, 9, 3)
  record = maze_files.record(npz.read(path, schema), FRAMES)
  np.testing.assert_array_equal(
    record['observation']['image'], given['image'][:FRAMES]
  )
  assert record['action'][-1] == record['reward'][-1] == 0
  acted = given['action'][1:FRAMES].argmax(-1)
  np.testing.assert_array_equal(record['action'][:-1], acted)


def written(data):
  """What is left of a data set, apart from TFDS's list of variants."""
  return [path for path in data.rglob('*') if '1.0.0' in str(path)]


@pytest.fixture
def spoiled(tmp_path):
  """A folder with two bad files among the good."""
  folder = write(tmp_path / 'given', train=10, eval=6)
  bad = published(2) | {'reward': np.full(FRAMES, np.nan)}
  del bad['target_pos']
  np.savez(folder / 'train' / '0002.npz', **bad)
  (folder / 'eval' / '0001.npz').write_bytes(b'')
  return folder


def test_all_faults_of_a_file_are_named_before_anything_is_written(
  spoiled, tmp_path
):
  data = tmp_path / 'data'
  given = {'data_dir': str(data), 'manual_dir': str(spoiled)}
  with pytest.raises(ValueError, match='datasets.npz.skip') as raised:
    datasets.load(NAME, **given)
  for what in ('0002.npz', 'missing target_pos', 'reward: not finite'):
    assert what in str(raised.value)
  assert not written(data)


def test_bad_files_are_left_out_on_request(spoiled, tmp_path):
  given = {'data_dir': str(tmp_path), 'manual_dir': str(spoiled)}
  with pytest.warns(UserWarning, match='left out') as warned:
    train = datasets.load(NAME, on_bad=npz.skip, **given)
  said = ' '.join(str(warning.message) for warning in warned)
  assert '0002.npz' in said
  assert '0001.npz' in said
  assert len(train) == 6
  assert len(datasets.load(NAME, 'val', **given)) == 3
  assert len(datasets.load(NAME, 'test', **given)) == 3
  image = published(3)['image']
  np.testing.assert_array_equal(train[2]['observation']['image'], image)


def test_a_split_without_good_files_is_explained(tmp_path):
  folder = write(tmp_path / 'given', train=4, eval=1)
  (folder / 'eval' / '0000.npz').write_bytes(b'')
  given = {'data_dir': str(tmp_path / 'data'), 'manual_dir': str(folder)}
  with (
    pytest.warns(UserWarning, match='0000.npz'),
    pytest.raises(
      ValueError, match='no good files for test.*change load.manual_dir'
    ),
  ):
    datasets.load(NAME, on_bad=npz.skip, **given)


@pytest.mark.parametrize('what', ['nowhere', 'empty', 'few', 'other'])
def test_a_folder_without_episodes_is_explained(what, tmp_path):
  folder = tmp_path / what
  if what != 'nowhere':
    folder.mkdir()
  if what == 'few':
    np.savez(folder / 'one.npz', **published(0))
  if what == 'other':
    (folder / 'notes.txt').touch()
  given = {'data_dir': str(tmp_path / 'data'), 'manual_dir': str(folder)}
  with pytest.raises(ValueError, match=f'{what}.*change load.manual_dir'):
    datasets.load(NAME, **given)


def test_without_files_and_package_both_remedies_are_named(
  tmp_path, monkeypatch
):
  monkeypatch.setitem(sys.modules, 'memory_maze', None)
  with pytest.raises(ValueError, match='pip install -e') as raised:
    datasets.load(NAME, data_dir=str(tmp_path))
  assert '--manual_dir=' in str(raised.value)
  assert not written(tmp_path)
  with pytest.raises(ValueError, match=r"pip install -e '\.\[memory-maze\]'"):
    environment.record('9x9', 0, FRAMES)


def test_the_command_line_takes_a_folder(folder, tmp_path):
  command = [
    sys.executable, '-m', 'datasets.build', NAME, f'--data_dir={tmp_path}',
    f'--manual_dir={folder}',
  ]  # fmt: skip
  done = subprocess.run(command, capture_output=True, text=True, check=False)
  assert done.returncode == 0, done.stderr
  assert len(datasets.load(NAME, data_dir=str(tmp_path))) == 7


def test_the_real_maze_has_no_arguments_and_is_no_brax_environment():
  with pytest.raises(ValueError, match='jax_9x9_smoke.*change load.arguments'):
    datasets.describe(NAME, arguments={'action_noise': 0.1})
  with pytest.raises(ValueError, match='need jax_9x9_smoke'):
    datasets.environment(NAME)
