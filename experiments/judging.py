"""What a world model makes of episodes, measured.

Two passes: by inference all frames are observed, in generation the context is
and the rest is imagined from the actions alone. Where several futures are
imagined, a third one is the mean of what they predict: of frames, and of the
probabilities of rewards. A frame here is whatever is observed at a step, of
pixels or of a state.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wm.data import batch as batching
from wm.train import processes, sharding
from wm.types import Array, Batch, Key, Metric, Params, WorldModel

_PASSES = ('inference', 'generation', 'mean')
_BASELINES = ('baseline_last_frame', 'baseline_mean_frame')


class Frames(NamedTuple):
  """Frames `[B, T or K, ...]`; pixels of the truth in uint8, else in [0, 1]."""

  truth: np.ndarray
  reconstruction: np.ndarray
  imagination: np.ndarray


class Judgement(NamedTuple):
  """What came out.

  Attributes:
    numbers: by name; None where nothing was measured.
    curves: by name, `x`, `mean`, `stderr` and `count` of equal length.
    frames: of the first batch.
  """

  numbers: dict[str, float | None]
  curves: dict[str, dict[str, list[float]]]
  frames: Frames


def judge(
  model: WorldModel,
  params: Params,
  batches: Iterable[Batch],
  context: int,
  metrics: Mapping[str, Metric],
  samples: int,
  seed: int,
  layout: sharding.Layout | None = None,
  observation: str = 'image',
) -> Judgement:
  """Returns how well a model sees and imagines.

  Args:
    model: The world model.
    params: Its parameters.
    batches: Of equal shapes, with all fields that the metrics read.
    context: Steps observed before imagining.
    metrics: By name; that of what is observed is one of them.
    samples: Futures imagined of each context; metrics are means over them,
      and standard errors count those of a context as one.
    seed: Of the latents' draws.
    layout: How batches lie on devices; by default rows on all of them.
    observation: Name of what is observed.
  """
  layout = sharding.layout() if layout is None else layout
  everywhere = sharding.everywhere(layout)
  params = jax.device_put(params, everywhere)
  key = jax.jit(lambda: jax.random.key(seed), out_shardings=everywhere)()
  start = {
    name: jax.jit(metric.init, out_shardings=everywhere)
    for name, metric in metrics.items()
  }
  see = jax.jit(_seen(model))
  dream = jax.jit(_imagined(model, context))
  update = {name: jax.jit(metric.update) for name, metric in metrics.items()}
  acc = {(p, name): zero() for p in _PASSES for name, zero in start.items()}
  acc |= {(name, observation): start[observation]() for name in _BASELINES}
  frames, seconds, several = None, [], _Several()

  def measure(which: str, name: str, prediction: Batch, rows: Batch) -> None:
    one = (which, name)
    acc[one] = update[name](acc[one], prediction, rows, rows['mask'])

  for number, rows in enumerate(batches):
    rows = sharding.place(layout, rows, axes=('data',))
    draw = jax.random.fold_in(key, number)
    _, query = batching.split_time(rows, context)
    seen = see(params, draw, rows)
    for name in metrics:
      measure('inference', name, seen, rows)
    for name, guess in _baselines(rows[observation], context).items():
      measure(name, observation, {observation: guess}, query)
    for sample in range(samples):
      began = time.perf_counter()
      imagined = jax.block_until_ready(
        dream(params, jax.random.fold_in(draw, sample), rows)
      )
      seconds.append(time.perf_counter() - began)
      for name in metrics:
        measure('generation', name, imagined, query)
      if samples > 1:
        guess, truth = imagined[observation], query[observation]
        several.add(imagined, _error(guess, truth, query['mask']))
      if frames is None:
        frames = Frames(*(
          processes.local(x[observation]) for x in (rows, seen, imagined)
        ))
    if samples > 1:
      for name in metrics:
        measure('mean', name, several.mean(), query)
      several.end(query['mask'])

  results = {
    one: jax.tree.map(np.asarray, metrics[one[1]].compute(a))
    for one, a in acc.items()
    if samples > 1 or one[0] != 'mean'
  }
  numbers = _numbers(results, observation) | several.numbers()
  if len(seconds) > 1:  # The first compiles.
    numbers['imagination_frames_per_second'] = float(
      np.prod(frames.imagination.shape[:2]) / min(seconds[1:])
    )
  return Judgement(numbers, _curves(results, observation, samples), frames)


class _Several:
  """Several futures of the same contexts."""

  def __init__(self):
    self._errors, self._total, self._best = [], None, []

  def add(self, imagined: Batch, error: Array) -> None:
    self._errors.append(processes.local(error))
    total = self._total
    self._total = jax.tree.map(jnp.add, total, imagined) if total else imagined

  def mean(self) -> dict[str, Array]:
    """Returns the mean of what the futures since the last end predict."""
    return jax.tree.map(lambda x: x / len(self._errors), self._total)

  def end(self, mask: Array) -> None:
    rows = processes.local(mask).max(1) > 0
    self._best += list(np.min(self._errors, axis=0)[rows])
    self._errors, self._total = [], None

  def numbers(self) -> dict[str, float]:
    if not self._best:
      return {}
    return {'generation_mse_best_of_k': float(np.mean(self._best))}


@jax.jit
def _error(guess: Array, truth: Array, mask: Array) -> Array:
  """Returns each row's squared error per frame, `[B]`."""
  error = jnp.square(guess - batching.numbers(truth))
  error = jnp.sum(error, axis=range(2, error.ndim)) * mask
  return jnp.sum(error, 1) / jnp.maximum(jnp.sum(mask, 1), 1)


