"""Laws of what becomes of recordings: splits, windows, sizes, names."""

import pathlib

import numpy as np
import pytest

import datasets
from datasets import inspect, recordings
from datasets.recorded import frames, wishes
from tests import walks

WALKS = [walks.walk(seed) for seed in range(10)]


@pytest.fixture
def name(tmp_path):
  return walks.write(tmp_path / 'walks', WALKS)


def actions(episodes):
  return [e['action'].tolist() for e in episodes]


def test_longer_episodes_are_cut_into_windows_one_after_another(tmp_path):
  sizes = [24, 31, 9, 50, 24, 24]
  records = [walks.walk(i, size) for i, size in enumerate(sizes)]
  name = walks.write(tmp_path, records)
  asked = {'length': 10, 'val': 0, 'test': 0, 'aligned': 'rlds'}
  train = datasets.load(name, arguments=asked)
  want = [(i, 10 * k) for i, n in enumerate(sizes) for k in range(n // 10)]
  assert walks.spots(train) == [list(range(at, at + 10)) for _, at in want]
  assert actions(train) == [
    records[i]['action'][at : at + 10].tolist() for i, at in want
  ]
  for episode in train:
    assert episode['is_first'].tolist() == [True] + 9 * [False]
    assert episode['is_last'].tolist() == 9 * [False] + [True]
  said = ' / '.join(recordings.look(name, asked).assumed)
  assert f'{sum(sizes) - 10 * len(want)} of {sum(sizes)} frames' in said
  assert '1 episodes that are shorter' in said


def test_the_shortest_episode_gives_the_length(tmp_path):
  records = [walks.walk(i, size) for i, size in enumerate([24, 17, 40, 30])]
  about = datasets.describe(walks.write(tmp_path, records))
  assert (about['length'], about['context'], about['query']) == (17, 8, 9)
  asked = {'length': 20, 'context': 5}
  about = datasets.describe(f'folder:{tmp_path}', arguments=asked)
  assert (about['length'], about['context'], about['query']) == (20, 5, 15)


def test_no_window_reaches_over_the_start_of_an_episode(tmp_path):
  first = np.isin(np.arange(24), [0, 7, 19])
  records = [x | {'is_first': first} for x in WALKS]
  asked = {'length': 5, 'val': 0, 'test': 0}
  train = datasets.load(walks.write(tmp_path, records), arguments=asked)
  want = [list(range(at, at + 5)) for at in (0, 7, 12, 19)]
  assert walks.spots(train) == want * 10


def test_an_end_is_told_to_the_step_before_it(tmp_path):
  ended = np.arange(24) == 23
  for key, flags in (('done', ended), ('is_terminal', ended[1:])):
    records = [x | {key: flags} for x in WALKS]
    name = walks.write(tmp_path / key, records)
    for length in (24, 12, 6):
      train = datasets.load(name, arguments={'length': length})
      number = 24 // length
      for at, episode in enumerate(train):
        last = at % number == number - 1
        assert episode['is_terminal'].tolist() == (length - 1) * [False] + [
          last
        ]
        assert (episode['discount'] == 0).sum() == last
        assert episode['discount'][-2] == 1 - last


@pytest.mark.parametrize('written', [dict, walks.late, walks.between])
def test_an_end_may_be_told_by_the_discount_alone(written, tmp_path):
  """Of a world that ends at frame 20 and is recorded up to frame 23."""
  over = np.arange(24) >= 19
  over[-1] = False
  records = [
    written(x) | {'discount': written(x | {'reward': 1.0 - over})['reward']}
    for x in WALKS
  ]
  if written is walks.late:
    for x in records:
      x['discount'][0] = 1
  name = walks.write(tmp_path / 'told', records)
  asked = {'aligned': 'last'} if written is walks.late else {}
  for episode in datasets.load(name, arguments=asked):
    np.testing.assert_array_equal(episode['discount'], 1 - over)
    assert episode['is_terminal'].tolist() == 23 * [False] + [True]
    assert 'discount' not in episode['oracle']
  said = ' / '.join(recordings.look(name, asked).assumed)
  assert 'ends if the last discount is 0' in said
  cut = walks.write(
    tmp_path / 'cut', [x | {'discount': np.ones(24)} for x in WALKS]
  )
  for episode in datasets.load(cut):
    assert not episode['is_terminal'].any()


def test_splits_are_made_of_whole_recordings_in_order(name):
  asked = {'length': 8, 'val': 0.2, 'test': 0.3}
  found = {
    split: actions(datasets.load(name, split, arguments=asked))
    for split in ('train', 'val', 'test')
  }
  assert {k: len(x) for k, x in found.items()} == {
    'train': 15, 'val': 6, 'test': 9
  }  # fmt: skip
  whole = np.concatenate([x['action'] for x in WALKS]).reshape(-1, 8).tolist()
  assert found['train'] + found['val'] + found['test'] == whole
  assert datasets.describe(name, arguments=asked)['splits']['val'] == 6


def test_folders_of_splits_are_used_where_there_are_any(tmp_path):
  parts = {'train': 6, 'test': 3, 'other': 1}
  for split, count in parts.items():
    walks.write(tmp_path / split, WALKS[:count])
  about = datasets.describe(f'folder:{tmp_path}')
  assert about['splits'] == {'train': 5, 'val': 1, 'test': 3}
  said = ' / '.join(recordings.look(f'folder:{tmp_path}').assumed)
  assert "not used: 1 recordings in 'other'" in said
  walks.write(tmp_path / 'val' / 'deeper', WALKS[:2])
  about = datasets.describe(f'folder:{tmp_path}')
  assert about['splits'] == {'train': 6, 'val': 2, 'test': 3}


def test_a_split_can_be_sliced(name):
  whole = actions(datasets.load(name))
  assert actions(datasets.load(name, 'train[:50%]')) == whole[:4]
  assert actions(datasets.load(name, 'train[2:-1]')) == whole[2:-1]


MISTAKES = {
  'an empty split': ({'test': 0}, 'test', "no episodes; got 'test'.*8 train|9"),
  'an empty slice': ({}, 'val[1:]', r"no episodes; got 'val\[1:\]'"),
  'another split': ({}, 'valid', 'need one of train, val, test'),
  'a bad slice': ({}, 'train[x]', 'change load.split'),
  'a misspelt argument': ({'lenght': 3}, 'train', 'did you mean length'),
  'a short length': ({'length': 2}, 'train', 'length: got 2, need'),
  'a long length': ({'length': 99}, 'train', 'as long; got 99, need 24'),
  'a long context': ({'context': 24}, 'train', 'got 24 of 24.*need 2 to 23'),
  'a side': ({'side': 50}, 'train', 'side: got 50.* 4, 5, 6 or 7 times'),
  'a small side': ({'side': 6}, 'train', 'side: got 6, need 8 or more'),
  'an alignment': ({'aligned': 'gym'}, 'train', "'gym', need rlds or last"),
  'alignments': ({'aligned': ['rlds']}, 'train', 'need rlds or last'),
  'keys': ({'keys': {'picture': 'x'}}, 'train', 'keys: .*need a dict'),
  'another key': ({'keys': {'reward': 'pay'}}, 'train', "reward.*need 'pay'"),
  'a share': ({'val': 1.5}, 'train', 'val: got 1.5, need a share'),
  'all shares': ({'val': 0.5, 'test': 0.5}, 'train', 'less than 1 together'),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_a_mistake_is_explained(mistake, name):
  asked, split, words = MISTAKES[mistake]
  with pytest.raises(ValueError, match=f'(?s){words}'):
    datasets.load(name, split, arguments=asked)


def test_nothing_asked_is_the_default():
  assert wishes.wishes(dict.fromkeys(wishes.Wishes._fields)) == wishes.Wishes()


@pytest.mark.parametrize(
  ('count', 'words'), [(0, 'no NPZ files.*savez'), (2, 'got 2, need 3')]
)
def test_too_few_files_are_told(count, words, tmp_path):
  (tmp_path / 'notes.txt').write_text('')
  walks.write(tmp_path, WALKS[:count])
  with pytest.raises(ValueError, match=words):
    datasets.load(f'folder:{tmp_path}')


@pytest.mark.parametrize('name', ['folder:', 'folder:nowhere', 'tfds:nowhere'])
def test_what_is_not_there_is_told(name):
  with pytest.raises(ValueError, match='need .*change load.name'):
    datasets.load(name)


def test_fields_may_have_other_names(tmp_path):
  renamed = {'image': 'rgb', 'action': 'act', 'reward': 'pay'}
  records = [
    {renamed[k]: x for k, x in record.items()} | {'depth': record['image']}
    for record in WALKS
  ]
  name = walks.write(tmp_path / 'renamed', records)
  with pytest.raises(ValueError, match='image: is missing.*rgb') as caught:
    datasets.load(name)
  assert 'action: is missing' in str(caught.value)
  train = datasets.load(name, arguments={'keys': renamed})
  plain = datasets.load(walks.write(tmp_path / 'plain', WALKS))
  assert actions(train) == actions(plain)
  assert walks.spots(train) == walks.spots(plain)


def test_the_only_frames_are_the_image_and_the_rest_is_oracle(tmp_path):
  records = [
    {'rgb': x['image'], 'action': x['action'], 'pose': np.eye(24)[:, :3],
     'map': np.ones((5, 5)), 'note': np.array('a walk')}
    for x in WALKS
  ]  # fmt: skip
  name = walks.write(tmp_path, records)
  episode = datasets.load(name, arguments={'length': 8})[1]
  assert episode['observation']['image'].shape == (8, 16, 16, 3)
  assert not episode['reward'].any()
  oracle = episode['oracle']
  np.testing.assert_array_equal(oracle['pose'], np.eye(24)[8:16, :3])
  assert oracle['map'].shape == (5, 5)
  assert oracle['note'] == 'a walk'
  said = ' / '.join(recordings.look(name, {'length': 8}).assumed)
  assert 'rgb is image' in said
  assert 'reward: missing' in said


@pytest.mark.parametrize('side', [8, 10, 12, 16, 24, 32])
def test_a_smaller_frame_is_the_mean_of_what_it_covers(side, tmp_path):
  draw = np.random.default_rng(side)
  image = draw.integers(0, 256, (10, 48, 24, 3), np.uint8)
  got = frames.resized(image, side)
  assert got.shape == (10, side, side, 3)
  np.testing.assert_allclose(got.mean((1, 2)), image.mean((1, 2)), atol=0.2)
  if 24 % side == 0:
    blocks = image.reshape(10, side, 48 // side, side, 24 // side, 3)
    assert np.abs(got - blocks.mean((2, 4))).max() <= 0.51
  name = walks.write(tmp_path, [WALKS[0] | {
    'image': np.tile(image, (3, 1, 1, 1))[:24]
  }] * 3)  # fmt: skip
  asked = {'side': side, 'aligned': 'rlds'}
  train = datasets.load(name, arguments=asked)
  assert train.metadata['frame'] == (side, side, 3)
  np.testing.assert_array_equal(train[0]['observation']['image'][:10], got)
  with pytest.raises(ValueError, match="48x24.*{'side': 24}"):
    datasets.load(name, arguments={'aligned': 'rlds'})


def test_a_side_fits_if_an_encoder_takes_it():
  from wm.nets import images

  for side in range(1, 200):
    try:
      images.stages((side, side, 3))
      assert frames.fits(side), side
    except ValueError:
      assert not frames.fits(side), side


def test_files_are_opened_when_an_episode_is_asked_for(name):
  folder = pathlib.Path(name.removeprefix('folder:'))
  train = datasets.load(name, arguments={'length': 12})
  first = actions([train[0]])
  for file in folder.glob('*.npz'):
    if file.stem != '003':
      file.unlink()
  assert len(walks.spots([train[6], train[7]])) == 2
  assert actions([train[0], train[1]])[0] == first[0], 'kept, once read'
  with pytest.raises(ValueError, match='001.npz'):
    train[2]


def test_files_that_changed_are_looked_at_again(name, tmp_path):
  before = datasets.describe(name)['splits']['train']
  walks.write(tmp_path / 'walks', {'more/last': WALKS[0]})
  assert datasets.describe(name)['splits']['train'] == before + 1


def test_the_program_says_what_is_there_and_what_to_run(name, capsys):
  assert inspect.main([name, 'length=8', 'context=3']) == 0
  said = capsys.readouterr().out
  for words in (
    '16x16x3', '24 / 24 / 24', '0 to 4: 5 actions', '3 | 5', 'aligned',
    f"DATA = '{name}'", "ARGUMENTS = {'length': 8, 'context': 3}", '24 train',
  ):  # fmt: skip
    assert words in said.replace('\n', ' '), words


def test_the_program_says_what_to_mend(name, tmp_path, capsys):
  walks.write(tmp_path / 'walks', {'bad': {'image': WALKS[0]['image']}})
  assert inspect.main([name]) == 1
  said = capsys.readouterr().out
  assert 'action: is missing' in said
  assert 'DATA' not in said
  assert inspect.main([name, 'lenght=8']) == 1
  assert 'did you mean length' in capsys.readouterr().err
  with pytest.warns(UserWarning, match='left out'):
    assert inspect.main([name, '--skip']) == 0
  assert 'left out' in capsys.readouterr().out
