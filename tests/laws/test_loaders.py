"""Laws of what stands between episodes and a world model."""

import numpy as np
import pytest

from wm.data import batch as batching
from wm.data import loader


def episode(number, length=5):
  image = np.full((length, 2, 2, 3), number, np.uint8)
  return {
    'observation': {'image': image},
    'action': np.arange(length) % 3,
    'is_first': np.arange(length) == 0,
  }


EPISODES = [episode(number) for number in range(7)]


def equal(a, b):
  assert a.keys() == b.keys()
  for name in a:
    np.testing.assert_array_equal(a[name], b[name])


def test_each_frame_meets_the_action_that_led_to_it():
  row = batching.align(EPISODES[0], 3)
  np.testing.assert_array_equal(row['prev_action'][0], 0)
  np.testing.assert_array_equal(
    row['prev_action'][1:].argmax(-1), EPISODES[0]['action'][:-1]
  )
  np.testing.assert_array_equal(row['mask'], [0, 1, 1, 1, 1])


def test_an_episode_inside_starts_without_an_action():
  joined = {
    **EPISODES[0],
    'is_first': np.array([True, False, False, True, False]),
  }
  row = batching.align(joined, 3)
  np.testing.assert_array_equal(row['prev_action'][3], 0)
  np.testing.assert_array_equal(row['mask'], [0, 1, 1, 0, 1])


def continuous(seed=0):
  action = np.random.default_rng(seed).normal(size=(5, 2)).astype(np.float32)
  return {**EPISODES[0], 'action': action}


@pytest.mark.parametrize('starts', [[0], [0, 3], []])
def test_each_frame_meets_the_vector_that_led_to_it(starts):
  start = np.isin(np.arange(5), starts)
  given = {**continuous(), 'is_first': start}
  row = batching.align(given, 2)
  assert row['prev_action'].dtype == np.float32
  for t in range(5):
    led = np.zeros(2) if start[t] or t == 0 else given['action'][t - 1]
    np.testing.assert_array_equal(row['prev_action'][t], led)


def test_one_hot_vectors_are_as_good_as_integers():
  given = {**EPISODES[0], 'action': np.eye(3)[EPISODES[0]['action']]}
  equal(batching.align(given, 3), batching.align(EPISODES[0], 3))


def test_vectors_pass_through_every_loader():
  given = [continuous(seed) for seed in range(4)]
  whole = loader.whole_episodes(given, 2, batch=2, seed=1)(0)
  chunks = loader.episode_chunks(given, 2, batch=2, chunk=5, seed=1)(0)
  (ordered,) = loader.in_order(given, 2, batch=4, count=4)
  known = {e['action'][:-1].tobytes() for e in given}
  for batch in (whole, ordered):
    assert {row[1:].tobytes() for row in batch['prev_action']} <= known
  assert chunks['prev_action'].shape == (2, 5, 2)


def test_vectors_of_another_width_are_refused():
  with pytest.raises(ValueError, match='got 2, need 3'):
    batching.align(continuous(), 3)


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused(bad):
  given = continuous()
  given['action'][3, 1] = bad
  with pytest.raises(ValueError, match='not finite.*step 3'):
    batching.align(given, 2)


def test_each_frame_meets_the_reward_that_came_with_it():
  paid = {
    **EPISODES[0],
    'reward': np.arange(1.0, 6),
    'is_first': np.array([True, False, False, True, False]),
  }
  row = batching.align(paid, 3)
  np.testing.assert_array_equal(row['reward'], [0, 1, 2, 0, 4])
  assert 'reward' not in batching.align(EPISODES[0], 3)


def test_each_frame_says_whether_the_episode_goes_on_there():
  ends = {
    **EPISODES[0],
    'discount': np.array([1, 0, 1, 1, 0], np.float32),
    'is_first': np.array([True, False, True, False, False]),
  }
  row = batching.align(ends, 3)
  np.testing.assert_array_equal(row['continue'], [1, 1, 1, 1, 1])
  ends['is_first'] = np.array([True, False, False, True, False])
  row = batching.align(ends, 3)
  np.testing.assert_array_equal(row['continue'], [1, 1, 0, 1, 1])
  assert row['continue'].dtype == np.float32
  assert 'continue' not in batching.align(EPISODES[0], 3)


def test_an_episode_that_starts_inside_is_not_whole():
  joined = {**EPISODES[0], 'is_first': np.arange(5) % 3 == 0}
  with pytest.raises(ValueError, match='anew at step 3.*LOADER'):
    next(loader.in_order([joined], 3, batch=1, count=1))
  with pytest.raises(ValueError, match='of one length; got 5 and 6'):
    next(loader.in_order([EPISODES[0], episode(1, 6)], 3, batch=2, count=2))


