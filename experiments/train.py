"""The training program: data, model and learner in; a run folder out.

Repeating the command goes on from the last checkpoint, to the same parameters
bit for bit as a run that was never stopped.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np

from experiments import forecast, provenance, stopping
from wm import config, sizes
from wm.data import loader as loading
from wm.data.task import Task
from wm.train import (
  checkpoint,
  logbook,
  processes,
  sharding,
  stores,
  stretches,
)
from wm.types import (
  Array,
  Batch,
  Learner,
  Loader,
  Params,
  TrainState,
  WorldModel,
)


def train(
  task: Task,
  learner: Callable[..., Learner],
  loader: Callable[..., Loader],
  evaluate: Callable[[Path], None],
  steps: int,
  batch: int,
  seed: int = 0,
  log_every: int = 10,
  save_every: int = 1000,
  start: Callable[[Params], Params] = lambda drawn: drawn,
  layout: sharding.Layout | None = None,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model.
    learner: `(model=...) -> Learner`.
    loader: `(episodes=..., num_actions=...) -> Loader`.
    evaluate: The program that ends the run.
    steps: Updates in all.
    batch: Episodes in a batch of validation; the loader has its own.
    seed: Of the parameters and of all draws.
    log_every: Updates between measurements.
    save_every: Updates between checkpoints.
    start: `(params) -> params`, what to begin with in place of parameters drawn
      at random, such as `checkpoint.parameters(folder=...)` of another run.
    layout: How batches and parameters lie on devices; by default rows of
      batches on all of them.
  """
  sizes.positive(
    'train.train',
    steps=steps,
    batch=batch,
    log_every=log_every,
    save_every=save_every,
  )
  layout = sharding.layout() if layout is None else layout
  model = stretches.over_time(layout, task.model)
  learn = learner(model=model)

  def run(workdir: Path) -> None:
    forecast.tell(task, learner(model=task.model), loader, steps, batch)
    with processes.first_alone():
      episodes = task.load(split='train')
    batches = loader(
      episodes=episodes, num_actions=task.metadata['num_actions']
    )
    if processes.leads():
      provenance.claim(workdir, config.operative())
    first = batches(0)
    batches = sharding.placed(layout, batches, first)

    init = sharding.init(layout, learn, seed, first)
    store = stores.writing(workdir / 'checkpoints')
    state = checkpoint.restore_last(store, jax.eval_shape(init))
    if state is None:
      state = init()
      state = state.replace(params=start(state.params))
    lies = jax.tree.map(lambda x: x.sharding, state)
    book = (
      logbook.logbook(workdir, int(state.step), steps)
      if processes.leads()
      else logbook.nowhere()
    )
    update = jax.jit(learn.update, donate_argnums=0, out_shardings=(lies, None))
    validate = _validation(task, model, layout, batch)
    seen: list[dict[str, Array]] = []
    stop = 0

    try:
      with stopping.on_signals() as stopped:
        for step, data in _numbered(batches, int(state.step), steps):
          state, measurements = update(state, data)
          seen.append(measurements)
          stop = stopped(step)
          save = stop or step == steps or step % save_every == 0
          if save or step % log_every == 0:
            _measure(book, store, step, seen)
          if save:
            loss = validate(state)
            _check_finite({'validation_loss': [loss]}, store, step, step)
            logbook.write(book, step, {'validation_loss': loss})
            checkpoint.save(store, state, {'loss': loss})
          if stop:
            break
    finally:
      stores.close(store)
      logbook.close(book)
    if stop:
      stopping.leave(stop, workdir)
    evaluate(workdir)

  return run


def _numbered(
  batches: Loader, start: int, steps: int
) -> Iterator[tuple[int, Batch]]:
  if start < steps:
    yield from zip(
      range(start + 1, steps + 1),
      loading.prefetch(batches, start),
      strict=False,
    )


def _measure(
  book: logbook.Logbook,
  store: checkpoint.Checkpoints,
  step: int,
  seen: list[dict[str, Array]],
) -> None:
  """Writes the means of the updates since the last time, if they are finite."""
  values = {name: [float(m[name]) for m in seen] for name in seen[0]}
  _check_finite(values, store, step - len(seen) + 1, step)
  means = {name: float(np.mean(v)) for name, v in values.items()}
  rate = book.bar.format_dict['rate']
  if rate:
    means['steps_per_second'] = rate
  logbook.write(book, step, means)
  seen.clear()


def _check_finite(
  values: dict[str, list[float]],
  store: checkpoint.Checkpoints,
  first: int,
  last: int,
) -> None:
  names = [name for name, v in values.items() if not np.isfinite(v).all()]
  if names:
    raise FloatingPointError(
      f'train: {", ".join(names)} not finite between steps {first} and {last}; '
      f'the last good checkpoint is step {store.manager.latest_step()} in '
      f'{store.folder}; lower optimizer.adamw.learning_rate or '
      'optimizer.adamw.clip; a head from the first step on: its numbers are '
      'out of its range, change world_model.world_model.heads'
    )


def _validation(
  task: Task, model: WorldModel, layout: sharding.Layout, batch: int
) -> Callable[[TrainState], float]:
  episodes = task.load(split='val')
  share = layout.mesh.shape['data']
  count = min(-(-batch // share) * share, len(episodes) // share * share)
  if not count:
    raise ValueError(
      f'train: validation needs an episode for each of {share} devices; got '
      f'{len(episodes)}; lower sharding.layout.data or take more episodes'
    )
  data = next(
    loading.in_order(
      episodes, task.metadata['num_actions'], batch=count, count=count
    )
  )
  data = sharding.place(layout, data)
  loss = jax.jit(
    lambda params, data: model.loss(params, jax.random.key(0), None, data)[0]
  )
  return lambda state: float(loss(state.params, data))
