"""Laws of reading NPZ files: every fault is named, with the file's name."""

import numpy as np
import pytest

from datasets import maze_files, npz
from tests.mazes import FRAMES, published


def change(name, function):
  return lambda arrays: arrays | {name: function(arrays[name].copy())}


def put(place, value):
  def function(array):
    array[place] = value
    return array

  return function


BAD = {
  'missing': (
    lambda x: {k: x[k] for k in x if k not in ('reward', 'agent_dir')},
    'missing reward, agent_dir',
  ),
  'short': (
    lambda x: {k: v[:20] for k, v in x.items()},
    'image: too short; got 20 steps, need 25',
  ),
  'lengths': (
    change('action', lambda x: x[1:]),
    r'action: wrong shape; got \(24, 6\), need \(25, 6\)',
  ),
  'dtype': (
    change('image', lambda x: x.astype(float)),
    'image: wrong dtype; got float64, need uint8',
  ),
  'size': (
    change('image', lambda x: x[:, ::2]),
    r'image: wrong shape; got \(25, 32, 64, 3\), need \(T, 64, 64, 3\)',
  ),
  'transposed': (
    change('image', lambda x: x.transpose(1, 2, 3, 0)),
    r'image: wrong shape; got \(64, 64, 3, 25\)',
  ),
  'larger': (
    change('maze_layout', lambda x: np.pad(x, ((0, 0), (3, 3), (3, 3)))),
    r'maze_layout: wrong shape; got \(25, 15, 15\), need \(25, 9, 9\)',
  ),
  'none': (change('action', put(7, 0)), 'action: not one-hot at step 7'),
  'two': (change('action', put(9, 1)), 'action: not one-hot at step 9'),
  'number': (
    change('action', lambda x: x.argmax(-1)),
    r'action: wrong shape; got \(25,\)',
  ),
  'seventh': (
    change('action', lambda x: np.pad(x, ((0, 0), (0, 1)))),
    r'action: wrong shape; got \(25, 7\), need \(25, 6\)',
  ),
  'nan': (change('reward', put(3, np.nan)), 'reward: not finite at step 3'),
  'infinite': (
    change('targets_vec', put((5, 1), np.inf)),
    'targets_vec: not finite at step 5',
  ),
  'outside': (
    change('agent_pos', put(4, 9.5)),
    'agent_pos: not from 0 to 9 at step 4',
  ),
  'direction': (
    change('agent_dir', put(6, 1)),
    'agent_dir: not unit vectors at step 6',
  ),
  'walls': (
    change('maze_layout', put((8, 0, 0), 0)),
    'maze_layout: changes at step 8',
  ),
  'domes': (
    change('targets_pos', put((8, 1), 4.5)),
    'targets_pos: changes at step 8',
  ),
  'text': (
    change('reward', lambda x: x.astype(str)),
    'reward: wrong dtype; got <U',
  ),
  'object': (
    change('reward', lambda x: x.astype(object)),
    'reward: cannot be read',
  ),
}  # fmt: skip


@pytest.mark.parametrize('kind', BAD)
def test_a_fault_is_named(kind, tmp_path):
  path = tmp_path / 'bad.npz'
  spoil, expected = BAD[kind]
  np.savez(path, **spoil(published(0)))
  with pytest.raises(ValueError, match=rf'bad\.npz: .*{expected}'):
    npz.read(path, maze_files.schema(FRAMES, 9, 3))


@pytest.mark.parametrize('damage', ['empty', 'text', 'cut', 'flipped', 'npy'])
def test_a_damaged_file_is_named(damage, tmp_path):
  path = tmp_path / 'bad.npz'
  np.savez(path, **published(0))
  content = bytearray(path.read_bytes())
  content[5000:5100] = bytes(100)
  path.write_bytes(
    {
      'empty': b'',
      'text': b'nothing of the kind',
      'cut': content[: len(content) // 2],
      'flipped': content,
      'npy': b'\x93NUMPY',
    }[damage]
  )
  with pytest.raises(ValueError, match=r'bad\.npz: .*(NPZ|cannot be read)'):
    npz.read(path, maze_files.schema(FRAMES, 9, 3))


def test_the_first_action_may_be_anything_for_it_led_nowhere(tmp_path):
  for row in (np.zeros(6), np.eye(6)[0], np.ones(6)):
    path = tmp_path / 'good.npz'
    np.savez(path, **change('action', put(0, row))(published(0)))
    assert not npz.inspect(path, maze_files.schema(FRAMES, 9, 3))[1]


def test_good_files_come_in_order_and_bad_ones_are_reported_once(tmp_path):
  schema = {'x': npz.Field(('T', 2), (np.integer,), (npz.within(0, 9),))}
  paths = [tmp_path / f'{number}.npz' for number in range(20)]
  for number, path in enumerate(paths):
    np.savez(path, x=np.full((3, 2), number), y=np.nan)
  reports = []
  good = npz.usable(paths, schema, reports.append)
  assert good == paths[:10]
  expected = [f'{path}: x: not from 0 to 9 at step 0' for path in paths[10:]]
  assert reports == expected
  with pytest.raises(ValueError, match=r'10\.npz.*change load\.on_bad'):
    npz.usable(paths, schema)


def test_a_letter_is_any_size_that_all_fields_share(tmp_path):
  schema = {
    'x': npz.Field(('T', None), (np.integer,)),
    'y': npz.Field(('T',), (np.integer,), optional=True),
  }
  path = tmp_path / 'x.npz'
  for shape, other, faults in (
    ((4, 7), 4, 0),
    ((9, 1), 9, 0),
    ((4, 7), 5, 1),
  ):
    np.savez(path, x=np.zeros(shape, int), y=np.zeros(other, int))
    assert len(npz.inspect(path, schema)[1]) == faults
  np.savez(path, x=np.zeros((2, 2), int))
  assert npz.read(path, schema).keys() == {'x'}
