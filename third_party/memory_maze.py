"""The Memory Maze environment, played by a script that explores it.

`record` plays an episode of the package `memory_maze` and returns it in the
schema in which the offline data set of that project was published.

The policy that made the published data is not public. Its description is
followed: it walks to random places of the maze, under action noise. Here it
walks to the middle of random free cells, by the shortest way; at each step it
starts with 2 % chance to do five random actions.
"""

import collections
import functools
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

MAZES = {'9x9': 1001, '15x15': 4001}
"""Frames of an episode at most, by maze."""

NOISE = 0.02
"""Chance per step to start random actions."""

RANDOM = 5
"""Random actions then done."""

NOOP, FORWARD, LEFT, RIGHT, FORWARD_LEFT, FORWARD_RIGHT = range(6)
ACTIONS = 6
_BYTES = ('image', 'maze_layout')


def skip_untouched(target: Any) -> None:
  """Makes a target look at contacts only where it takes part in one.

  Each target goes through all contacts of each of the 50 physical steps of an
  action, in Python, which is most of an episode's time. What it then does about
  its own contacts stays as it was.

  Args:
    target: `dm_control.locomotion.props.target_sphere.TargetSphere`.
  """
  look = target._update_activation

  def quick(physics):
    if target._geom_id in physics.data.contact.geom:
      look(physics)

  target._update_activation = quick


def record(
  maze: str,
  seed: int | Sequence[int],
  length: int = 1001,
  hasten: Callable[[Any], None] = skip_untouched,
) -> dict[str, np.ndarray]:
  """Returns an episode in the schema of the published data.

  Args:
    maze: '9x9' or '15x15', of N x N cells with O = 3 or 6 targets.
    seed: of the maze and of the policy, one or more integers below 2**32; the
      episode is a function of it.
    length: T frames; `length` - 1 actions are played.
    hasten: applied to each target before playing.

  Returns:
    image uint8 [T, 64, 64, 3]; action float32 [T, 6], one-hot, and reward
    float32 [T], those that led to each frame, so that both are zero at the
    first; maze_layout uint8 [T, N, N]; agent_pos, agent_dir, target_pos,
    target_vec float32 [T, 2]; targets_pos, targets_vec float32 [T, O, 2];
    target_color float32 [T, 3].

  Raises:
    ValueError: no such maze, an episode too long, or the package is missing or
      cannot render.
  """
  if maze not in MAZES:
    raise ValueError(
      f'memory_maze.record: no such maze; got {maze!r}, need one of '
      f'{", ".join(MAZES)}; change maze'
    )
  if not 2 <= length <= MAZES[maze]:
    raise ValueError(
      f'memory_maze.record: an episode of {maze} has 2 to {MAZES[maze]} '
      f'frames; got {length}; change length'
    )
  make = getattr(tasks(), f'memory_maze_{maze}')
  env = make(seed=seed, global_observables=True)
  for target in env.task._targets:
    hasten(target)
  rng = np.random.default_rng(seed)
  seen = env.reset().observation
  wander = explore(rng, seen['maze_layout'])
  next(wander)
  rows = [_row(np.zeros(ACTIONS), 0, seen)]
  while len(rows) < length:
    action = wander.send((seen['agent_pos'], seen['agent_dir']))
    _, reward, _, seen = env.step(action)
    rows.append(_row(np.eye(ACTIONS)[action], reward, seen))
  env.close()
  return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def explore(rng: np.random.Generator, layout: np.ndarray) -> Iterator[int]:
  """A policy: send it (position [2], direction [2]), it yields an action.

  Args:
    rng: of the places it goes to and of the noise.
    layout: [N, N], 1 where free; the row is the integer part of y, the column
      that of x.
  """
  free = np.argwhere(layout)
  goal, left, action = None, 0, NOOP
  while True:
    position, direction = yield action
    here = tuple(np.floor(position[::-1]).astype(int))
    while goal is None or here == goal:
      goal = tuple(free[rng.integers(len(free))])
      ways = distances(layout, goal)
    if not left and rng.random() < NOISE:
      left = RANDOM
    if left:
      left, action = left - 1, int(rng.integers(ACTIONS))
    else:
      ahead = min(_beside(layout, here), key=ways.__getitem__)
      action = steer(np.array(ahead[::-1]) + 0.5 - position, direction)


def distances(layout: np.ndarray, goal: tuple[int, int]) -> np.ndarray:
  """Returns steps from cell to cell to get to the goal, int [N, N]."""
  found = np.full(layout.shape, layout.size)
  found[goal] = 0
  coming = collections.deque([goal])
  while coming:
    cell = coming.popleft()
    for other in _beside(layout, cell):
      if found[other] == layout.size:
        found[other] = found[cell] + 1
        coming.append(other)
  return found


def steer(way: np.ndarray, direction: np.ndarray) -> int:
  """Returns the action that goes some way, both [2], by turning first.

  A turn is 18 degrees a step.
  """
  along = way @ direction
  aside = way @ np.array([-direction[1], direction[0]])
  angle = np.degrees(np.arctan2(aside, along))
  if abs(angle) < 12:
    return FORWARD
  if abs(angle) < 40:
    return FORWARD_LEFT if angle > 0 else FORWARD_RIGHT
  return LEFT if angle > 0 else RIGHT


def require() -> None:
  """Raises a ValueError where the package is not installed."""
  if importlib.util.find_spec('memory_maze') is None:
    raise ValueError(
      'memory_maze: the package is not installed; '
      "`pip install -e '.[memory-maze]'`"
    )


@functools.cache
def tasks():
  """Returns the module `memory_maze.tasks`, if the package can be used.

  Raises:
    ValueError: it is missing, or cannot render.
  """
  require()
  try:
    from memory_maze import tasks
  except Exception as error:  # Each renderer has its own way to fail.
    raise ValueError(
      f'memory_maze: MuJoCo cannot render ({error}); install libEGL and Mesa '
      '(on Debian: libegl1 libgles2 libgl1-mesa-dri), or libosmesa6 and set '
      'MUJOCO_GL=osmesa'
    ) from error
  return tasks


def _beside(layout, cell):
  """Returns the free cells next to a cell."""
  row, col = cell
  beside = ((row + 1, col), (row - 1, col), (row, col + 1), (row, col - 1))
  high = len(layout)
  return [
    (i, j)
    for i, j in beside
    if 0 <= i < high and 0 <= j < high and layout[i, j]
  ]


def _row(action, reward, seen):
  """Returns a step of the schema; its numbers are float32."""
  row = {'action': action, 'reward': reward} | seen
  return {
    name: np.asarray(x, np.uint8 if name in _BYTES else np.float32)
    for name, x in row.items()
  }
