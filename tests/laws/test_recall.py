"""What metrics ask of an episode: how old what is in view is, and foils."""

import numpy as np
import pytest

import datasets
from datasets import catalogue, recall
from datasets.worlds import passage

WORLDS = (
  'rooms/two_rooms',
  'distracting_memory/width_100',
  'multi_doors_keys/keys_3',
  'memory_maze/jax_9x9',
)


def test_age_is_that_of_a_loop():
  draw = np.random.default_rng(0)
  visible = draw.uniform(size=(40, 20)) < 0.05
  context, expected = 25, np.zeros(40, int)
  for t in range(context, 40):
    ages = [0]
    for thing in np.flatnonzero(visible[t]):
      seen = np.flatnonzero(visible[:context, thing])
      ages.append(t - seen[-1] if len(seen) else -1)
    expected[t] = -1 if -1 in ages else max(ages)
  assert (expected < 0).any()
  assert (expected > 0).any()
  np.testing.assert_array_equal(recall.age(visible, context), expected)


@pytest.mark.parametrize('name', WORLDS)
def test_every_world_says_what_is_in_view(name):
  metadata = catalogue.describe(name, 'smoke')
  (episode,) = datasets.preview(name, count=1, scale='smoke')
  builder, config = catalogue.find(name, 'smoke')
  visible = builder.visible(config, episode)
  length, context = metadata['length'], metadata['context']
  assert visible.dtype == bool
  assert len(visible) == length
  assert visible.any(0).any()
  assert not visible.all()
  age = catalogue.answers(name, 'smoke')(episode, context)['age']
  assert age.shape == (length,)
  assert age.dtype == np.int32
  assert not age[:context].any()
  assert (age[context:] <= np.arange(context, length)).all()


def test_a_cell_in_view_looks_the_same_each_time():
  name = 'distracting_memory/width_20'
  (episode,) = datasets.preview(name, scale='laptop')
  builder, config = catalogue.find(name, 'laptop')
  plan, frames = config.world, episode['observation']['image']
  row = [(passage.MIDDLE, x) for x in range(passage.FIRST, plan.last + 1)]
  ends = [(y, plan.junction) for y in passage.CHOICES]
  drawn = sorted([passage.CLUE[::-1], *row, *ends])
  tiles = frames.reshape(-1, 5, 8, 5, 8, 3).swapaxes(2, 3)
  expected, looks = [], {}
  for t, (x, y, _) in enumerate(episode['oracle']['pose']):
    away = np.array(drawn) - [y, x]
    expected.append((np.abs(away) <= 2).all(1))
    for cell, (down, right) in zip(drawn, away, strict=True):
      # The agent hides what it stands on.
      if max(abs(down), abs(right)) <= 2 and (down or right):
        look = tiles[t, down + 2, right + 2]
        np.testing.assert_array_equal(look, looks.setdefault(cell, look))
  np.testing.assert_array_equal(builder.visible(config, episode), expected)
  assert len(looks) == len(drawn)


@pytest.mark.parametrize('name', WORLDS[1:3])
def test_all_that_a_grid_hides_was_seen_in_the_context(name):
  context = catalogue.describe(name)['context']
  answers = catalogue.answers(name)
  for episode in datasets.preview(name, count=3):
    assert (answers(episode, context)['age'][context:] > 0).all()


def test_recordings_have_no_answers():
  assert catalogue.answers('folder:somewhere')({}, 1) == {}


def test_a_foil_shows_doors_the_other_way():
  name = 'multi_doors_keys/keys_3'
  episodes = datasets.preview(name, count=4, scale='laptop')
  answers = catalogue.answers(name, 'laptop')
  columns, checked = np.array([2, 6, 10]), 0
  for episode in episodes:
    oracle, frames = episode['oracle'], episode['observation']['image']
    foil = answers(episode, 1)['foil']
    assert foil.shape == frames.shape
    assert foil.dtype == np.uint8
    tiles = {}
    for t, (x, y, _) in enumerate(oracle['pose']):
      differ = (foil[t] != frames[t]).any(-1).reshape(5, 8, 5, 8).any((1, 3))
      row, column = 3 - y + 2, columns - x + 2
      doors = np.zeros((5, 5), bool)
      for k, place in enumerate(column):
        if 0 <= row < 5 and 0 <= place < 5 and (row, place) != (2, 2):
          doors[row, place] = True
          at = np.s_[8 * row : 8 * row + 8, 8 * place : 8 * place + 8]
          state = bool(oracle['door_open'][t, k])
          tiles.setdefault((k, state), frames[t][at])
          tiles.setdefault((k, not state, 'foil'), foil[t][at])
      np.testing.assert_array_equal(differ, doors)
    for key in [key for key in tiles if len(key) == 3 and key[:2] in tiles]:
      np.testing.assert_array_equal(tiles[key], tiles[key[:2]])
      checked += 1
  assert checked > 3


def test_a_guess_shows_doors_as_the_context_left_them():
  name = 'multi_doors_keys/keys_3'
  context = catalogue.describe(name, 'laptop')['context']
  answers = catalogue.answers(name, 'laptop')
  differs = 0
  for episode in datasets.preview(name, count=4, scale='laptop'):
    is_open = episode['oracle']['door_open']
    frames = episode['observation']['image']
    guess = answers(episode, context)['guess']
    np.testing.assert_array_equal(guess[:context], frames[:context])
    as_left = (is_open == is_open[context - 1]).all(1)
    np.testing.assert_array_equal(guess[as_left], frames[as_left])
    differs += (guess[~as_left] != frames[~as_left]).any((1, 2, 3)).sum()
  assert differs > 0
