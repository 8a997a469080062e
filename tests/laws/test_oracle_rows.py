"""Laws of the rows that the oracle learns from."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import oracle
from wm.types import Rollout, WorldModel

COUNT, LENGTH, OBJECTS, SIDE = 5, 7, 2, 3
ACTIONS = 4


def maze(number):
  """Returns an episode in whose fields its number and the time stand."""
  time = np.arange(LENGTH)
  place = np.stack([np.full(LENGTH, number), time], -1)
  return {
    'observation': {
      'image': np.uint8(place[:, None, None]),  # [T, 1, 1, 2]
    },
    'action': time % ACTIONS,
    'is_first': time == 0,
    'oracle': {
      'maze_layout': np.full((SIDE, SIDE), number),
      'agent_pos': place,
      'agent_dir': -place,
      'targets_vec': np.stack([place, 2 * place], 1),
    },
  }


def observe(params, key, state, batch):
  """Remembers which frame it sees, and what led there."""
  del params, key, state
  place = jnp.asarray(batch['image'], jnp.float32)[..., 0, 0, :]
  return None, Rollout(place, batch['prev_action'], None, None)


@pytest.fixture(scope='module')
def rows():
  """Returns the rows of a batch."""
  model = WorldModel(**dict.fromkeys(WorldModel._fields))
  batches = oracle._loader(
    [maze(number) for number in range(COUNT)],
    {'num_actions': ACTIONS, 'length': LENGTH},
    batch=6,
    rows=100,
    seed=0,
  )
  batch = batches(0)
  shown = set(np.asarray(batch['image'])[:, 0, 0, 0, 0])
  assert len(shown) > 2, 'the order of episodes is not their numbers'
  found = oracle._rows(
    model._replace(observe=observe), (), jax.random.key(0), batch
  )
  return {name: np.asarray(x) for name, x in found.items()}, shown


def test_a_row_is_asked_about_the_step_that_it_remembers(rows):
  found, _ = rows
  place = found['features'][:, :2]
  number, time = place.astype(int).T
  np.testing.assert_array_equal(
    found['walls'], np.tile(number[:, None], SIDE * SIDE)
  )
  np.testing.assert_allclose(
    found['pose'], np.concatenate([2 * place / SIDE - 1, -place], -1), 1e-6
  )
  np.testing.assert_array_equal(
    found['targets'], np.stack([place, 2 * place], 1)
  )
  led = np.eye(ACTIONS)[(time - 1) % ACTIONS] * (time > 0)[:, None]
  np.testing.assert_array_equal(found['features'][:, 2:], led)


def test_rows_are_of_all_episodes_and_steps_of_their_batch(rows):
  found, shown = rows
  number, time = found['features'][:, :2].astype(int).T
  assert set(number) == shown
  assert set(time) == set(range(LENGTH))
  assert len(set(zip(number, time, strict=True))) > LENGTH
