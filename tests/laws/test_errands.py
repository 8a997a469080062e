"""Laws of Multi Doors Keys: the script, and the records made of it."""

import functools

import jax
import numpy as np
import pytest

from datasets import multi_doors_keys
from datasets.worlds import corridor as corridors
from datasets.worlds import doors_keys, errands

NAMES = [n for n in corridors.CORRIDORS if not n.endswith('_smoke')]
EPISODES = 48
KINDS = 'open', 'locked', 'early key', 'late key'


@functools.cache
def played(corridor):
  """Episodes of the script: worlds, actions, trial, in NumPy."""
  keys = jax.random.split(jax.random.PRNGKey(7), EPISODES)
  play = jax.jit(jax.vmap(functools.partial(errands.play, corridor)))
  return jax.tree.map(np.asarray, play(keys))


@pytest.fixture(scope='module', params=NAMES)
def episodes(request):
  corridor = corridors.CORRIDORS[request.param]
  return corridor, *played(corridor)


def in_view(worlds, columns, row):
  """Returns which cells of a row are in view: [E, T, K]."""
  x, y = np.moveaxis(worlds.position, -1, 0)[..., None]
  return (np.abs(x - columns) <= 2) & (np.abs(y - row) <= 2)


def outcomes(corridor, worlds, trial):
  """Returns each trial as (episode, step, outcome)."""
  episode, step = np.nonzero(trial >= 0)
  found = []
  for e, t in zip(episode, step, strict=True):
    door, opened = trial[e, t], worlds.door_open[e]
    color = worlds.door_color[e, 0, door]
    same = worlds.door_color[e, 0] == color
    if opened[t, door]:
      found.append((e, t, 'open'))
    elif not opened[t + 1, door]:
      found.append((e, t, 'locked'))
    else:
      alike = worlds.key_taken[e][:, worlds.key_color[e, 0] == color]
      used = opened[t, same].sum()
      taken = np.argmax(alike.sum(-1) > used)
      early = taken < corridor.context
      found.append((e, t, 'early key' if early else 'late key'))
  return found


def test_the_context_shows_every_key_and_door(episodes):
  corridor, worlds, _, _ = episodes
  doors = in_view(worlds, corridor.columns, 3)
  keys = in_view(worlds, corridor.columns, 8) & ~worlds.key_taken
  assert doors[:, : corridor.context].any(1).all()
  assert keys[:, : corridor.context].any(1).all()


def test_the_query_has_doors_to_open_to_try_and_to_meet_open(episodes):
  corridor, worlds, _, trial = episodes
  found = {
    (e, outcome)
    for e, t, outcome in outcomes(corridor, worlds, trial)
    if t >= corridor.context
  }
  share = {
    kind: sum(outcome == kind for _, outcome in found) / EPISODES
    for kind in KINDS
  }
  assert share['open'] >= 0.85
  assert share['locked'] >= 0.6
  assert share['late key'] >= 0.75
  assert share['early key'] >= 0.4


def test_keys_are_taken_in_the_context_and_in_the_query(episodes):
  corridor, worlds, _, _ = episodes
  taken = np.diff(worlds.key_taken.sum(-1), axis=1)
  early = taken[:, : corridor.context - 1].sum() / EPISODES
  late = taken[:, corridor.context - 1 :].sum() / EPISODES
  assert min(early, late) >= 1
  assert early + late >= 0.6 * corridor.keys


def test_a_door_is_not_tried_twice_in_turn_without_an_errand_between(episodes):
  _, worlds, _, trial = episodes
  for e in range(EPISODES):
    steps = np.nonzero(trial[e] >= 0)[0]
    taken = worlds.key_taken[e, steps].sum(-1)
    again = (np.diff(trial[e, steps]) == 0) & (np.diff(taken) == 0)
    assert not again.any()


@pytest.mark.parametrize(
  ('name', 'cause'),
  [('keys_3', 'action_noise'), ('keys_7', 'action_noise'), ('keys_3', 'stray')],
)
def test_errands_are_run_also_where_actions_go_wrong(name, cause):
  corridor = corridors.CORRIDORS[name]._replace(**{cause: 0.1})
  worlds, _, trial = played(corridor)
  doors = in_view(worlds, corridor.columns, 3)
  assert doors[:, : corridor.context].any(1).mean() >= 0.99
  assert worlds.door_open[:, -1].mean() >= 0.6
  kinds = {outcome for _, _, outcome in outcomes(corridor, worlds, trial)}
  assert kinds == set(KINDS)


