"""The features of episodes in mazes, and what can be asked of them.

Features are [h_t, z_t], as observing whole episodes gives them; the answers are
in the hidden state that the episodes of Memory Maze tell.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from wm.data import loader as loading
from wm.data.task import Task
from wm.types import Array, Batch, Key, Params, WorldModel

_HIDDEN = ('maze_layout', 'agent_pos', 'agent_dir', 'targets_vec')
_ANSWERS = ('walls', 'pose', 'targets')

Rows = Mapping[str, ArrayLike]
"""Fields of steps, `[..., X]`: `features` and those that `answers` names."""


class Pool(NamedTuple):
  """Episodes as probes see them, on the host.

  Attributes:
    features: float16 `[E, T, F]`.
    answers: by name, `[E, ...]`, as `answers` says.
  """

  features: np.ndarray
  answers: dict[str, np.ndarray]


def answers(episode: Mapping[str, Any]) -> dict[str, np.ndarray]:
  """Returns what probes are told and asked of an episode.

  Args:
    episode: with the hidden state of a maze.

  Returns:
    walls: uint8 `[N * N]`, 1 free, 0 wall.
    pose: `[T, 4]`, the position scaled to [-1, 1], and the direction.
    targets: `[T, O, 2]`, all objects seen from the agent, in cells.
  """
  hidden = episode['oracle']
  side = len(hidden['maze_layout'])
  place = 2 * np.asarray(hidden['agent_pos'], np.float32) / side - 1
  look = np.asarray(hidden['agent_dir'], np.float32)
  return {
    'walls': np.reshape(hidden['maze_layout'], -1).astype(np.uint8),
    'pose': np.concatenate([place, look], axis=-1),
    'targets': np.asarray(hidden['targets_vec'], np.float32),
  }


def check(name: str, data: Sequence[Mapping[str, Any]]) -> None:
  """Checks that episodes tell the hidden state of a maze.

  Args:
    name: of the data set.
    data: its episodes.

  Raises:
    ValueError: If they do not.
  """
  missing = [k for k in _HIDDEN if k not in data[0].get('oracle', {})]
  if missing:
    raise ValueError(
      f'probe: nothing to ask; got {name} without the oracle fields '
      f'{", ".join(missing)}, need a maze such as memory_maze/jax_9x9; change '
      'the gin macro DATA'
    )


def observed(
  model: WorldModel, params: Params, key: Key, batch: Batch
) -> Array:
  """Returns [h_t, z_t] of whole episodes, `[B, T, F]`, each z_t drawn once.

  Args:
    model: The world model.
    params: Its parameters.
    key: Of the latents' draws.
    batch: `image` and `prev_action`, where no episode starts inside.
  """
  _, rollout = model.observe(params, key, None, batch)
  return jnp.concatenate([rollout.h, rollout.z], axis=-1)


def frames(batch: Batch) -> Batch:
  """Returns what the world model sees of a batch."""
  return {name: batch[name] for name in ('image', 'prev_action')}


def pool(
  task: Task,
  params: Params,
  data: Sequence[Mapping[str, Any]],
  batch: int,
  count: int,
  key: Key,
) -> Pool:
  """Returns the features of the first episodes, and what is asked of them.

  Args:
    task: The world model, and what its data are like.
    params: Of the world model.
    data: Episodes.
    batch: How many at a time.
    count: How many in all.
    key: Of the latents' draws.
  """

  @jax.jit
  def see(params: Params, key: Key, batch: Batch) -> Array:
    return observed(task.model, params, key, batch).astype(jnp.float16)

  seen, told = [], []
  for number, rows in enumerate(
    loading.in_order(
      data,
      task.metadata['num_actions'],
      batch=batch,
      count=count,
      fields=answers,
    )
  ):
    draw = jax.random.fold_in(key, number)
    seen.append(np.asarray(see(params, draw, frames(rows))))
    told.append({name: rows[name] for name in _ANSWERS})
  return Pool(
    np.concatenate(seen)[:count],
    {k: np.concatenate([x[k] for x in told])[:count] for k in _ANSWERS},
  )


def rows(
  pool: Pool, episode: int | np.ndarray, step: slice | np.ndarray
) -> Rows:
  """Returns steps of a pool.

  Args:
    pool: Where from.
    episode: The episode of each, or of all.
    step: The step of each in its episode.
  """
  found = {'features': pool.features[episode, step].astype(np.float32)}
  walls = pool.answers['walls'][episode]
  found['walls'] = np.broadcast_to(
    walls, (*found['features'].shape[:-1], walls.shape[-1])
  )
  for name in ('pose', 'targets'):
    found[name] = pool.answers[name][episode, step]
  return found
