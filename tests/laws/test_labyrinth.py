"""Laws of the random mazes, their distances and their walls' colours."""

import collections

import jax
import numpy as np
import pytest

from datasets.worlds import explorer, gridcast, labyrinth
from datasets.worlds import maze as mazes

LARGE = 'jax_9x9', 'jax_15x15'
COUNT = 256

# Of 2000 mazes by labmaze 1.0.6 with Memory Maze's arguments: mean free
# fraction, mean number of loops, and how often a free cell has 2, 3, 4 free
# neighbours.
LABMAZE = {
  'jax_9x9': (0.729, 3.48, (0.394, 0.453, 0.152)),
  'jax_15x15': (0.645, 11.57, (0.472, 0.414, 0.114)),
}


@pytest.fixture(scope='module', params=LARGE)
def drawn(request):
  """The numbers, and many mazes of them: free, room [B, N, N]."""
  maze = mazes.MAZES[request.param]
  draw = jax.vmap(
    lambda key: labyrinth.draw(
      key, maze.cells, maze.targets, maze.rooms, maze.sides
    )
  )
  keys = jax.random.split(jax.random.PRNGKey(0), COUNT)
  found = jax.jit(draw)(keys)
  return request.param, maze, *map(np.asarray, found)


def beside(free):
  """Numbers of free neighbours."""
  wide = np.pad(free, ((0, 0), (1, 1), (1, 1))).astype(int)
  rows, columns = wide[:, :, 1:-1], wide[:, 1:-1]
  return rows[:, 2:] + rows[:, :-2] + columns[..., 2:] + columns[..., :-2]


def walked(free, start):
  """Steps from a cell to all that can be reached, by breadth-first search."""
  steps, queue = {start: 0}, collections.deque([start])
  while queue:
    y, x = queue.popleft()
    for cell in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
      inside = min(cell) >= 0 and max(cell) < len(free)
      if inside and free[cell] and cell not in steps:
        steps[cell] = steps[y, x] + 1
        queue.append(cell)
  return steps


def test_every_free_cell_can_be_reached_from_every_other(drawn):
  _, _, free, _ = drawn
  for maze in free:
    start = tuple(np.argwhere(maze)[0])
    assert len(walked(maze, start)) == maze.sum()


def test_there_are_no_dead_ends(drawn):
  _, _, free, _ = drawn
  assert beside(free)[free].min() >= 2


def test_rooms_are_free_rectangles_of_odd_sides_within_bounds(drawn):
  _, maze, free, room = drawn
  least, most = maze.sides
  counts = room.max((1, 2))
  assert counts.min() >= maze.targets
  assert counts.max() <= maze.rooms
  for area, walkable, count in zip(room, free, counts, strict=True):
    for i in range(1, count + 1):
      y, x = np.nonzero(area == i)
      height, width = np.ptp(y) + 1, np.ptp(x) + 1
      assert walkable[y, x].all()
      assert len(y) == height * width
      assert min(height, width) == least
      assert max(height, width) <= most
      assert height % 2 == width % 2 == 1


def test_rooms_are_apart(drawn):
  _, _, _, room = drawn
  for axis in (1, 2):
    one, other = (np.take(room, range(i, i + room.shape[1] - 1), axis)
                  for i in (0, 1))  # fmt: skip
    assert (one == other)[(one > 0) & (other > 0)].all()


def test_mazes_are_like_those_of_labmaze(drawn):
  name, maze, free, room = drawn
  fraction, loops, degrees = LABMAZE[name]
  counts = room.max((1, 2))
  assert np.mean(counts == (9 if maze.cells == 15 else 4)) > 0.55
  assert abs(free.mean() - fraction) < 0.02
  edges = sum((free & np.roll(free, 1, a)).sum((1, 2)) for a in (1, 2))
  inner = [np.take(free, 0, a) & np.take(free, -1, a) for a in (1, 2)]
  edges -= sum(x.sum(1) for x in inner)
  square = free[:, 1:, 1:] & free[:, 1:, :-1] & free[:, :-1, 1:]
  squares = (square & free[:, :-1, :-1]).sum((1, 2))
  found = edges - free.sum((1, 2)) + 1 - squares
  assert abs(found.mean() - loops) < 0.1 * loops
  share = np.bincount(beside(free)[free], minlength=5)[2:] / free.sum()
  np.testing.assert_allclose(share, degrees, atol=0.025)


def test_mazes_differ(drawn):
  _, _, free, _ = drawn
  assert len({maze.tobytes() for maze in free}) == COUNT
  assert free.mean(0).min() > 0.1, 'some place is hardly ever free'
  assert free.mean(0)[1::2, 1::2].max() < 0.9, 'some place is hardly ever wall'


def test_a_random_cell_is_any_one_of_those_given():
  among = np.zeros((4, 4), bool)
  among[[0, 2, 3], [1, 3, 0]] = True
  bits = jax.random.bits(jax.random.PRNGKey(0), (3000,))
  x, y = np.asarray(jax.vmap(labyrinth.pick, (0, None))(bits, among)).T
  assert among[y, x].all()
  count = collections.Counter(zip(x.tolist(), y.tolist(), strict=True))
  assert len(count) == 3
  assert min(count.values()) > 900


def test_ways_are_the_shortest_ones(drawn):
  _, _, (free, *_), _ = drawn
  found = np.asarray(jax.jit(explorer.ways)(free))
  for start in np.argwhere(free):
    way = found[tuple(start)]
    steps = walked(free, tuple(start))
    assert all(way[cell] == steps[cell] for cell in steps)
    assert (way[~free] >= explorer.FAR).all()


@pytest.mark.parametrize('cells', [9, 15])
def test_walls_have_the_colours_of_nine_blocks_counted_from_the_top(cells):
  official, count = np.zeros((cells + 2, cells + 2), int), cells + 2
  for i, j in np.ndindex(3, 3):
    rows = slice(i * count // 3, (i + 1) * count // 3)
    columns = slice(j * count // 3, (j + 1) * count // 3)
    official[rows, columns] = 3 * i + j
  np.testing.assert_array_equal(gridcast.blocks(cells), official[::-1])
