"""Laws of recordings in folders: a spot walks, and its frames tell how."""

import warnings

import numpy as np
import pytest

import datasets
from datasets import npy, npz, recordings
from tests import walks
from wm.data import batch as batching

WALKS = [walks.walk(seed) for seed in range(10)]
KEYS = {
  'name', 'actions', 'num_actions', 'context', 'query', 'observation',
  'frame', 'length', 'splits', 'seed',
}  # fmt: skip


@pytest.fixture
def name(tmp_path):
  return walks.write(tmp_path / 'walks', WALKS)


def faults(name, **arguments):
  return ' / '.join(recordings.look(name, arguments).faults)


def test_a_folder_is_described_as_any_data_set(name):
  about = datasets.describe(name)
  assert set(about) == KEYS
  assert about['length'] == about['context'] + about['query'] == 24
  assert about['frame'] == (16, 16, 3)
  assert about['num_actions'] == len(about['actions']) == 5
  assert about['splits'] == {'train': 8, 'val': 1, 'test': 1}
  train = datasets.load(name)
  assert train.metadata == about
  assert datasets.describe(name, 'smoke') == about


def test_an_episode_has_the_fields_of_rlds(name):
  for split, count in (('train', 8), ('val', 1), ('test', 1)):
    episodes = datasets.load(name, split)
    assert len(episodes) == count
    for episode in episodes:
      assert episode['observation']['image'].dtype == np.uint8
      for field, dtype in {
        'action': np.int32, 'reward': np.float32, 'discount': np.float32,
        'is_first': np.bool_, 'is_last': np.bool_, 'is_terminal': np.bool_,
      }.items():  # fmt: skip
        assert episode[field].shape == (24,), field
        assert episode[field].dtype == dtype, field
      last = np.arange(24) == 23
      np.testing.assert_array_equal(episode['is_first'], last[::-1])
      np.testing.assert_array_equal(episode['is_last'], last)


@pytest.mark.parametrize(
  ('written', 'aligned'),
  [
    (dict, {}),
    (dict, {'aligned': 'rlds'}),
    (walks.late, {'aligned': 'last'}),
    (walks.between, {}),
    (walks.between, {'aligned': 'last'}),
  ],
)
@pytest.mark.parametrize('kind', ['numbers', 'vectors'])
def test_an_action_leads_to_the_next_frame(written, aligned, kind, tmp_path):
  records = [written(x) for x in WALKS]
  if kind == 'vectors':
    for x in records:
      x['action'] = np.float32(walks.MOVES[x['action']])
  name = walks.write(tmp_path, records)
  for episode in datasets.load(name, arguments=aligned):
    moves = walks.move(episode['observation']['image'])
    action = episode['action']
    done = walks.MOVES[action] if kind == 'numbers' else action
    np.testing.assert_array_equal(done[:-1], moves)
    paid = np.abs(walks.MOVES[np.int32(episode['reward'])])
    np.testing.assert_array_equal(paid[:-1], np.abs(moves))
    width = datasets.describe(name, arguments=aligned)['num_actions']
    led = batching.align(episode, width)['prev_action']
    assert not led[0].any()
    if kind == 'vectors':
      np.testing.assert_array_equal(led[1:], moves)
    else:
      np.testing.assert_array_equal(walks.MOVES[led[1:].argmax(1)], moves)


def test_actions_written_late_are_noticed(tmp_path):
  records = [walks.late(x) for x in WALKS]
  name = walks.write(tmp_path / 'zeros', records)
  for x in records:
    x['action'][0] = 3
  hidden = walks.write(tmp_path / 'none', records)
  vectors = [
    x | {'action': np.float32(walks.MOVES[x['action']])} for x in records
  ]
  for late in (name, hidden, walks.write(tmp_path / 'vectors', vectors)):
    assert "{'aligned': 'last'}" in faults(late)
    with pytest.raises(ValueError, match="'aligned': 'last'"):
      datasets.load(late)
    for said in ('last', 'rlds'):
      assert not faults(late, aligned=said)


@pytest.mark.parametrize('repeat', [1, 4, 12])
@pytest.mark.parametrize('seed', range(0, 100, 20))
def test_actions_written_in_time_give_no_alarm(repeat, seed, tmp_path):
  records = [walks.walk(seed + i, repeat=repeat) for i in range(4)]
  assert not faults(walks.write(tmp_path, records))


def spoilt(**fields):
  return {k: x for k, x in (WALKS[0] | fields).items() if x is not None}


