"""The evaluation program: how well a trained world model sees and imagines.

The context is encoded in parallel, the query imagined step by step from the
actions alone, and both are compared with what really came.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import rich.console
import rich.table

from experiments import provenance
from experiments.figures import curve, strip, video
from wm.data import batch as batching
from wm.data import loader as loading
from wm.data.task import Task
from wm.metrics import image_mse
from wm.train import checkpoint
from wm.types import Array, Batch, Key, Params, WorldModel

_SHOWN = 3
"""Episodes in the strip and the video."""


class Frames(NamedTuple):
  """Frames `[B, T or K, H, W, C]`; truth in uint8, the others in [0, 1]."""

  truth: Array
  reconstruction: Array
  imagination: Array


def evaluate(
  task: Task,
  batch: int,
  episodes: int,
  split: str = 'test',
  context: int | None = None,
  seed: int = 0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`; it fills `workdir/evaluation`.

  Args:
    task: Data set and model.
    batch: Episodes at a time.
    episodes: How many to evaluate on, at most.
    split: Of the data set.
    context: Steps observed before imagining; by default as the data set says.
    seed: Of the latents' draws.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.

  Raises:
    ValueError: If the context leaves nothing to imagine.
  """
  context = task.metadata['context'] if context is None else context
  if not 1 < context < task.metadata['length']:
    raise ValueError(
      f'evaluate: the context must leave something to imagine; got {context} '
      f'of {task.metadata["length"]} steps; change evaluate.evaluate.context'
    )

  def run(workdir: Path) -> None:
    step, params = _restore(task, workdir, pick)
    data = task.load(split=split)
    count = min(episodes, len(data))
    see = jax.jit(_reconstruct(task.model))
    dream = jax.jit(_imagine(task.model, context))
    metric = image_mse.image_mse()
    names = ('reconstruction', 'generation', 'last_frame', 'mean_frame')
    acc = {name: metric.init() for name in names}
    update = jax.jit(metric.update)
    key, shown, seconds = jax.random.key(seed), None, []

    batches = loading.in_order(
      data, task.metadata['num_actions'], batch=batch, count=count
    )
    for number, rows in enumerate(batches):
      draw = jax.random.fold_in(key, number)
      start = time.perf_counter()
      imagined = jax.block_until_ready(dream(params, draw, rows))
      seconds.append(time.perf_counter() - start)
      frames = Frames(rows['image'], see(params, draw, rows), imagined)
      shown = frames if shown is None else shown
      _, query = batching.split_time(rows, context)
      predictions = {
        'generation': frames.imagination,
        **_baselines(rows, context),
      }
      for name, image in predictions.items():
        acc[name] = update(acc[name], {'image': image}, query, query['mask'])
      acc['reconstruction'] = update(
        acc['reconstruction'],
        {'image': frames.reconstruction},
        rows,
        rows['mask'],
      )

    results = {name: metric.compute(a) for name, a in acc.items()}
    report = {
      'step': step,
      'split': split,
      'episodes': count,
      'context': context,
      'horizon': task.metadata['length'] - context,
      'generation_mse': float(results['generation']['mse']),
      'reconstruction_mse': float(results['reconstruction']['mse']),
      'baseline_last_frame_mse': float(results['last_frame']['mse']),
      'baseline_mean_frame_mse': float(results['mean_frame']['mse']),
      'imagination_frames_per_second': imagined.shape[0]
      * imagined.shape[1]
      / min(seconds),
      'parameters': sum(x.size for x in jax.tree.leaves(params)),
    }
    folder = workdir / 'evaluation'
    folder.mkdir(exist_ok=True)
    curve.write(folder, results)
    shown = jax.tree.map(lambda x: np.asarray(x[:_SHOWN]), shown)
    strip.write(folder / 'strip.png', shown.truth, shown.imagination, context)
    video.write(folder / 'imagination.mp4', *shown, context)
    provenance.write_whole(
      folder / 'metrics.json', json.dumps(report, indent=2) + '\n'
    )
    _print(workdir, report)

  return run


def _reconstruct(model: WorldModel) -> Callable[..., Array]:
  """Returns what the model makes of frames that it sees."""

  def reconstruct(params: Params, key: Key, rows: Batch) -> Array:
    _, rollout = model.observe(params, key, None, rows)
    return model.predict(params, rollout)['image']

  return reconstruct


def _imagine(model: WorldModel, context: int) -> Callable[..., Array]:
  """Returns what the model makes of the frames after a context."""

  def imagine(params: Params, key: Key, rows: Batch) -> Array:
    before, after = batching.split_time(rows, context)
    state, _ = model.observe(params, key, None, before)
    _, rollout = model.imagine(params, key, state, after['prev_action'])
    return model.predict(params, rollout)['image']

  return imagine


def _baselines(rows: Batch, context: int) -> dict[str, Any]:
  """Returns what needs no model: the context's last frame and its mean."""
  before, after = batching.split_time(rows, context)
  images = jnp.asarray(before['image'], jnp.float32) / 255
  shape = after['image'].shape
  return {
    'last_frame': jnp.broadcast_to(images[:, -1:], shape),
    'mean_frame': jnp.broadcast_to(
      jnp.mean(images, axis=1, keepdims=True), shape
    ),
  }


def _restore(
  task: Task,
  workdir: Path,
  pick: Callable[[checkpoint.Checkpoints], int],
) -> tuple[int, Params]:
  frame, length = task.metadata['frame'], 2
  rows = {
    'image': jax.ShapeDtypeStruct((1, length, *frame), jnp.uint8),
    'prev_action': jax.ShapeDtypeStruct(
      (1, length, task.metadata['num_actions']), jnp.float32
    ),
  }
  like = jax.eval_shape(task.model.init, jax.random.key(0), rows)
  store = checkpoint.checkpoints(workdir / 'checkpoints')
  try:
    step = pick(store)
    return step, checkpoint.restore_params(store, step, like)
  finally:
    checkpoint.close(store)


def _print(workdir: Path, report: dict[str, Any]) -> None:
  table = rich.table.Table(title=f'{workdir} after {report["step"]} steps')
  table.add_column('squared error per frame')
  table.add_column('value', justify='right')
  for label, name in (
    ('generation', 'generation_mse'),
    ('  repeat the last context frame', 'baseline_last_frame_mse'),
    ('  mean frame of the context', 'baseline_mean_frame_mse'),
    ('reconstruction', 'reconstruction_mse'),
  ):
    table.add_row(label, f'{report[name]:.2f}')
  rich.console.Console().print(table)
  print(f'run folder: {workdir}')
