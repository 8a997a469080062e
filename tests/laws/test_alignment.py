"""Laws of telling which frame an action belongs to, over many seeds."""

import numpy as np
import pytest

from datasets.recorded import alignment
from tests import walks

SEEDS = range(40)
WRITTEN = {'rlds': dict, 'last': walks.late}


def ends(records):
  return alignment.told_by_ends(
    [alignment.ends(x['action'], len(x['image'])) for x in records]
  )


def effect(records):
  seen = [x['image'] for x in records], [x['action'] for x in records]
  return alignment.told_by_effect(alignment.effect(*seen))


def continuous(record):
  return record | {'action': np.float32(walks.MOVES[record['action']])}


def finished(record):
  """The last action of a recording in time stands for nothing."""
  action = record['action'].copy()
  action[-1] = 0
  return record | {'action': action}


@pytest.mark.parametrize('aligned', WRITTEN)
@pytest.mark.parametrize('kind', [dict, continuous])
def test_frames_tell_how_actions_are_written(aligned, kind):
  for seed in SEEDS:
    record = WRITTEN[aligned](walks.walk(seed, 60))
    assert effect([kind(record)]) == aligned, seed


def test_ends_tell_how_actions_are_written():
  for seed in SEEDS:
    records = [finished(walks.walk(20 * seed + i)) for i in range(12)]
    assert ends(records) == 'rlds'
    assert ends([walks.late(x) for x in records]) in ('last', None)
    records = [walks.late(walks.walk(20 * seed + i)) for i in range(12)]
    assert ends(records) == 'last'


def test_a_few_zeros_that_may_be_chance_tell_nothing():
  for seed in SEEDS:
    records = [walks.late(walks.walk(20 * seed + i)) for i in range(3)]
    assert ends(records) is None
  idle = [x | {'action': 0 * x['action']} for x in records * 9]
  assert ends(idle) is None


@pytest.mark.parametrize('count', [6, 12, 25, 60, 250])
def test_frames_that_no_action_changes_tell_nothing(count):
  for seed in SEEDS:
    draw = np.random.default_rng(seed)
    record = walks.walk(seed, count)
    wide = {'action': np.float32(draw.normal(size=(count, 9)))}
    noise = draw.integers(0, 256, record['image'].shape, np.uint8)
    for action in (record, continuous(record), wide):
      assert effect([action | {'image': noise}]) is None, seed
      assert effect([action | {'image': 0 * noise}]) is None, seed


def test_actions_held_for_long_are_never_taken_for_late_ones():
  told = {
    effect([walks.walk(seed, 60, repeat=repeat)])
    for repeat in (2, 5, 20)
    for seed in SEEDS
  }
  assert told <= {'rlds', None}
