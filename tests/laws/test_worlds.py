"""Laws of the simulated worlds: dynamics, script and projection."""

import functools

import brax.envs
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.worlds import layout as layouts
from datasets.worlds import raycast, rooms, textures, tour

TOURS = [
  name
  for name in layouts.LAYOUTS
  if not name.endswith('_smoke')
  and ('teleport' not in name or name.startswith('four_rooms'))
]
EPISODES = 12
SMOKE = layouts.LAYOUTS['four_rooms_smoke']


@functools.cache
def played(name):
  """Episodes of the script: (worlds, actions, room, visible)."""
  layout = layouts.LAYOUTS[name]

  @jax.jit
  def play(keys):
    worlds, action, _ = jax.vmap(lambda key: tour.play(layout, key))(keys)

    def visible(episode):
      poses = (episode.position, episode.heading, episode.time)
      return jax.lax.map(
        lambda now: rooms.visible(layout, rooms.World(episode.map, *now)),
        poses,
      )

    return worlds, action, jax.vmap(visible)(worlds)

  keys = jax.random.split(jax.random.PRNGKey(7), EPISODES)
  worlds, action, visible = jax.tree.map(np.asarray, play(keys))
  cell = worlds.position // (layout.room * layouts.UNIT)
  return worlds, action, cell[..., 1] * layout.cols + cell[..., 0], visible


def at(layout, position, heading=0, objects=((0.5, 0.5),), colors=None):
  """Returns a state: cells, heading, objects' cells; other objects absent."""
  unused = layout.objects - len(objects)
  place = np.array([*objects, *[(0.5, 0.5)] * unused]) * layouts.UNIT
  present = np.arange(layout.objects) < len(objects)
  wall = np.zeros(layout.rooms, int) if colors is None else colors
  maps = rooms.Map(wall, place.astype(int), np.zeros(layout.objects, int),
                   present)  # fmt: skip
  position = np.rint(np.array(position) * layouts.UNIT)
  world = rooms.World(maps, position, heading, 0)
  return jax.tree.map(lambda x: jnp.asarray(x, jnp.int32), world)._replace(
    map=jax.tree.map(jnp.asarray, maps)
  )


@functools.cache
def drawing(name):
  return jax.jit(functools.partial(rooms.frame, layouts.LAYOUTS[name]))


def domes(name, world):
  """Returns where domes are drawn: the frame differs without them."""
  nothing = jnp.zeros_like(world.map.present)
  bare = world._replace(map=world.map._replace(present=nothing))
  off = np.asarray(drawing(name)(world), int) - drawing(name)(bare)
  return np.abs(off).max(-1)


@pytest.fixture(scope='module', params=TOURS)
def episodes(request):
  return layouts.LAYOUTS[request.param], *played(request.param)


def test_what_the_query_sees_was_seen_in_the_context(episodes):
  layout, _, _, _, visible = episodes
  before = visible[:, : layout.context].any(1, keepdims=True)
  query = visible[:, layout.context :]
  seen = (query & before).sum(-1) / np.maximum(query.sum(-1), 1)
  assert query.any(-1).all(), 'some frame shows nothing'
  assert seen.mean(-1).min() >= 0.95


def test_the_context_tours_every_room(episodes):
  layout, _, action, room, _ = episodes
  turning = (action == 2) | (action == 3)
  for e in range(EPISODES):
    toured, since = set(), 0
    for t in range(layout.context):
      since = since + 1 if turning[e, t] else 0
      if since >= layout.headings:
        toured.add(room[e, t])
    assert toured == set(range(layout.rooms))


def test_a_walker_is_never_inside_a_wall(episodes):
  layout, worlds, _, _, _ = episodes
  free = jax.jit(jax.vmap(functools.partial(rooms.is_free, layout)))
  assert np.asarray(free(worlds.position.reshape(-1, 2))).all()
  low, high = layouts.bounds(layout)
  assert (worlds.position >= low).all()
  assert (worlds.position <= high).all()


def test_objects_stand_clear_of_walls_and_of_the_way(episodes):
  layout, worlds, _, _, _ = episodes
  side = layout.room * layouts.UNIT
  place = worlds.map.position % side - side // 2
  reach = np.abs(place).max(-1) / layouts.UNIT + layout.radius
  assert reach.max() < (layout.room - layout.thickness) / 2
  assert np.abs(place).min() / layouts.UNIT - layout.radius > layout.jitter
  assert worlds.map.present[:, ::2].all(), 'a room has no object'


def test_rooms_differ_in_colour(episodes):
  layout, worlds, _, _, _ = episodes
  need = min(layout.rooms, len(textures.WALLS))
  assert all(len(set(wall)) == need for wall in worlds.map.wall)


def test_random_actions_never_enter_walls():
  layout = layouts.FOUR._replace(step=0.37)
  start = jax.vmap(functools.partial(rooms.start, layout))
  worlds = start(jax.random.split(jax.random.PRNGKey(0), 64))
  actions = jax.random.randint(jax.random.PRNGKey(1), (300, 64), 0, 6)

  @jax.jit
  def walk(worlds, actions):
    def step(worlds, action):
      move = functools.partial(rooms.move, layout)
      worlds = jax.vmap(move)(worlds, action)
      free = functools.partial(rooms.is_free, layout)
      return worlds, jax.vmap(free)(worlds.position)

    return jax.lax.scan(step, worlds, actions)[1]

  assert np.asarray(walk(worlds, actions)).all()


def test_a_walk_into_a_wall_slides_along_it():
  layout = layouts.FOUR
  low, _ = layouts.bounds(layout)
  world = at(layout, (low[0] / layouts.UNIT, 1.5), heading=10)
  ahead = jax.jit(functools.partial(rooms.move, layout))(world, 1)
  dx, dy = np.asarray(ahead.position - world.position)
  assert dx == 0
  assert dy == layouts.strides(layout)[10, 1] > 0


