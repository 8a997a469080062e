"""Laws of the claims: on either side of each threshold the verdict differs."""

import pathlib

import pytest

from experiments.results import claims, records

MODELS = 's4wm', 's5wm', 'tssm_xl', 'rssm_tbtt', 'tssm_full'


def record(table, model, seed=0, **fields):
  empty = dict.fromkeys(records.Record._fields, {})
  fields = {'config': '', 'folder': pathlib.Path(), **fields}
  return records.Record(
    **{**empty, 'table': table, 'model': model, 'seed': seed, **fields}
  )


def verdict(found, *words):
  """The one claim whose name has all words."""
  (one,) = (
    claim
    for claim in claims.claims(found)
    if all(word in claim.claim for word in words)
  )
  return one


def errors(table, name='generation_mse', **levels):
  return [record(table, m, metrics={name: x}) for m, x in levels.items()]


def rewards(model, inference, generation, width=100, **fields):
  metrics = {
    'inference_reward_accuracy': inference,
    'generation_reward_accuracy': generation,
  }
  table = f'hallway_{width}'
  return [record(table, model, metrics=metrics, **fields)]


@pytest.mark.parametrize('model', ['S4WM', 'S5WM', 'TSSM'])
@pytest.mark.parametrize(
  ('inference', 'generation', 'holds'),
  [(0.96, 0.951, True), (0.951, 0.949, False), (0.949, 0.96, False)],
)
def test_above_95_percent_is_so_in_both(model, inference, generation, holds):
  name = {'S4WM': 's4wm', 'S5WM': 's5wm', 'TSSM': 'tssm_full'}[model]
  found = rewards(name, inference, generation)
  one = verdict(found, '100 wide', f': {model}', 'above 95 % in both')
  assert one.holds is holds
  assert one.ours == f'{100 * inference:.1f} % / {100 * generation:.1f} %'


@pytest.mark.parametrize(
  ('inference', 'generation', 'holds'),
  [(0.59, 0.55, True), (0.61, 0.5, False), (0.5, 0.61, False)],
)
def test_near_chance_is_below_60_percent_in_both(inference, generation, holds):
  found = rewards('rssm_tbtt', inference, generation, 200)
  assert verdict(found, '200 wide', 'RSSM-TBTT').holds is holds


@pytest.mark.parametrize(
  ('inference', 'generation', 'near', 'far'),
  [
    (0.96, 0.59, True, False),
    (0.94, 0.59, False, False),
    (0.96, 0.61, False, False),
    (0.59, 0.59, False, True),
  ],
)
def test_what_is_claimed_of_a_transformer_depends_on_its_reach(
  inference, generation, near, far
):
  def judged(window):
    config = f'XL_DEPTH = 3\nWINDOW = {window}\n'
    found = rewards('tssm_xl', inference, generation, 200, config=config)
    return verdict(found, '200 wide', 'TSSM-XL')

  assert 'reaches back' in judged(65).claim
  assert judged(65).holds is near
  assert 'does not reach' in judged(64).claim
  assert judged(64).holds is far


@pytest.mark.parametrize('rival', ['tssm_xl', 'rssm_tbtt'])
@pytest.mark.parametrize(
  ('table', 'words', 'share'),
  [
    ('rooms', ('Four Rooms:', 'at most half'), 2),
    ('teleport', ('teleport:', 'at most half'), 2),
    ('doors_7', ('seven keys', 'at most a fifth'), 5),
  ],
)
def test_a_share_of_the_error_is_just_that(table, words, share, rival):
  title = {'tssm_xl': 'of TSSM-XL', 'rssm_tbtt': 'of RSSM-TBTT'}[rival]
  for other, holds in ((share + 0.01, True), (share - 0.01, False)):
    found = errors(table, s4wm=1.0, **{rival: other})
    assert verdict(found, *words, title).holds is holds


@pytest.mark.parametrize('odd', ['s4wm', 'tssm_xl', 'rssm_tbtt'])
def test_reconstructions_are_near_equal_up_to_a_quarter(odd):
  for worst, holds in ((1.24, True), (1.26, False)):
    levels = dict.fromkeys(('s4wm', 'tssm_xl', 'rssm_tbtt'), 1.0)
    found = errors('rooms', 'reconstruction_mse', **{**levels, odd: worst})
    assert verdict(found, 'Four Rooms:', 'near-equal').holds is holds


