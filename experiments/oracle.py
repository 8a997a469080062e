"""The oracle: a world model's net, trained to tell mazes and nothing else.

    python -m experiments.launch --program=oracle --gin_file=base.gin \
      --gin_file=models/s5wm.gin --gin_file=data/memory_maze_9x9.gin \
      --gin_file=laptop.gin --workdir=runs/oracle

Encoder, posterior and backbone are those of the model, but the gradient of the
probes' loss goes all the way through them, and no other: a supervised bound on
what probes read of frozen features. See docs/probing.md.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments import features, probing, provenance
from experiments.features import Rows
from experiments.probing import Probes
from wm import config, sizes
from wm.data import loader as loading
from wm.data.task import Task
from wm.train import logbook
from wm.types import Array, Batch, Key, Loader, Params, WorldModel


def oracle(
  task: Task,
  optimizer: optax.GradientTransformation,
  units: int,
  steps: int,
  batch: int,
  episodes: int,
  pool: int = 2048,
  rows: int = 512,
  split: str = 'test',
  window: int | None = None,
  seed: int = 0,
  log_every: int = 10,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`; it fills a run folder.

  Args:
    task: Data set and model.
    optimizer: Of the net and the probes.
    units: Width of the objects' hidden layers; the walls' are twice as wide.
    steps: Updates.
    batch: Episodes in each.
    episodes: How many to score on, at most.
    pool: Training episodes that constants are made of, at most.
    rows: Steps of these episodes that probes learn from in an update.
    split: To score on.
    window: First step that is scored; by default the first of the query.
    seed: Of the parameters and of all draws.
    log_every: Updates between measurements.

  Raises:
    ValueError: If no step is scored; when it runs, if the data set is no maze.
  """
  sizes.positive(
    'oracle.oracle',
    units=units,
    steps=steps,
    batch=batch,
    episodes=episodes,
    pool=pool,
    rows=rows,
    log_every=log_every,
  )
  window = probing.first_scored(task.metadata, window, 'oracle.oracle.window')

  def run(workdir: Path) -> None:
    training, data = task.load(split='train'), task.load(split=split)
    features.check(task.metadata['name'], training)
    provenance.claim(workdir, config.operative())
    probes = probing.probes(training[0], units)
    update = jax.jit(_update(task.model, probes, optimizer), donate_argnums=0)
    batches = _loader(training, task.metadata, batch, rows, seed)
    keys = jax.random.split(jax.random.key(seed), 3)
    params = _init(task.model, probes, keys[0], batches(0))
    state = params, optimizer.init(params)
    book, seen = logbook.logbook(workdir, 0, steps), []
    try:
      for step, chosen in enumerate(_first(batches, steps), 1):
        draw = jax.random.fold_in(keys[1], step)
        state, loss = update(state, draw, chosen)
        seen.append(loss)
        if step % log_every == 0 or step == steps:
          _measure(book, step, seen)
    finally:
      logbook.close(book)
    params = state[0]
    told = [features.answers(x) for x in itertools.islice(training, pool)]
    unseen = features.pool(
      task, params['model'], data, batch, min(episodes, len(data)), keys[2]
    )
    report = {
      'step': steps,
      'split': split,
      'episodes': len(unseen.features),
      'window': window,
      'train_episodes': len(training),
      'probe_updates': steps,
      **probing.numbers(
        probes,
        params['probes'],
        unseen,
        {name: np.stack([x[name] for x in told]) for name in told[0]},
        window,
      ),
    }
    probing.write(workdir, report)

  return run


def _init(model: WorldModel, probes: Probes, key: Key, batch: Batch) -> Params:
  params = model.init(key, features.frames(batch))
  rows = jax.eval_shape(lambda params: _rows(model, params, key, batch), params)
  return {'model': params, 'probes': probing.init(probes, key, rows)}


def _rows(model: WorldModel, params: Params, key: Key, batch: Batch) -> Rows:
  """Returns the chosen steps of a batch, with their features."""
  seen = features.observed(model, params, key, features.frames(batch))
  at = batch['episode'], batch['time']
  return {
    'features': seen[at],
    'walls': jnp.asarray(batch['walls'])[at[0]],
    'pose': jnp.asarray(batch['pose'])[at],
    'targets': jnp.asarray(batch['targets'])[at],
  }


def _update(
  model: WorldModel, probes: Probes, optimizer: optax.GradientTransformation
) -> Callable[..., tuple[tuple[Params, optax.OptState], Array]]:
  """Returns `((params, opt_state), key, batch) -> (..., loss)`."""

  def loss(params: Params, key: Key, batch: Batch) -> Array:
    rows = _rows(model, params['model'], key, batch)
    return probing.loss(probes, params['probes'], rows)

  def update(state, key, batch):
    params, opt_state = state
    value, grads = jax.value_and_grad(loss)(params, key, batch)
    updates, opt_state = optimizer.update(grads, opt_state, params)
    return (optax.apply_updates(params, updates), opt_state), value

  return update


def _loader(
  episodes: Sequence[Mapping[str, Any]],
  metadata: Mapping[str, Any],
  batch: int,
  rows: int,
  seed: int,
) -> Loader:
  """Returns a loader of whole episodes and of `rows` steps to ask about."""

  def loader(step: int) -> Batch:
    draw = np.random.default_rng((seed, step))
    chosen = draw.integers(len(episodes), size=batch)
    (found,) = loading.in_order(
      [episodes[i] for i in chosen],
      metadata['num_actions'],
      batch=batch,
      count=batch,
      fields=features.answers,
    )
    return found | {
      'episode': draw.integers(batch, size=rows),
      'time': draw.integers(metadata['length'], size=rows),
    }

  return loader


def _first(batches: Loader, steps: int) -> Iterator[Batch]:
  return itertools.islice(loading.prefetch(batches, 0), steps)


def _measure(book: logbook.Logbook, step: int, seen: list[Array]) -> None:
  """Writes the mean loss of the updates since the last time, if finite."""
  loss = float(np.mean([float(x) for x in seen]))
  if not np.isfinite(loss):
    raise FloatingPointError(
      f'oracle: the loss is not finite between steps {step - len(seen) + 1} '
      f'and {step}; lower optimizer.adamw.learning_rate'
    )
  rate = book.bar.format_dict['rate']
  speed = {'steps_per_second': rate} if rate else {}
  logbook.write(book, step, {'loss': loss, **speed})
  seen.clear()