def test_an_action_out_of_range_is_refused():
  with pytest.raises(ValueError, match='0 to 1'):
    batching.align(EPISODES[0], 2)


def test_a_loader_is_a_function_of_the_step():
  one = loader.whole_episodes(EPISODES, 3, batch=3, seed=1)
  other = loader.whole_episodes(EPISODES, 3, batch=3, seed=1)
  for step in (5, 0, 2, 5):
    equal(one(step), other(step))
  assert one(0)['image'].shape == (3, 5, 2, 2, 3)


def test_an_epoch_holds_every_episode_once_in_a_new_order():
  load = loader.whole_episodes(EPISODES, 3, batch=1, seed=1)
  seen = [int(load(step)['image'].flat[0]) for step in range(14)]
  assert sorted(seen[:7]) == sorted(seen[7:]) == list(range(7))
  assert seen[:7] != seen[7:]


def test_prefetching_changes_nothing_and_starts_anywhere():
  load = loader.whole_episodes(EPISODES, 3, batch=2, seed=1)
  ahead = loader.prefetch(load, start=3)
  for step in range(3, 9):
    equal(next(ahead), load(step))


def test_evaluation_meets_every_episode_once_and_masks_the_filling():
  batches = list(loader.in_order(EPISODES, 3, batch=3, count=7))
  images = np.concatenate([b['image'][:, 0, 0, 0, 0] for b in batches])
  masks = np.concatenate([b['mask'][:, 1] for b in batches])
  np.testing.assert_array_equal(images[masks > 0], range(7))
  assert {b['image'].shape[0] for b in batches} == {3}


def test_a_batch_larger_than_the_data_is_refused():
  with pytest.raises(ValueError, match='BATCH'):
    loader.whole_episodes(EPISODES, 3, batch=8, seed=1)


def test_actions_that_are_no_integers_are_refused():
  spoilt = {**EPISODES[0], 'action': np.full(5, np.nan)}
  with pytest.raises(ValueError, match='actions must be integers'):
    batching.align(spoilt, 3)


@pytest.mark.parametrize('chunk', [1, 2, 3, 5])
def test_rows_of_chunks_walk_through_whole_episodes(chunk):
  load = loader.episode_chunks(EPISODES, 3, batch=2, chunk=chunk, seed=1)
  batches = [load(step) for step in range(40)]
  rows = 2 * 5 // chunk
  walk = {
    name: np.concatenate([b[name] for b in batches], 1) for name in batches[0]
  }
  assert walk['image'].shape[:2] == (rows, 40 * chunk)
  aligned = [batching.align(e, 3) for e in EPISODES]
  for row in range(rows):
    starts = np.flatnonzero(walk['is_first'][row])
    assert starts[0] <= 5 - row * 5 // rows
    np.testing.assert_array_equal(np.diff(starts), 5)
    for start in starts[:-1]:
      got = {k: v[row, start : start + 5] for k, v in walk.items()}
      equal(got, aligned[got['image'].flat[0]])


def test_chunks_meet_every_episode_once_in_an_epoch():
  load = loader.episode_chunks(EPISODES, 3, batch=1, chunk=5, seed=1)
  seen = [int(load(step)['image'].flat[0]) for step in range(14)]
  assert sorted(seen[:7]) == sorted(seen[7:]) == list(range(7))


def test_a_loader_of_chunks_is_a_function_of_the_step():
  def make():
    return loader.episode_chunks(EPISODES, 3, batch=3, chunk=4, seed=1)

  one, other = make(), make()
  for step in (5, 0, 2, 5):
    equal(one(step), other(step))
  ahead = loader.prefetch(one, start=3)
  for step in range(3, 9):
    equal(next(ahead), other(step))


def test_rows_of_chunks_are_a_multiple_of_the_devices():
  def make(multiple):
    return loader.episode_chunks(
      EPISODES, 3, batch=3, chunk=2, seed=1, multiple=multiple
    )

  assert [len(make(n)(0)['mask']) for n in (1, 2, 3, 4, 7)] == [7, 6, 6, 4, 7]
  for multiple in (8, 0):
    with pytest.raises(ValueError, match=r'7 chunks.*episode_chunks\.multiple'):
      make(multiple)


def test_a_chunk_longer_than_an_episode_is_refused():
  with pytest.raises(ValueError, match='chunk=6 with episodes of 5 steps'):
    loader.episode_chunks(EPISODES, 3, batch=1, chunk=6, seed=1)


def test_episodes_of_another_length_are_refused():
  mixed = [episode(0), episode(1), episode(2, length=4)]
  load = loader.episode_chunks(mixed, 3, batch=1, chunk=5, seed=1)
  with pytest.raises(ValueError, match='must be of one length'):
    list(map(load, range(3)))