FAULTS = {
  'no image': (spoilt(image=None), 'image: is missing.*action int64'),
  'no action': (spoilt(action=None), "action: is missing.*'keys'"),
  'short action': (
    spoilt(action=WALKS[0]['action'][:9]),
    r'action: its length.*got \[9\], need 24.* or 23',
  ),
  'long reward': (
    spoilt(reward=np.zeros(25)),
    r'reward: its length.*got \[25\], need 24',
  ),
  'float image': (
    spoilt(image=np.float32(WALKS[0]['image'])),
    'image: not bytes; got float32, need uint8',
  ),
  'channels first': (
    spoilt(image=WALKS[0]['image'].transpose(0, 3, 1, 2)),
    r'image: not frames; got \[24, 3, 16, 16\], need \[T, H, W, C\]',
  ),
  'grey': (
    spoilt(image=WALKS[0]['image'][..., 0]),
    r'image: (is missing|not frames).*24, 16, 16',
  ),
  'float action': (
    spoilt(action=np.float64(WALKS[0]['action'])),
    'action: neither numbers nor vectors.*astype',
  ),
  'negative action': (
    spoilt(action=WALKS[0]['action'] - 1),
    'action: negative; got -1',
  ),
  'huge action': (
    spoilt(action=WALKS[0]['action'] + 2**32),
    'action: too great.*got 429496.*need 0 to 65535; renumber',
  ),
  'no numbers': (
    spoilt(action=np.zeros((24, 0))),
    r'action: is empty; got \[24, 0\]',
  ),
  'a single frame': (
    {k: x[: k == 'image'] for k, x in WALKS[0].items()},
    r'action: is empty; got \[0\]',
  ),
  'nan reward': (
    spoilt(reward=np.full(24, np.nan)),
    'reward: not finite; got nan at frame 0',
  ),
  'infinite action': (
    spoilt(action=np.full((24, 2), np.inf)),
    'action: not finite',
  ),
  'words': (spoilt(action=np.array(['up'] * 24)), 'action: not numbers'),
  'objects': (spoilt(reward=np.array([None] * 24)), 'reward.*cannot be read'),
  'other frames': (
    walks.walk(0, side=20),
    'image: not as in other recordings; got 20x20x3, need 16x16x3',
  ),
  'other actions': (
    spoilt(action=np.zeros((24, 2), np.float32)),
    'action: not as in other recordings; got continuous 2, need discrete',
  ),
  'an end inside': (
    spoilt(done=np.arange(24) == 7),
    'goes on after its end; got True at frame 7 of 24.*is_first',
  ),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_a_fault_is_told_with_its_file(fault, name, tmp_path):
  record, words = FAULTS[fault]
  walks.write(tmp_path / 'walks', {'bad': record})
  with pytest.raises(ValueError, match=f'(?s){words}.*bad.npz'):
    datasets.load(name)
  with pytest.warns(UserWarning, match='bad.npz.*left out'):
    left, _ = recordings.load(name, 'train', {}, npz.skip)
  good = datasets.load(walks.write(tmp_path / 'good', WALKS))
  assert walks.spots(left) == walks.spots(good)


def test_all_faults_of_all_files_are_told_at_once(name, tmp_path):
  records = {fault: record for fault, (record, _) in FAULTS.items()}
  walks.write(tmp_path / 'walks', records)
  (tmp_path / 'walks/torn.npz').write_bytes(
    (tmp_path / 'walks/000.npz').read_bytes()[:300]
  )
  with pytest.raises(ValueError, match='cannot be used as it is') as caught:
    datasets.load(name)
  for file in [*records, 'torn']:
    assert f'{file}.npz' in str(caught.value)
  assert 'not an NPZ file' in str(caught.value)
  with warnings.catch_warnings(action='ignore'):
    assert len(recordings.look(name, {}, npz.skip).facts) == len(WALKS)


def test_files_are_read_without_the_parser_of_python(name, monkeypatch):
  def parse(*_, **__):
    raise SystemError('AST constructor recursion depth mismatch')

  monkeypatch.setattr('ast.parse', parse)
  monkeypatch.setattr('ast.literal_eval', parse)
  with (
    pytest.raises(SystemError),
    np.load(name.removeprefix('folder:') + '/000.npz') as file,
  ):
    file['action']
  assert len(list(datasets.load(name))) == 8


@pytest.mark.parametrize('save', [np.savez, np.savez_compressed])
def test_arrays_are_read_as_numpy_reads_them(save, tmp_path):
  draw = np.random.default_rng(0).normal(size=(4, 3))
  arrays = {
    'c': draw, 'f': np.asfortranarray(draw), 'swapped': draw.astype('>f4'),
    'one': np.float16(2), 'none': np.zeros((0, 3)), 'flags': draw > 0,
    'text': np.array(['a', 'bcd']), 'bytes': np.array([b'a', b'bcd']),
  }  # fmt: skip
  save(tmp_path / 'a.npz', **arrays)
  headers = npy.headers(tmp_path / 'a.npz')
  read, faults = npy.read(tmp_path / 'a.npz', list(arrays))
  assert not faults
  for key, x in arrays.items():
    np.testing.assert_array_equal(read[key], x)
    assert headers[key][:2] == (np.shape(x), read[key].dtype)
    assert read[key].dtype == np.asarray(x).dtype


def test_frames_that_are_damaged_are_told_with_their_file(name, tmp_path):
  path = tmp_path / 'walks' / '003.npz'
  np.savez(path, **WALKS[3])
  content = bytearray(path.read_bytes())
  content[len(content) // 2] ^= 255
  path.write_bytes(content)
  with pytest.raises(ValueError, match='image: cannot be read.*003.npz'):
    datasets.load(name)
  path.unlink()
  datasets.load(name)
