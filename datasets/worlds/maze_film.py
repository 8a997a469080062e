"""Episodes of the mazes, played in batches and then rendered.

What is hidden is told in the words of Memory Maze's official data: positions in
cells, (x, y) from the lower left corner; `_vec` from the walker, in cells to
its right and ahead of it.
"""

import functools
from collections.abc import Callable

import jax
import numpy as np

from datasets.worlds import explorer, stills, textures
from datasets.worlds import maze as mazes
from datasets.worlds import maze_plan as plans


@functools.cache
def camera(
  maze: mazes.Maze, rendered: int
) -> Callable[[jax.Array], list[dict[str, np.ndarray]]]:
  """Returns a function that plays and films a batch of episodes.

  Args:
    maze: the numbers.
    rendered: frames rendered by one call.

  Returns:
    `(keys uint32 [B, 2]) -> episodes`: image uint8 [T, H, W, 3]; action int32
    [T]; reward float32 [T], of the action of each step; and what `official`
    returns.
  """
  play = jax.jit(jax.vmap(functools.partial(explorer.play, maze)))
  expose = jax.jit(jax.vmap(functools.partial(mazes.frame, maze)))

  def shoot(keys):
    worlds, action = jax.tree.map(np.asarray, play(keys))
    image = stills.shown(expose, worlds, rendered, ('map', 'key'))
    reward = np.roll(worlds.reward, -1, 1).astype(np.float32)
    reward[:, -1] = 0
    return [
      {'image': image[i], 'action': action[i], 'reward': reward[i]}
      | official(maze, jax.tree.map(lambda x, i=i: x[i], worlds))
      for i in range(len(image))
    ]

  return shoot


def official(maze: mazes.Maze, worlds: mazes.World) -> dict[str, np.ndarray]:
  """Returns the hidden state of an episode in the official fields.

  Args:
    maze: the numbers.
    worlds: states of T steps, the map without time.

  Returns:
    maze_layout uint8 [N, N], 1 where free, [y, x], the lowest row first; the
    others are float32: agent_pos [T, 2]; agent_dir [T, 2], of length 1;
    targets_pos [O, 2]; targets_vec [T, O, 2]; of the current target, target_pos
    [T, 2], target_vec [T, 2] and target_color [T, 3], from 0 to 1.
  """
  angle = 2 * np.pi * worlds.heading / maze.headings
  forward = np.stack([np.cos(angle), np.sin(angle)], -1)
  right = np.stack([forward[:, 1], -forward[:, 0]], -1)
  position = worlds.position / plans.UNIT
  places = worlds.map.target / plans.UNIT
  away = places - position[:, None]
  away = away @ np.stack([right, forward], -1)
  step, target = np.arange(len(angle)), worlds.target
  found = {
    'agent_pos': position,
    'agent_dir': forward,
    'targets_pos': places,
    'targets_vec': away,
    'target_pos': places[target],
    'target_vec': away[step, target],
    'target_color': textures.TARGETS[target],
  }
  free = worlds.map.labyrinth.free
  return {'maze_layout': free.astype(np.uint8)} | {
    name: x.astype(np.float32) for name, x in found.items()
  }
