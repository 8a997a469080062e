"""Laws of the rooms that put their walker back, and of their variants."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.worlds import film, rooms, tour
from datasets.worlds import layout as layouts

LAPTOP = layouts.LAYOUTS['two_rooms_teleport_laptop']
EPISODES = 16
KEYS = jax.random.split(jax.random.PRNGKey(5), EPISODES)


def walked(layout, keys=KEYS):
  play = jax.jit(jax.vmap(functools.partial(tour.play, layout)))
  worlds, action, _ = jax.tree.map(np.asarray, play(keys))
  return worlds, action


def wandered(layout, actions):
  """Poses under given actions, [T, (x, y, heading)], and the last state."""

  @jax.jit
  def walk(key):
    def step(world, action):
      ahead = rooms.move(layout, world, action)
      return ahead, jnp.append(ahead.position, ahead.heading)

    world = rooms.start(layout, key)
    first = jnp.append(world.position, world.heading)
    last, poses = jax.lax.scan(step, world, actions)
    return jnp.concatenate([first[None], poses]), last

  return jax.tree.map(np.asarray, walk(KEYS[0]))


@pytest.fixture(scope='module')
def takes():
  return film.camera(LAPTOP, 256)(KEYS)


def test_after_the_teleport_the_frame_is_that_of_the_earlier_step(takes):
  for take in takes:
    source, back = take['source'], LAPTOP.tour
    for name in ('image', 'pose', 'room', 'visible'):
      np.testing.assert_array_equal(take[name][back], take[name][source])
    assert take['action'][back - 1] == tour.NOOP


def test_at_laptop_size_what_follows_is_what_followed(takes):
  for take in takes:
    source, back = take['source'], LAPTOP.tour
    count = back - source
    np.testing.assert_array_equal(
      take['image'][back : back + count], take['image'][source:back][
        : LAPTOP.length - back
      ]
    )  # fmt: skip


def test_any_earlier_step_may_be_gone_back_to():
  worlds, _ = walked(layouts.LAYOUTS['four_rooms_teleport_smoke'],
                     jax.random.split(jax.random.PRNGKey(1), 256))  # fmt: skip
  assert set(worlds.mark.source[:, 0]) == set(range(9))


def test_the_context_ends_with_the_stretch():
  for name, layout in layouts.LAYOUTS.items():
    assert layout.context - layout.tour == layout.stretch
    assert ('teleport' in name) == (layout.stretch > 0)
  assert layouts.LAYOUTS['four_rooms_teleport'].stretch == 20


def test_whoever_walks_is_put_back():
  layout = layouts.FOUR._replace(tour=30, stretch=5, query=5)
  draw = np.random.default_rng(0)
  poses, last = wandered(layout, draw.integers(0, 6, layout.length - 1))
  np.testing.assert_array_equal(poses[30], poses[last.mark.source])
  assert np.any(poses[30] != poses[29])


def test_without_noise_and_movers_nothing_is_drawn():
  world = rooms.start(layouts.FOUR, KEYS[0])
  assert world.key is world.movers is world.mark is None


def test_noise_replaces_actions_as_often_as_it_says():
  layout = layouts.FOUR._replace(action_noise=0.3, headings=24)
  count = 4000
  poses, _ = wandered(layout, np.full(count, tour.NOOP))
  moved = (np.diff(poses, axis=0) != 0).any(1).mean()
  # A fifth of the others, forward against a wall, may stay unnoticed.
  expected = 0.3 * 5 / 6
  assert 0.75 * expected < moved < expected + 4 * np.sqrt(0.25 / count)


def test_a_noisy_walker_still_tours():
  worlds, _ = walked(layouts.FOUR._replace(action_noise=0.1))
  cell = worlds.position[:, : layouts.FOUR.tour] // (3 * layouts.UNIT)
  room = cell[..., 1] * 2 + cell[..., 0]
  assert all(set(row) == {0, 1, 2, 3} for row in room)


def test_movers_walk_are_seen_and_change_nothing_else():
  plain = layouts.LAYOUTS['four_rooms_laptop']
  layout = plain._replace(movers=3)
  worlds, action = walked(layout)
  still, same = walked(plain)
  np.testing.assert_array_equal(worlds.position, still.position)
  np.testing.assert_array_equal(action, same)
  place = worlds.movers.position
  assert place.shape == (EPISODES, layout.length, 3, 2)
  assert (np.ptp(place, axis=1).max(-1) > layouts.UNIT).all()
  free = jax.jit(jax.vmap(functools.partial(rooms.is_free, layout)))
  assert np.asarray(free(place.reshape(-1, 2))).all()
  filmed = (film.camera(x, 256)(KEYS[:2]) for x in (layout, plain))
  for busy, quiet in zip(*filmed, strict=True):
    np.testing.assert_array_equal(busy['visible'], quiet['visible'])
    assert (busy['image'] != quiet['image']).any((1, 2, 3)).mean() > 0.3
