"""Episodes of a maze in the schema of Memory Maze's files, made up."""

import numpy as np

from datasets.worlds import textures

FRAMES = 25
FLOOR = np.ones((9, 9), np.uint8)
FLOOR[1, 2:8] = FLOOR[3:7, 4] = FLOOR[7, 1:4] = 0


def published(seed, length=FRAMES):
  """Returns arrays as a published file has them."""
  rng = np.random.default_rng(seed)
  free = np.argwhere(FLOOR)[:, ::-1] + 0.5
  angle = np.cumsum(rng.normal(size=length))
  ahead = np.stack([np.cos(angle), np.sin(angle)], -1)
  position = free[rng.integers(len(free))] + rng.uniform(-0.3, 0.3, (length, 2))
  targets = free[rng.choice(len(free), 3, replace=False)]
  away = targets - position[:, None]
  right = ahead[:, ::-1] * [1, -1]
  vectors = np.stack(
    [np.einsum('tod,td->to', away, x) for x in (right, ahead)], -1
  )
  steps, current = np.arange(length), rng.integers(3, size=length)
  action = np.eye(6)[rng.integers(6, size=length)]
  action[0] = 0
  return {
    'image': rng.integers(0, 256, (length, 64, 64, 3), np.uint8),
    'action': action,
    'reward': (steps > 0) * rng.integers(2, size=length).astype(float),
    'maze_layout': np.tile(FLOOR, (length, 1, 1)),
    'agent_pos': position,
    'agent_dir': ahead,
    'targets_pos': np.tile(targets, (length, 1, 1)),
    'targets_vec': vectors,
    'target_pos': targets[current],
    'target_vec': vectors[steps, current],
    'target_color': textures.TARGETS[current],
  }
