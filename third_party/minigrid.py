"""Farama's MiniGrid: an oracle of `datasets.worlds.tiles`, and an opponent."""

from collections.abc import Callable

import numpy as np

_SIDE = 8


def picture(
  grid: np.ndarray, position: np.ndarray, heading: int, size: int = 5
) -> np.ndarray:
  """Returns a frame drawn by MiniGrid, as `tiles.view` should.

  The whole grid, with walls around it, is drawn before the view is cut out.

  Args:
    grid: str [H, W], what the cells are, in the words of `tiles.WORDS`.
    position: int [2], (x, y) of the agent.
    heading: of the agent.
    size: cells of a side of the view, odd.

  Returns:
    uint8 [size * 8, size * 8, 3].

  Raises:
    ValueError: MiniGrid is not installed.
  """
  _need()
  from minigrid.core import grid as grids

  half = size // 2
  around = np.pad(grid, half, constant_values='wall')
  rows, cols = around.shape
  drawn = grids.Grid(cols, rows)
  for (y, x), words in np.ndenumerate(around):
    drawn.set(x, y, _thing(*words.split()))
  x, y = np.asarray(position)
  image = drawn.render(_SIDE, (x + half, y + half), int(heading))
  top, left = y * _SIDE, x * _SIDE
  side = size * _SIDE
  return image[top : top + side, left : left + side]


def memory_walls(width: int, height: int) -> np.ndarray:
  """Returns where MiniGrid's MemoryEnv has walls, bool [height, width].

  Raises:
    ValueError: MiniGrid is not installed.
  """
  _need()
  from minigrid import envs
  from minigrid.core import world_object

  env = envs.MemoryEnv(size=9)
  env.reset(seed=0)
  env._gen_grid(width, height)  # It is public only where both are equal.
  cells = [env.grid.get(x, y) for y in range(height) for x in range(width)]
  walls = [isinstance(cell, world_object.Wall) for cell in cells]
  return np.reshape(walls, (height, width))


def environment(
  name: str = 'MiniGrid-MemoryS17Random-v0', size: int = 5, seed: int = 0
) -> Callable[[int], None]:
  """Returns MiniGrid's own environment with its RGB view, played at random.

  Args:
    name: of the environment; 'MiniGrid-KeyCorridorS6R3-v0' is one with keys.
    size: cells of a side of the view, odd.
    seed: of the first episode.

  Returns:
    `(steps) -> None`, takes that many random steps, with a frame each; an
    episode that ends is followed by another.

  Raises:
    ValueError: MiniGrid is not installed.
  """
  _need()
  import gymnasium
  from minigrid import wrappers

  plain = gymnasium.make(name, agent_view_size=size)
  env = wrappers.RGBImgPartialObsWrapper(plain, tile_size=_SIDE)
  env.reset(seed=seed)
  draw = np.random.default_rng(seed)

  def play(steps):
    for action in draw.integers(env.action_space.n, size=steps):
      _, _, terminated, truncated, _ = env.step(action)
      if terminated or truncated:
        env.reset()

  return play


def _thing(what, color=None):
  """Returns MiniGrid's object of a cell."""
  from minigrid.core import world_object

  if what == 'empty':
    return None
  if what == 'wall':
    return world_object.Wall()
  if what == 'key':
    return world_object.Key(color)
  if what == 'solid':
    goal = world_object.Goal()
    goal.color = color
    return goal
  return world_object.Door(color, what == 'open', what == 'locked')


def _need():
  """Raises if MiniGrid is missing."""
  try:
    import minigrid  # noqa: F401
  except ImportError as error:
    raise ValueError(
      'minigrid: MiniGrid is not installed; need `minigrid`, which '
      "`pip install -e '.[test]'` brings; or leave it out of the comparison"
    ) from error
