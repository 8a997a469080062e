"""Laws of the mazes' frames: perspective, lines of sight, border."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.worlds import gridcast, raycast
from datasets.worlds import maze as mazes
from datasets.worlds import maze_plan as plans
from datasets.worlds.movers import Movers

SMALL = mazes.MAZES['jax_9x9']


@functools.cache
def started():
  """The first states of 64 mazes."""
  start = jax.vmap(functools.partial(mazes.start, SMALL))
  return jax.jit(start)(jax.random.split(jax.random.PRNGKey(3), 64))


def room(position, heading=0, targets=((0.5, 0.5),) * 3, wall=7):
  """A state of a maze that is one big room, with some walls of one colour."""
  world = jax.tree.map(lambda x: x[0], started())
  free = np.ones((9, 9), bool)
  free[0], free[:, 0] = False, False
  cells = [jnp.rint(jnp.array(x) * plans.UNIT).astype(jnp.int32)
           for x in (position, targets)]  # fmt: skip
  plan = world.map.labyrinth._replace(free=jnp.array(free))
  maps = mazes.Map(plan, jnp.full(9, wall), cells[1])
  return world._replace(map=maps, position=cells[0], heading=jnp.int32(heading))


drawing = jax.jit(functools.partial(mazes.frame, SMALL))


def domes(world):
  """Where domes are drawn: the frame differs when they are moved behind."""
  hidden = jnp.full_like(world.map.target, plans.UNIT // 2)
  bare = world._replace(map=world.map._replace(target=hidden))
  off = np.asarray(drawing(world), int) - drawing(bare)
  return np.abs(off).max(-1)


@pytest.mark.parametrize('distance', [0.8, 1.0, 2.0, 4.0])
def test_a_wall_has_the_height_of_perspective(distance):
  world = room((9 - distance - SMALL.ahead, 4.5))
  column = np.asarray(drawing(world), int)[2:-2, 32]
  yellow = column[:, 0] - column[:, 2] > 20
  length = 32 / np.tan(np.deg2rad(40))
  top = SMALL.horizon * 64 - length * (SMALL.height - SMALL.eye) / distance
  bottom = top + length * SMALL.height / distance
  assert abs(yellow.sum() - (min(bottom, 62) - max(top, 2))) <= 1
  assert abs(np.argmax(yellow) + 2 - max(top, 2)) <= 1


def test_the_mirrored_world_is_seen_mirrored():
  left, right = (
    domes(room((3, 5), targets=((5.0, 5 + side), *((0.5, 0.5),) * 2)))
    for side in (0.6, -0.6)
  )
  assert (left > 60).sum() > 50
  # The pattern of the walls is not mirrored, so an edge may tip over.
  assert ((left > 60) != (right > 60)[:, ::-1]).sum() <= 2


def test_a_wall_hides_what_is_behind_it():
  behind = room((1.5, 5), targets=((0.5, 0.5),) * 3)
  turned = behind._replace(heading=jnp.int32(SMALL.headings // 2))
  assert not domes(turned).any()
  assert domes(room((2, 5), targets=((4.5, 5),) * 3)).any()


def test_lines_of_sight_are_those_of_a_slow_march_in_double_precision():
  worlds, rng = jax.tree.map(np.asarray, started()), np.random.default_rng(0)
  free = worlds.map.labyrinth.free
  cells = [rng.choice(np.argwhere(x)) for x in free]
  place = np.array(cells)[:, ::-1] * 1024 + rng.integers(1, 1023, (64, 2))
  heading = rng.integers(0, SMALL.headings, 64)

  @jax.jit
  @jax.vmap
  def cast(place, heading, free, target):
    view = raycast.camera(SMALL, place, heading, target)
    return gridcast.cast(SMALL, view, free, jnp.ones(3, bool))

  hits = cast(place, heading, free, worlds.map.target)
  angle = 2 * np.pi * heading / SMALL.headings
  forward = np.stack([np.cos(angle), np.sin(angle)], -1)[:, None]
  across = ((np.arange(64) + 0.5) / 32 - 1) * np.tan(np.deg2rad(40))
  ray = forward + across[:, None] * forward[..., ::-1] * (1, -1)
  ringed, rows = np.pad(free, ((0, 0), (1, 1), (1, 1))), np.arange(64)[:, None]
  at = np.repeat(place[:, None] / 1024, 64, 1)
  depth, done = np.zeros((64, 64)), np.zeros((64, 64), bool)
  small = 1e-3
  while not done.all():
    depth = np.where(done, depth, depth + small)
    cell = np.floor(at + depth[..., None] * ray).astype(int)
    done = ~ringed[rows, cell[..., 1] + 1, cell[..., 0] + 1]
  off = np.abs(np.asarray(hits.depth) - depth) > 2 * small
  other = (np.asarray(hits.cell) != cell).any(-1) & ~off
  assert off.mean() < 2e-3, 'more than the odd corner that a march steps over'
  assert other.mean() < 2e-3


def test_the_border_has_the_colour_of_the_target_and_is_two_pixels_wide():
  colors = {0: (137, 30, 24), 1: (80, 137, 71), 2: (31, 113, 176)}
  for target, color in colors.items():
    image = np.asarray(drawing(room((4, 4))._replace(target=jnp.int32(target))))
    edge = (image == color).all(-1)
    assert edge[:2].all()
    assert edge[-2:].all()
    assert edge[:, :2].all()
    assert edge[:, -2:].all()
    assert edge.sum() == 64**2 - 60**2


def test_movers_are_seen():
  maze = SMALL._replace(movers=1)
  world = room((3, 5), wall=1)
  frame, shown = jax.jit(functools.partial(mazes.frame, maze)), []
  for x in (2.0, 4.0):
    place = jnp.array([[x, 5]]) * plans.UNIT
    mover = Movers(place.astype(jnp.int32), jnp.zeros(1, int), jnp.array([4]))
    shown.append(np.asarray(frame(world._replace(movers=mover)), int))
  behind, ahead = shown
  yellow = (ahead[..., :2] - ahead[..., 2:] > 60).all(-1)
  assert not (behind[..., :2] - behind[..., 2:] > 60).all(-1).any()
  assert yellow[32:, 24:40].mean() > 0.3