@pytest.fixture(scope='module')
def env():
  return brax.envs.get_environment('rooms', layout='four_rooms_smoke')


def test_the_environment_keeps_brax_contract(env):
  assert isinstance(env, brax.envs.Env)
  assert env.action_size == len(layouts.ACTIONS)
  reset, step = jax.jit(env.reset), jax.jit(env.step)
  first = reset(jax.random.PRNGKey(0))
  last, count = first, 0
  while not last.done:
    last, count = step(last, jnp.int32(count % 6)), count + 1
    assert jax.tree.structure(last) == jax.tree.structure(first)
    same = jax.tree.map(lambda a, b: (a.shape, a.dtype) == (b.shape, b.dtype),
                        first, last)  # fmt: skip
    assert jax.tree.all(same)
    assert last.reward == 0
  assert count == SMOKE.length - 1
  assert first.obs['image'].shape == env.observation_size['image']
  assert first.obs['image'].dtype == np.uint8


def test_many_environments_at_once_are_each_of_them(env):
  keys = jax.random.split(jax.random.PRNGKey(3), 3)
  actions = jnp.array([[1, 2, 5], [4, 1, 3]])
  many = jax.jit(jax.vmap(env.reset))(keys)
  for action in actions:
    many = jax.jit(jax.vmap(env.step))(many, action)
  for i, key in enumerate(keys):
    one = jax.jit(env.reset)(key)
    for action in actions[:, i]:
      one = jax.jit(env.step)(one, action)
    for a, b in zip(
      jax.tree.leaves(one.pipeline_state),
      jax.tree.leaves(jax.tree.map(lambda x: x[i], many.pipeline_state)),  # noqa: B023
      strict=True,
    ):
      np.testing.assert_array_equal(a, b)
    off = np.asarray(one.obs['image'], int) - many.obs['image'][i]
    assert np.abs(off).max() <= 1


def test_an_unknown_layout_is_explained():
  with pytest.raises(ValueError, match='change Rooms.layout'):
    rooms.Rooms('nowhere')


@pytest.mark.parametrize('distance', [0.5, 1.0, 2.0, 2.8])
def test_a_wall_has_the_height_of_perspective(distance):
  layout = layouts.TWO
  wall = 2 * layout.room - layout.thickness / 2
  world = at(layout, (wall - distance, 1.5), colors=np.array([7, 7]))
  column = np.asarray(drawing('two_rooms')(world), int)[:, layout.size // 2]
  yellow = column[:, 0] - column[:, 2] > 20
  length = layout.size / 2 / np.tan(np.deg2rad(layout.field) / 2)
  top = layout.horizon * layout.size
  top -= length * (layout.height - layout.eye) / distance
  bottom = top + length * layout.height / distance
  expected = min(bottom, layout.size) - max(top, 0)
  assert abs(yellow.sum() - expected) <= 1
  assert abs(np.argmax(yellow) - max(top, 0)) <= 1


def test_domes_have_the_outline_of_spheres_above_the_floor():
  """Against rays met with spheres, floor and walls one by one in NumPy."""
  layout, objects = layouts.TWO, ((4.1, 1.3), (4.9, 1.75), (1.2, 2.2))
  eye, angle = np.array([3.6, 1.5]), 2 * np.pi / layout.headings
  drawn = domes('two_rooms', at(layout, eye, heading=1, objects=objects))
  expected = np.zeros(drawn.shape, bool)
  length = layout.size / 2 / np.tan(np.deg2rad(layout.field) / 2)
  forward = np.array([np.cos(angle), np.sin(angle), 0])
  right, up = np.array([np.sin(angle), -np.cos(angle), 0]), np.eye(3)[2]
  start = np.array([*eye, layout.eye])
  for i, j in np.ndindex(drawn.shape):
    ray = forward + (j + 0.5 - layout.size / 2) / length * right
    ray = ray + (layout.horizon * layout.size - i - 0.5) / length * up
    ray /= np.linalg.norm(ray)
    floor = -start[2] / ray[2] if ray[2] < 0 else np.inf
    for x, y in objects:
      away = np.array([x, y, 0]) - start
      closest = away @ ray
      inside = layout.radius**2 - away @ away + closest**2
      if inside > 0 and 0 < closest - np.sqrt(inside) < floor:
        expected[i, j] = True
  wrong = (drawn > 60) != expected
  assert expected.sum() > 150
  assert wrong.sum() <= 0.05 * expected.sum()
  near = np.pad(expected, 1)
  near = sum(np.roll(near, s, a) for s in (1, -1) for a in (0, 1))[1:-1, 1:-1]
  assert not (wrong & ((near == 0) | (near == 4))).any(), 'off the outline'


def test_a_wall_hides_what_is_behind_it():
  name, layout = 'two_rooms', layouts.TWO
  behind = at(layout, (1.0, 0.3), objects=((3.5, 0.25),))
  assert not domes(name, behind).any()
  through = at(layout, (1.5, 1.5), objects=((4.5, 1.5),))
  assert domes(name, through).any()


def test_the_mirrored_world_is_seen_mirrored():
  layout = layouts.TWO
  left, right = (
    domes('two_rooms', at(layout, (1, 1.5), objects=((3.0, 1.5 + side),)))
    for side in (0.5, -0.5)
  )
  np.testing.assert_array_equal(left > 60, (right > 60)[:, ::-1])
  world = at(layout, (1, 1.5))
  view = raycast.camera(layout, world.position, 0, world.map.position)
  depth = np.asarray(raycast.cast(layout, view, world.map.present).depth)
  np.testing.assert_allclose(depth, depth[::-1], rtol=1e-5)
