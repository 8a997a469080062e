"""The imagine program: what a trained world model makes of a few episodes.

    python -m experiments.launch --program=imagine --workdir=runs/s4wm_fourrooms

Fills `workdir/imagination`: `strip.png`, ten imagined steps below the true
ones, and `imagination.mp4`, all steps. It needs a run folder, or one of
`export`, and only as much of the data set as it shows.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments import restoring
from experiments.figures import strip, video
from wm.data import batch as batching
from wm.data import loader as loading
from wm.data import task as tasks
from wm.data.task import Task
from wm.train import checkpoint
from wm.types import Array, Batch, Key, Params, WorldModel


def imagine(
  task: Task,
  preview: Callable[..., Sequence[Mapping[str, Any]]],
  split: str = 'test',
  episodes: Sequence[int] = (0, 1, 2),
  samples: int = 3,
  context: int | None = None,
  horizon: int | None = None,
  seed: int = 0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model.
    preview: `(split=..., count=...) -> episodes`, the first of the data set.
    split: Of the data set.
    episodes: Their numbers in the split; low ones are quick to make.
    samples: Futures imagined of each.
    context: Steps observed before imagining; by default as the data set says.
    horizon: Steps imagined; by default to the end of the episode.
    seed: Of the latents' draws.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.

  Raises:
    ValueError: If there is nothing to imagine, or no such episode; the latter
      when it runs, for then the data set is there.
  """
  length = task.metadata['length']
  context = task.metadata['context'] if context is None else context
  horizon = length - context if horizon is None else horizon
  _check(episodes, samples, context, horizon, length)
  tasks.check_frames(task.metadata, 'imagine')

  def run(workdir: Path) -> None:
    _, params = restoring.params(task, workdir, pick)
    data = preview(split=split, count=max(episodes) + 1)
    if max(episodes) >= len(data):
      raise ValueError(
        f'imagine: no such episode; got {max(episodes)}, need 0 to '
        f'{len(data) - 1} of {split}; change imagine.imagine.episodes'
      )
    rows = next(
      loading.in_order(
        [data[number] for number in episodes],
        task.metadata['num_actions'],
        batch=len(episodes),
        count=len(episodes),
      )
    )
    rows, _ = batching.split_time(rows, context + horizon)
    dream = jax.jit(_futures(task.model, context, samples))
    seen, futures = dream(params, jax.random.key(seed), rows)
    folder = Path(workdir) / 'imagination'
    folder.mkdir(parents=True, exist_ok=True)
    truth = np.asarray(rows['image'])
    _draw(folder, truth, np.asarray(seen), np.asarray(futures), context)

  return run


def _futures(
  model: WorldModel, context: int, samples: int
) -> Callable[..., tuple[Array, Array]]:
  """Returns what the model makes of a context, and of what may follow it."""

  def futures(params: Params, key: Key, rows: Batch) -> tuple[Array, Array]:
    before, after = batching.split_time(rows, context)
    state, rollout = model.observe(params, key, None, before)
    seen = model.predict(params, rollout)['image']

    def one(number: Array) -> Array:
      draw = jax.random.fold_in(key, number)
      _, rollout = model.imagine(params, draw, state, after['prev_action'])
      return model.predict(params, rollout)['image']

    return seen, jax.lax.map(one, jnp.arange(samples))

  return futures


def _draw(
  folder: Path,
  truth: np.ndarray,
  seen: np.ndarray,
  futures: np.ndarray,
  context: int,
) -> None:
  """Writes strip and video of futures `[S, B, K, H, W, C]`."""
  names = ['imagined']
  if len(futures) > 1:
    names = [f'future {number + 1}' for number in range(len(futures))]
  rows = []
  for number, real in enumerate(truth):
    rows.append(('truth', real[context:]))
    rows += zip(names, futures[:, number], strict=True)
  path = folder / 'strip.png'
  strip.write_rows(path, rows)
  print(path, flush=True)
  columns = [
    video.dream(seen, future, name)
    for name, future in zip(names, futures, strict=True)
  ]
  path = folder / 'imagination.mp4'
  video.write_columns(path, truth, columns, context)
  print(path, flush=True)


def _check(
  episodes: Sequence[int], samples: int, context: int, horizon: int, length: int
) -> None:
  if not episodes or not all(isinstance(n, int) and n >= 0 for n in episodes):
    raise ValueError(
      f'imagine: nothing to show; got episodes {tuple(episodes)}, need one or '
      'more numbers, 0 or more; change imagine.imagine.episodes'
    )
  if samples < 1:
    raise ValueError(
      f'imagine: nothing to show; got {samples} samples, need 1 or more; '
      'change imagine.imagine.samples'
    )
  if context < 2 or horizon < 1 or context + horizon > length:
    raise ValueError(
      f'imagine: episodes have {length} steps; got {context} of context and '
      f'{horizon} of horizon, need 2 or more and 1 or more, together {length} '
      'at most; change imagine.imagine.context or imagine.imagine.horizon'
    )