def _seen(model: WorldModel) -> Callable[..., dict[str, Array]]:
  """Returns what the model predicts of steps that it sees."""

  def see(params: Params, key: Key, rows: Batch) -> dict[str, Array]:
    _, rollout = model.observe(params, key, None, rows)
    return model.predict(params, rollout)

  return see


def _imagined(
  model: WorldModel, context: int
) -> Callable[..., dict[str, Array]]:
  """Returns what the model predicts of the steps after a context."""

  def imagine(params: Params, key: Key, rows: Batch) -> dict[str, Array]:
    before, after = batching.split_time(rows, context)
    state, _ = model.observe(params, key, None, before)
    _, rollout = model.imagine(params, key, state, after['prev_action'])
    return model.predict(params, rollout)

  return imagine


def _baselines(frames: Array, context: int) -> dict[str, Array]:
  """Returns what needs no model: the context's last frame and its mean."""
  before, shape = frames[:, :context], frames[:, context:].shape
  before = batching.numbers(before)
  mean = jnp.mean(before, axis=1, keepdims=True)
  found = (jnp.broadcast_to(x, shape) for x in (before[:, -1:], mean))
  return dict(zip(_BASELINES, found, strict=True))


def _numbers(
  results: Mapping[tuple[str, str], Mapping[str, Any]], observation: str
) -> dict[str, float | None]:
  found = {}
  for (which, name), values in results.items():
    of = '' if name in (observation, 'recall') else f'{name}_'
    for key, value in values.items():
      if np.ndim(value) == 0:
        number = float(value) if np.isfinite(value) else None
        found[f'{which}_{of}{key}'] = number
  return {_NAMES.get(k, k): v for k, v in found.items() if k not in _LEFT_OUT}


_NAMES = {
  'inference_mse': 'reconstruction_mse',
  'mean_mse': 'generation_mse_of_mean',
  'generation_reward_base_rate': 'reward_base_rate',
  'generation_door_base_rate': 'door_base_rate',
}
_LEFT_OUT = (
  'inference_mse_seen',
  'inference_mse_unseen',
  'inference_reward_base_rate',
  'inference_door_base_rate',
  'mean_reward_base_rate',
  'mean_door_base_rate',
)


def _curves(
  results: Mapping[tuple[str, str], Mapping[str, Any]],
  observation: str,
  samples: int,
) -> dict[str, dict[str, list[float]]]:
  found = {}
  for which in ('generation', *_BASELINES):
    values = results[which, observation]
    found[f'{which}_mse_by_step'] = _curve(
      np.arange(1, len(values['mse_per_step']) + 1),
      values['mse_per_step'],
      values['stderr_per_step'],
      values['count_per_step'],
    )
  if ('generation', 'recall') in results:
    values = results['generation', 'recall']
    names = ('age', 'mse_by_age', 'stderr_by_age', 'count_by_age')
    there = np.asarray(values['count_by_age']) > 0
    found['generation_mse_by_age'] = _curve(
      *(np.asarray(values[name])[there] for name in names)
    )
  for which in _PASSES:
    if (which, 'calibration') in results:
      values = results[which, 'calibration']
      there = values['count'] > 0
      p, came, count = (
        values[name][there] for name in ('probability', 'frequency', 'count')
      )
      error = np.sqrt(came * (1 - came) / count)
      found[f'{which}_calibration'] = _curve(p, came, error, count)
  for name, curve in found.items():
    if name.startswith('generation'):
      curve['stderr'] = [x * math.sqrt(samples) for x in curve['stderr']]
  return found


def _curve(x, mean, stderr, count) -> dict[str, list[float]]:
  columns = {'x': x, 'mean': mean, 'stderr': stderr, 'count': count}
  return {name: np.asarray(v).tolist() for name, v in columns.items()}