@pytest.mark.parametrize(
  ('last', 'mean_frame', 'holds'),
  [(1.49, 9.0, True), (1.51, 9.0, False), (1.2, 2.3, False), (1.2, 2.5, True)],
)
def test_low_to_the_last_step_is_by_the_start_and_the_mean_frame(
  last, mean_frame, holds
):
  curve = {'mean': [1.0] * 10 + [1.4] * 8 + [last] * 2}
  found = record(
    'rooms', 's4wm', metrics={'baseline_mean_frame_mse': mean_frame},
    curves={'generation_mse_by_step': curve},
  )  # fmt: skip
  one = verdict([found], 'Four Rooms:', 'stays low')
  assert one.holds is holds
  assert one.ours == f'1.00 / {last:.2f} / {mean_frame:.2f}'


@pytest.mark.parametrize(
  ('what', 'name', 'better', 'worse', 'constant'),
  [
    ('walls', 'wall_accuracy', 0.9, 0.8, 0.85),
    ('objects', 'object_mse', 1.0, 2.0, 1.5),
  ],
)
def test_probes_are_compared_by_what_is_better(
  what, name, better, worse, constant
):
  def judged(*words, **levels):
    found = [
      record('maze', m, probe={name: x, f'constant_{name}': constant})
      for m, x in levels.items()
    ]
    return verdict(found, 'Maze', what, *words).holds

  of = dict.fromkeys(MODELS[:4], worse)
  assert judged('S5WM is best', **{**of, 's5wm': better}) is True
  assert judged('S5WM is best', **{**of, 'rssm_tbtt': better}) is False
  assert judged('ahead', **{**of, 'rssm_tbtt': better}) is True
  assert judged('ahead', **{**of, 's4wm': better}) is False
  assert judged('ahead', **of) is False
  best = dict.fromkeys(MODELS[:4], better)
  assert judged('constant', **best) is True
  assert judged('constant', **{**best, 'tssm_xl': worse}) is False


@pytest.mark.parametrize(
  ('words', 'part', 'key', 'first', 'others', 'more'),
  [
    (('trains fastest', 'equal'), 'train', 'frames_per_second', 's4wm',
     ('tssm_xl', 'rssm_tbtt'), True),
    (('trains fastest', 'wide as'), 'train', 'frames_per_second', 's4wm',
     ('tssm_xl_wide', 'rssm_tbtt_wide'), True),
    (('least memory',), 'train', 'peak_bytes', 'rssm_tbtt',
     ('s4wm', 'tssm_xl'), False),
    (('RSSM-TBTT imagines',), 'imagine', 'frames_per_second', 'rssm_tbtt',
     ('s4wm', 'tssm_xl'), True),
    (('S4WM imagines',), 'imagine', 'frames_per_second', 's4wm',
     ('tssm_xl',), True),
  ],
)  # fmt: skip
def test_speeds_are_the_more_the_better_and_memory_the_less(
  words, part, key, first, others, more
):
  def judged(ahead):
    high, low = (2e6, 1e6) if more else (1e6, 2e6)
    levels = dict.fromkeys((first, *others), low) | {ahead: high}
    found = [
      record('speed', m, speed={part: {key: x}}) for m, x in levels.items()
    ]
    return verdict(found, *words).holds

  assert judged(first) is True
  for other in others:
    assert judged(other) is False


def test_means_of_seeds_are_judged_and_the_fewest_are_told():
  found = [record('rooms', 's4wm', s, metrics={'generation_mse': x})
           for s, x in enumerate((1.0, 3.0))]  # fmt: skip
  found += errors('rooms', tssm_xl=4.1)
  one = verdict(found, 'Four Rooms:', 'half of that of TSSM')
  assert one.holds is True
  assert one.ours == '2.00 / 4.10'
  assert one.seeds == 1


def test_what_was_not_run_neither_holds_nor_fails():
  found = errors('rooms', s4wm=1.0)
  assert all(claim.holds is None for claim in claims.claims(found))
  assert {claim.ours for claim in claims.claims(found)} == {'not run'}