def test_an_errand_to_a_door_ends_when_it_is_tried():
  corridor = corridors.THREE._replace(stray=0.2, action_noise=0.2)

  @jax.jit
  @jax.vmap
  def run(key):
    here, there = jax.random.split(key)
    world = doors_keys.start(corridor, here)

    def step(carry, _):
      world, script = carry
      script, action = errands.act(corridor, script, world)
      trial = doors_keys.tries(corridor, world, action)
      ahead = doors_keys.move(corridor, world, action)
      return (ahead, script), (script.errand, trial)

    carry = world, errands.start(corridor, there, world)
    return jax.lax.scan(step, carry, None, corridor.length)[1]

  keys = jax.random.split(jax.random.PRNGKey(7), EPISODES)
  errand, trial = map(np.asarray, run(keys))
  door = ((errand >= 0) & (errand < corridor.keys))[:, :-1]
  ended = errand[:, 1:] != errand[:, :-1]
  np.testing.assert_array_equal(ended[door], (trial == errand)[:, :-1][door])
  assert ended[door].sum() > 5 * EPISODES


@pytest.fixture(scope='module', params=['keys_3_smoke', 'keys_3+movers-2'])
def records(request):
  make = multi_doors_keys.MultiDoorsKeys
  config = make.get_builder_config(request.param)
  return config, make.maker(config, 'val', 4)(0)


def test_a_record_is_a_filmed_episode(records):
  config, found = records
  for record in found:
    oracle = record['oracle']
    features = multi_doors_keys.MultiDoorsKeys.oracle(config)
    assert set(features) == set(oracle)
    for name, feature in features.items():
      assert oracle[name].shape == feature.shape
      assert oracle[name].dtype == feature.np_dtype
    opened = np.diff(oracle['door_open'].sum(-1))
    np.testing.assert_array_equal(record['reward'], [*opened, 0])
    assert not record['is_terminal'].any()
    assert (record['action'][:-1] != record['action'][1:]).any()


def test_an_episode_does_not_depend_on_its_batch(records):
  config, whole = records
  parts = multi_doors_keys.MultiDoorsKeys.maker(config, 'val', 3)
  for a, b in zip(whole, [*parts(0), *parts(3)], strict=False):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def test_the_map_is_what_is_in_view(records):
  config, (record, *_) = records
  chart = multi_doors_keys.MultiDoorsKeys.chart(config, record)
  image = record['observation']['image']
  shape = chart.draw(0).shape
  first = np.full(shape[:2], config.length)
  for t, ((x, y), frame) in enumerate(zip(chart.path, image, strict=True)):
    top, left = int(y) - 20, int(x) - 20
    up, aside = max(-top, 0), max(-left, 0)
    there = np.s_[max(top, 0) : top + 40, max(left, 0) : left + 40]
    drawn = chart.draw(t)[there]
    seen = frame[up : up + len(drawn), aside : aside + drawn.shape[1]].copy()
    middle = np.s_[16 - up : 24 - up, 16 - aside : 24 - aside]
    drawn = drawn.copy()
    assert (seen[middle] != drawn[middle]).any(), 'no agent'
    seen[middle] = drawn[middle]
    np.testing.assert_array_equal(seen, drawn)
    first[there] = np.minimum(first[there], t)
  np.testing.assert_array_equal(chart.seen, first)
  assert len(chart.cue) == len(chart.heading) == config.length


def test_the_cue_says_what_is_in_hand():
  config = multi_doors_keys.MultiDoorsKeys.builder_configs['keys_3_smoke']
  record = multi_doors_keys.MultiDoorsKeys.maker(config, 'val', 1)(0)[0]
  oracle = record['oracle']
  oracle['inventory'] = np.array([[0, 0, 0, 0]] * 24 + [[2, 0, 1, 0]])
  oracle['door_open'] = np.array([[False] * 3] * 24 + [[True, False, True]])
  cue = multi_doors_keys.MultiDoorsKeys.chart(config, record).cue
  assert cue[0] == 'holds nothing; 0 of 3 doors open'
  assert cue[-1] == 'holds 2 green, 1 purple; 2 of 3 doors open'
