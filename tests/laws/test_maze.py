"""Laws of the maze: dynamics, targets, script, projection and records."""

import functools

import brax.envs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.worlds import explorer, maze_film
from datasets.worlds import maze as mazes
from datasets.worlds import maze_plan as plans

SMALL, LAPTOP, SMOKE = (
  mazes.MAZES[f'jax_9x9{scale}'] for scale in ('', '_laptop', '_smoke')
)
PLAYED = [name for name in mazes.MAZES if not name.endswith('_smoke')]
COVERED = {
  'jax_9x9': 0.8, 'jax_15x15': 0.5, 'jax_9x9_laptop': 0.6,
  'jax_15x15_laptop': 0.35,
}  # fmt: skip
EPISODES = 32
REAL = 0.01, 0.5, 0.15, 0.14, 0.11, 0.09  # Actions in the real 9x9, measured.


@functools.cache
def played(maze, count=EPISODES):
  """Episodes of the script: worlds, actions."""
  keys = jax.random.split(jax.random.PRNGKey(7), count)
  play = jax.vmap(functools.partial(explorer.play, maze))
  # Integers are the same however they are compiled; this takes half the time.
  play = jax.jit(play, compiler_options={'xla_backend_optimization_level': 0})
  return jax.tree.map(np.asarray, play(keys))


@pytest.fixture(scope='module', params=PLAYED)
def episodes(request):
  maze = mazes.MAZES[request.param]
  return request.param, maze, *played(maze)


@functools.cache
def started():
  """The first states of the episodes."""
  worlds, _ = played(SMALL)
  moves = worlds._replace(map=None, key=None)
  moves = jax.tree.map(lambda x: x[:, 0], moves)
  return moves._replace(map=worlds.map, key=worlds.key)


