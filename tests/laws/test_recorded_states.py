"""Recordings of states: vectors in place of frames."""

import numpy as np
import pytest

import datasets
from datasets import inspect, recordings
from tests import walks


def record(seed, frames=24):
  """A walk without its picture: where it is, and how it goes."""
  walk = walks.walk(seed, frames)
  moves = np.float32(walks.MOVES[walk['action']])
  place = np.cumsum(moves, 0) - moves
  return {'state': np.concatenate([place, 0 * place], 1), 'action': moves}


RECORDS = [record(seed) for seed in range(6)]


def told(folder, records, **arguments):
  name = walks.write(folder / 'walks', records)
  return recordings.look(name, arguments)


def test_states_are_episodes(tmp_path):
  name = walks.write(tmp_path / 'walks', RECORDS)
  episodes = datasets.load(name, 'train', arguments={'length': 12})
  about = episodes.metadata
  assert (about['observation'], about['frame']) == ('state', (4,))
  assert about['num_actions'] == 2
  for number, episode in enumerate(episodes):
    one, half = divmod(number, 2)
    seen = episode['observation']['state']
    assert seen.dtype == np.float32
    np.testing.assert_array_equal(
      seen, RECORDS[one]['state'][12 * half : 12 * half + 12]
    )
    np.testing.assert_array_equal(
      np.diff(seen[:, :2], axis=0), episode['action'][:-1]
    )


def test_states_beside_frames_are_oracle_unless_they_are_chosen(tmp_path):
  both = [walks.walk(i) | {'state': np.eye(24)} for i in range(6)]
  name = walks.write(tmp_path / 'walks', both)
  (first, *_) = datasets.load(name, 'train')
  assert set(first['observation']) == {'image'}
  np.testing.assert_array_equal(first['oracle']['state'], np.eye(24))
  (first, *_) = datasets.load(
    name, 'train', arguments={'keys': {'state': 'state'}}
  )
  assert set(first['observation']) == {'state'}


def test_several_kinds_of_frames_are_not_passed_over(tmp_path):
  frames = np.zeros((24, 16, 16, 3), np.uint8)
  records = [x | {'front': frames, 'wrist': frames} for x in RECORDS]
  (fault,) = told(tmp_path, records).faults
  assert 'image: is missing' in fault
  chosen = {'state': 'state'}
  assert not told(tmp_path, records, keys=chosen).faults
  (fault,) = told(tmp_path, records, keys=chosen | {'image': 'front'}).faults
  assert 'one is observed' in fault


def test_a_single_frame_is_no_window(tmp_path):
  one = {name: x[:1] for name, x in RECORDS[0].items()}
  found = told(tmp_path, [*RECORDS, one], length=12)
  assert not found.faults
  assert found.metadata['splits']['train'] > 4


def test_states_may_have_another_name(tmp_path):
  named = [{'qpos': x['state'], 'action': x['action']} for x in RECORDS]
  assert 'image: is missing' in ' '.join(told(tmp_path, named).faults)
  found = told(tmp_path, named, keys={'state': 'qpos'})
  assert found.metadata['observation'] == 'state'


def test_actions_written_late_are_noticed(tmp_path):
  late = [
    x | {'action': np.concatenate([0 * x['action'][:1], x['action'][:-1]])}
    for x in RECORDS
  ]
  assert not told(tmp_path / 'in_time', RECORDS).faults
  (fault,) = told(tmp_path / 'late', late).faults
  assert "{'aligned': 'last'}" in fault


@pytest.mark.parametrize(
  ('spoilt', 'arguments', 'words'),
  [
    ({'state': np.zeros((24, 2, 2))}, {}, 'state: not vectors'),
    ({'state': np.array([['a']] * 24)}, {}, 'state: not numbers'),
    ({'state': np.full((24, 4), np.nan)}, {}, 'state: not finite'),
    ({'state': np.full((24, 4), 1e200)}, {}, 'state: not finite'),
    ({'state': np.zeros((24, 3))}, {}, 'state: not as in other recordings'),
    ({}, {'side': 16}, 'side: states have none'),
    ({}, {'keys': {'state': 'q'}}, "state: is missing.*need 'q'"),
  ],
)
def test_a_fault_is_told(spoilt, arguments, words, tmp_path):
  records = [*RECORDS, RECORDS[0] | spoilt]
  name = walks.write(tmp_path / 'walks', records)
  with pytest.raises(ValueError, match=words):
    recordings.describe(name, arguments)


def test_the_program_says_what_to_run(tmp_path, capsys):
  name = walks.write(tmp_path / 'walks', RECORDS)
  assert inspect.main([name]) == 0
  said = capsys.readouterr().out
  assert 'data/worlds/states.gin' in said
  assert 'change' in said
