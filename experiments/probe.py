"""The probing program: what a trained world model knows of mazes.

    python -m experiments.launch --program=probe --workdir=RUN

The model observes whole episodes and stays as it is; probes learn to read the
walls and the places of objects from its features. Writes
`workdir/probe/metrics.json`. See docs/probing.md.
"""

import math
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import optax
import tqdm

from experiments import features, probing, restoring
from experiments.features import Pool, Rows
from experiments.probing import Probes
from wm import sizes
from wm.data.task import Task
from wm.train import checkpoint, optimizer
from wm.types import Array, Params

_CLIP = 200.0


def probe(
  task: Task,
  units: int,
  batch: int,
  episodes: int,
  pool: int = 2048,
  passes: float = 2.0,
  rows: int = 256,
  learning_rate: float = 3e-3,
  split: str = 'test',
  window: int | None = None,
  seed: int = 0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`; it fills `workdir/probe`.

  Args:
    task: Data set and model.
    units: Width of the objects' hidden layers; the walls' are twice as wide.
    batch: Episodes observed at a time.
    episodes: How many to score on, at most.
    pool: Training episodes whose features are kept in memory, at most.
    passes: How often a step of these is learned from, in the mean.
    rows: Steps of episodes in an update.
    learning_rate: Peak rate of AdamW.
    split: To score on.
    window: First step that is scored; by default the first of the query.
    seed: Of all draws.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.

  Raises:
    ValueError: If no step is scored; when it runs, if the data set is no maze.
  """
  sizes.positive(
    'probe.probe',
    units=units,
    batch=batch,
    episodes=episodes,
    pool=pool,
    rows=rows,
  )
  if passes <= 0:
    raise ValueError(
      f'probe: features are learned from; got {passes} passes, need more than '
      '0; change probe.probe.passes'
    )
  window = probing.first_scored(task.metadata, window, 'probe.probe.window')

  def run(workdir: Path) -> None:
    training, data = task.load(split='train'), task.load(split=split)
    features.check(task.metadata['name'], training)
    step, params = restoring.params(task, workdir, pick)
    keys = jax.random.split(jax.random.key(seed))
    seen, unseen = (
      features.pool(task, params, part, batch, min(count, len(part)), key)
      for part, count, key in zip(
        (training, data), (pool, episodes), keys, strict=True
      )
    )
    probes = probing.probes(training[0], units)
    steps = math.ceil(passes * math.prod(seen.features.shape[:2]) / rows)
    learned = learn(probes, seen, learning_rate, steps, rows, seed)
    report = {
      'step': step,
      'split': split,
      'episodes': len(unseen.features),
      'window': window,
      'train_episodes': len(seen.features),
      'probe_updates': steps,
      **probing.numbers(probes, learned, unseen, seen.answers, window),
    }
    probing.write(workdir, report)

  return run


def learn(
  probes: Probes,
  pool: Pool,
  learning_rate: float,
  steps: int,
  rows: int,
  seed: int,
) -> Params:
  """Returns parameters of probes, learned from steps drawn from a pool.

  Args:
    probes: By name; they share nothing.
    pool: Of training episodes.
    learning_rate: Peak rate of AdamW.
    steps: Updates.
    rows: Steps of episodes in each.
    seed: Of the parameters and of what is drawn.
  """
  adam = optimizer.adamw(
    learning_rate, learning_rate, warmup=steps // 20, steps=steps, clip=_CLIP
  )

  @jax.jit
  def update(
    params: Params, opt_state: optax.OptState, rows: Rows
  ) -> tuple[Params, optax.OptState, Array]:
    of = jax.value_and_grad(lambda params: probing.loss(probes, params, rows))
    loss, grads = of(params)
    updates, opt_state = adam.update(grads, opt_state, params)
    return optax.apply_updates(params, updates), opt_state, loss

  draw = np.random.default_rng(seed)
  shape = pool.features.shape[:2]
  params = probing.init(
    probes, jax.random.key(seed), features.rows(pool, 0, slice(1))
  )
  opt_state, loss = adam.init(params), np.nan
  for step in (bar := tqdm.trange(steps, desc='probe', mininterval=0.5)):
    episode, time = (draw.integers(size, size=rows) for size in shape)
    params, opt_state, loss = update(
      params, opt_state, features.rows(pool, episode, time)
    )
    if step % 100 == 0:
      bar.set_postfix(loss=f'{float(loss):.4g}', refresh=False)
  if not np.isfinite(loss):
    raise FloatingPointError(
      f'probe: the loss is not finite after {steps} updates; lower '
      'probe.probe.learning_rate'
    )
  return params
