"""The scripted policy of the rooms: a state machine on integers.

The context tours all rooms around the ring: through the middle of an opening,
to a waypoint in the room, a full turn there, on to the next room. The query
goes on through rooms already seen; `Layout.redraw`, `wander` and `glance` say
how freely. Where the walker is put back to an earlier pose at the end of the
tour, the script is put back with it, to what it was about to do there.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from datasets.worlds import draws, rooms
from datasets.worlds import layout as layouts

DOOR, WAYPOINT, LOOK = range(3)
NOOP = layouts.ACTIONS.index('noop')


class Tour(NamedTuple):
  """The script's memory.

  Attributes:
    key: raw uint32 key of the script's draws.
    stage: int32, DOOR, WAYPOINT or LOOK.
    room: int32, the room to be in.
    target: int32 [2], where to walk to, in 1/UNIT cells.
    turns: int32, turns left to make while looking around.
    waypoints: int32 [rooms, 2], the last drawn for each room.
    direction: int32, 1 or -1 around the ring.
    spin: int32, 1 or -1, which way it looks around.
    bookmark: its own memory at the marked step; None without a teleport.
  """

  key: jax.Array
  stage: jax.Array
  room: jax.Array
  target: jax.Array
  turns: jax.Array
  waypoints: jax.Array
  direction: jax.Array
  spin: jax.Array
  bookmark: 'Tour | None' = None


def start(layout, key: jax.Array, world: rooms.World) -> Tour:
  """Begins in the room where the world begins."""
  key, more = jax.random.split(key)
  centres = jnp.asarray(layouts.centres(layout))
  bits = jax.random.bits(more, (layout.rooms + 1, 2))
  room = jnp.argmin(jnp.sum((centres - world.position) ** 2, -1))
  waypoints = centres + rooms.near(bits[1:], layout.jitter)
  direction, spin = 2 * draws.below(bits[0], 2) - 1
  tour = Tour(
    key,
    jnp.int32(WAYPOINT),
    room.astype(jnp.int32),
    waypoints[room],
    jnp.int32(0),
    waypoints,
    direction,
    spin,
  )
  return tour if world.mark is None else tour._replace(bookmark=tour)


def act(layout, tour: Tour, world: rooms.World) -> tuple[Tour, jax.Array]:
  """Returns the script's memory and the action at a state."""
  bits = jax.random.bits(jax.random.fold_in(tour.key, world.time), (6,))
  query = world.time >= layout.tour
  if world.mark is not None:
    tour = _recall(layout, tour, world)
  tour = _arrive(layout, bits[:4], tour, world.position, query)
  tour = _leave(layout, bits[4:], tour, query)
  looking = tour.stage == LOOK
  around = jnp.where(tour.spin > 0, 2, 3)
  action = jnp.where(looking, around, _steer(layout, tour.target, world))
  if world.mark is not None:
    action = jnp.where(world.time == layout.tour - 1, NOOP, action)
  return tour._replace(turns=tour.turns - looking), action


def _recall(layout, tour, world):
  """Turns back to the bookmark when the walker was put back."""

  def where(condition, one, other):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), one, other)

  now = tour._replace(bookmark=None)
  marked = world.time == world.mark.source
  bookmark = where(marked, now, tour.bookmark)
  now = where(world.time == layout.tour, bookmark, now)
  return now._replace(bookmark=bookmark)


def _arrive(layout, bits, tour, position, query):
  """From the opening to the waypoint, or from the waypoint to looking."""
  reach = int(layout.reach * layouts.UNIT)
  arrived = jnp.sum((tour.target - position) ** 2) <= reach**2
  enters = arrived & (tour.stage == DOOR)
  stops = arrived & (tour.stage == WAYPOINT)
  fresh = jnp.asarray(layouts.centres(layout))[tour.room]
  fresh = fresh + rooms.near(bits[:2], layout.jitter)
  redraws = enters & draws.chance(bits[2], layout.redraw)
  waypoint = jnp.where(redraws, fresh, tour.waypoints[tour.room])
  least = round(layout.glance * layout.headings)
  glance = least + draws.below(bits[3], layout.headings + 1 - least)
  turns = jnp.where(query, glance, layout.headings)
  return tour._replace(
    stage=tour.stage + (enters | stops),
    target=jnp.where(enters, waypoint, tour.target),
    waypoints=tour.waypoints.at[tour.room].set(waypoint),
    turns=jnp.where(stops, turns, tour.turns),
  )


def _leave(layout, bits, tour, query):
  """From looking to the opening of the next room."""
  leaves = (tour.stage == LOOK) & (tour.turns <= 0)
  ring = jnp.asarray(layouts.ring(layout))
  place = jnp.argmax(ring == tour.room)
  following = ring[(place + tour.direction) % layout.rooms]
  table, count = map(jnp.asarray, layouts.neighbours(layout))
  choice = draws.below(bits[0], count[tour.room])
  wanders = query & draws.chance(bits[1], layout.wander)
  following = jnp.where(wanders, table[tour.room, choice], following)
  centres = jnp.asarray(layouts.centres(layout))
  opening = (centres[tour.room] + centres[following]) // 2
  return tour._replace(
    stage=jnp.where(leaves, DOOR, tour.stage),
    room=jnp.where(leaves, following, tour.room),
    target=jnp.where(leaves, opening, tour.target),
  )


def _steer(layout, target, world):
  """Turns towards the target, walking when nearly on course."""
  count = layout.headings
  along = jnp.asarray(layouts.strides(layout)) @ (target - world.position)
  off = (jnp.argmax(along) - world.heading) % count
  left = (off <= count // 2).astype(jnp.int32)
  apart = jnp.where(left == 1, off, count - off)
  turn = jnp.where(left == 1, 2, 3)
  turn = jnp.where(apart <= max(1, count // 12), turn + 2, turn)
  return jnp.where(apart == 0, 1, turn)


def play(layout: layouts.Layout, key: jax.Array) -> tuple:
  """Plays an episode without frames.

  Args:
    layout: the plan.
    key: raw uint32 key.

  Returns:
    worlds: `rooms.World` of all steps, [T, ...], the map without time.
    actions: int32 [T], taken at each step; the last one has no effect.
    room: int32 [T], the room that the script is in or makes for.
  """
  here, script = jax.random.split(key)
  world = rooms.start(layout, here)

  def step(carry, _):
    world, tour = carry
    tour, action = act(layout, tour, world)
    ahead = rooms.move(layout, world, action)
    seen = world._replace(map=None)
    return (ahead, tour), (seen, action, tour.room)

  carry = (world, start(layout, script, world))
  _, (seen, action, room) = jax.lax.scan(step, carry, None, layout.length)
  return seen._replace(map=world.map), action.astype(jnp.int32), room