def clear(maze, worlds, radius):
  """Whether squares around the positions [E, T, 2] meet no wall."""
  half, free = int(radius * plans.UNIT), np.asarray(worlds.map.labyrinth.free)
  free = np.pad(free, ((0, 0), (1, 1), (1, 1)))
  found, rows = True, np.arange(len(free))[:, None]
  for dx, dy in np.ndindex(2, 2):
    shift = np.array([dx, dy]) * (2 * half - 1) - half
    x, y = np.moveaxis((worlds.position + shift) // plans.UNIT + 1, -1, 0)
    found &= free[rows, y, x]
  return found


def distance(worlds):
  """Cells from each position to each target: [E, T, O]."""
  away = worlds.map.target[:, None] - worlds.position[:, :, None]
  return np.linalg.norm(away, axis=-1) / plans.UNIT


def test_targets_lie_in_different_rooms_and_the_walk_begins_in_one(episodes):
  _, maze, worlds, _ = episodes
  middle = plans.UNIT // 2
  assert (worlds.map.target % plans.UNIT == middle).all()
  x, y = np.moveaxis(worlds.map.target // plans.UNIT, -1, 0)
  plan, rows = worlds.map.labyrinth, np.arange(EPISODES)[:, None]
  rooms = np.sort(plan.room[rows, y, x])
  assert (rooms > 0).all()
  assert (np.diff(rooms) > 0).all()
  assert plan.free[rows, y, x].all()
  x, y = (worlds.position[:, 0] // plans.UNIT).T
  assert (plan.room[rows[:, 0], y, x] > 0).all()
  assert distance(worlds)[:, 0].min() >= 1


def test_a_walker_is_never_inside_a_wall(episodes):
  _, maze, worlds, _ = episodes
  assert clear(maze, worlds, maze.body).all()


def test_the_script_walks_through_much_of_the_maze(episodes):
  name, maze, worlds, _ = episodes
  cell = worlds.position // plans.UNIT @ (1, maze.cells)
  free = worlds.map.labyrinth.free.sum((1, 2))
  found = np.array([len(np.unique(x)) for x in cell]) / free
  assert found.mean() >= COVERED[name]
  assert found.min() >= 0.6 * COVERED[name]


def test_the_script_is_rewarded_now_and_then(episodes):
  name, _, worlds, _ = episodes
  least, most = (0.5, 4) if 'laptop' in name else (1, 3)
  assert least <= worlds.reward.sum(1).mean() <= most


def test_the_script_uses_all_actions_and_seldom_meets_walls(episodes):
  name, _, worlds, action = episodes
  shares = np.bincount(action.ravel(), minlength=6) / action.size
  assert shares.min() > 0.01
  if 'laptop' not in name:
    np.testing.assert_allclose(shares, REAL, atol=0.07)
  still = (np.diff(worlds.position, axis=1) == 0).all(-1)
  assert (still & np.isin(action[:, :-1], [1, 4, 5])).mean() < 0.01


def test_a_reward_is_given_exactly_when_the_current_target_is_touched(episodes):
  _, maze, worlds, _ = episodes
  before = worlds.target[:, :-1, None]
  away = np.take_along_axis(distance(worlds)[:, 1:], before, -1)[..., 0]
  reward = worlds.reward[:, 1:]
  np.testing.assert_array_equal(reward, away <= int(maze.reach * 1024) / 1024)
  changes = np.diff(worlds.target, axis=1) != 0
  np.testing.assert_array_equal(changes, reward == 1)
  assert (worlds.reward[:, 0] == 0).all()
  assert set(np.unique(worlds.target)) == set(range(maze.targets))


def test_random_actions_never_enter_walls_nor_stop_short_of_them():
  maze = SMALL._replace(step=0.6, headings=97)
  actions = jax.random.randint(jax.random.PRNGKey(1), (400, EPISODES), 0, 6)

  @jax.jit
  def walk(worlds, actions):
    def step(worlds, action):
      move = functools.partial(mazes.move, maze)
      worlds = jax.vmap(move)(worlds, action)
      return worlds, worlds.position

    return jax.lax.scan(step, worlds, actions)[1]

  worlds = started()
  position = np.asarray(walk(worlds, actions)).swapaxes(0, 1)
  worlds = jax.tree.map(np.asarray, worlds)._replace(position=position)
  assert clear(maze, worlds, maze.body).all()
  touching = ~clear(maze, worlds, maze.body + 1 / 1024)
  assert 0.1 < touching.mean() < 0.9


def test_a_walk_into_a_wall_slides_along_it():
  maze = SMALL._replace(headings=24, turn=1)
  world = room((1.5, 1.3), 22)
  move = jax.jit(functools.partial(mazes.move, maze))
  place = [world.position]
  for _ in range(5):
    world = move(world, jnp.int32(1))
    place.append(world.position)
  steps = np.diff(np.array(place), axis=0)
  dx, dy = plans.circle(maze, maze.step)[22]
  assert (steps[:, 0] == dx).all()
  assert steps[0, 1] == dy < steps[1, 1] < 0
  assert (steps[2:, 1] == 0).all()


def room(position, heading=0, targets=((0.5, 0.5),) * 3, wall=1):
  """A state of a maze that is one big room, with some walls of one colour."""
  world = jax.tree.map(lambda x: x[0], started())
  free = np.ones((9, 9), bool)
  free[0], free[:, 0] = False, False
  cells = [jnp.rint(jnp.array(x) * plans.UNIT).astype(jnp.int32)
           for x in (position, targets)]  # fmt: skip
  plan = world.map.labyrinth._replace(free=jnp.array(free))
  maps = mazes.Map(plan, jnp.full(9, wall), cells[1])
  return world._replace(map=maps, position=cells[0], heading=jnp.int32(heading))


@pytest.fixture(scope='module')
def takes():
  """Episodes with frames, and their states and actions."""
  keys = jax.random.split(jax.random.PRNGKey(7), 5)
  return maze_film.camera(SMOKE, 16)(keys), *played(SMOKE, 5)


def test_records_tell_the_hidden_state_in_the_official_words(takes):
  films, worlds, action = takes
  for i, film in enumerate(films):
    about = {name: (x.shape, x.dtype.name) for name, x in film.items()}
    assert about == {
      'image': ((25, 16, 16, 3), 'uint8'),
      'action': ((25,), 'int32'),
      'reward': ((25,), 'float32'),
      'maze_layout': ((9, 9), 'uint8'),
      'agent_pos': ((25, 2), 'float32'),
      'agent_dir': ((25, 2), 'float32'),
      'targets_pos': ((3, 2), 'float32'),
      'targets_vec': ((25, 3, 2), 'float32'),
      'target_pos': ((25, 2), 'float32'),
      'target_vec': ((25, 2), 'float32'),
      'target_color': ((25, 3), 'float32'),
    }
    np.testing.assert_array_equal(film['action'], action[i])
    np.testing.assert_array_equal(film['reward'][:-1], worlds.reward[i, 1:])
    x, y = np.floor(film['agent_pos']).astype(int).T
    assert (film['maze_layout'][y, x] == 1).all()
    (c, s), (right, ahead) = film['agent_dir'].T, film['targets_vec'].T
    there = np.stack([s * right + c * ahead, s * ahead - c * right]).T
    places = film['agent_pos'][:, None] + there
    np.testing.assert_allclose(places - film['targets_pos'], 0, atol=1e-5)
    step, now = np.arange(len(action[i])), worlds.target[i]
    current = film['targets_vec'][step, now]
    np.testing.assert_array_equal(film['target_vec'], current)
    np.testing.assert_array_equal(film['target_pos'], film['targets_pos'][now])
    edge = film['image'][:, 0, 0] / (0.7 * 255)
    np.testing.assert_allclose(edge, film['target_color'], atol=0.01)


def test_a_walker_goes_where_it_looks():
  world = room((3, 4), heading=10)
  ahead = jax.jit(functools.partial(mazes.move, SMALL))(world, jnp.int32(1))
  angle = 2 * np.pi * 10 / SMALL.headings
  step = (ahead.position - world.position) / plans.UNIT
  np.testing.assert_allclose(
    step, 0.25 * np.array([np.cos(angle), np.sin(angle)]), atol=1e-3
  )
  left = jax.jit(functools.partial(mazes.move, SMALL))(world, jnp.int32(2))
  assert left.heading == 10 + SMALL.turn


def test_movers_walk_in_free_places_and_change_nothing_else():
  maze = LAPTOP._replace(movers=2)
  plain, action = played(LAPTOP)
  worlds, same = played(maze)
  np.testing.assert_array_equal(action, same)
  jax.tree.map(
    np.testing.assert_array_equal, plain, worlds._replace(movers=None)
  )
  for place in np.moveaxis(worlds.movers.position, 2, 0):
    there = worlds._replace(position=place)
    assert clear(maze, there, maze.radius).all()
    assert (np.ptp(place, 1).max(-1) > plans.UNIT).mean() > 0.7


def test_noise_replaces_actions_and_the_script_still_does_its_job():
  maze = SMALL._replace(action_noise=0.2)
  worlds, action = played(maze)
  turned = np.diff(worlds.heading, axis=1) % maze.headings
  meant = maze.turn * np.array([0, 0, 1, -1, 1, -1])[action[:, :-1]]
  off = turned != meant % maze.headings
  assert 0.1 < off.mean() < 0.16
  cell = worlds.position // plans.UNIT @ (1, maze.cells)
  free = worlds.map.labyrinth.free.sum((1, 2))
  assert np.mean([len(np.unique(x)) for x in cell] / free) > 0.75
  assert clear(maze, worlds, maze.body).all()


def test_without_noise_what_happens_is_what_was_meant():
  worlds, action = played(SMALL)
  turned = np.diff(worlds.heading, axis=1) % SMALL.headings
  meant = SMALL.turn * np.array([0, 0, 1, -1, 1, -1])[action[:, :-1]]
  np.testing.assert_array_equal(turned, meant % SMALL.headings)


@pytest.fixture(scope='module')
def env():
  return brax.envs.get_environment('memory_maze', maze='jax_9x9_smoke')


def test_the_environment_keeps_brax_contract(env):
  assert isinstance(env, brax.envs.Env)
  assert env.action_size == len(plans.ACTIONS)
  reset, step = jax.jit(env.reset), jax.jit(env.step)
  first = reset(jax.random.PRNGKey(0))
  last, count = first, 0
  while not last.done:
    last, count = step(last, jnp.int32(count % 6)), count + 1
    assert jax.tree.structure(last) == jax.tree.structure(first)
    same = jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype),
                        first, last)  # fmt: skip
    assert jax.tree.all(same)
    assert last.reward == last.pipeline_state.reward
  assert count == SMOKE.length - 1
  assert first.obs['image'].shape == env.observation_size['image']
  assert first.obs['image'].dtype == np.uint8


def test_the_environment_plays_what_was_recorded(env, takes):
  films, worlds, action = takes
  step = jax.jit(env.step)
  key = jax.random.split(jax.random.split(jax.random.PRNGKey(7), 5)[0])[0]
  state = jax.jit(env.reset)(key)
  for t, film in enumerate(films[0]['image']):
    np.testing.assert_array_equal(
      state.pipeline_state.position, worlds.position[0, t]
    )
    assert np.abs(np.asarray(state.obs['image'], int) - film).max() <= 1
    state = step(state, action[0, t])


def test_an_unknown_maze_is_explained():
  with pytest.raises(ValueError, match='change MemoryMaze.maze'):
    mazes.MemoryMaze('nowhere')
