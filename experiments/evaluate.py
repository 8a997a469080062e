"""The evaluation program: how well a trained world model sees and imagines.

The context is encoded in parallel, the query imagined step by step from the
actions alone, and both are compared with what really came.
"""

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import rich.console
import rich.table

from experiments import judging, provenance, restoring
from experiments.figures import curve
from experiments.figures import frames as pictures
from wm import sizes
from wm.data import loader as loading
from wm.data.task import Task
from wm.train import checkpoint, processes, sharding
from wm.types import Metric

_SHOWN = 3
"""Episodes in figures."""


def evaluate(
  task: Task,
  metrics: Mapping[str, Metric],
  batch: int,
  episodes: int,
  answers: Callable[..., Mapping[str, Any]] = lambda episode, context: {},
  samples: int = 1,
  split: str = 'test',
  context: int | None = None,
  seed: int = 0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
  layout: sharding.Layout | None = None,
  figures: Callable[[Path, judging.Frames, int], None] = pictures.evaluation,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`; it fills `workdir/evaluation`.

  Args:
    task: Data set and model.
    metrics: By name; that of what is observed, such as `image`, is one of
      them.
    batch: Episodes at a time.
    episodes: How many to evaluate on, at most.
    answers: `(episode, context=...) -> fields [T, ...]` that metrics read and
      no model sees.
    samples: Futures imagined of each context; metrics are means over them.
    split: Of the data set.
    context: Steps observed before imagining; by default as the data set says.
    seed: Of the latents' draws.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.
    layout: How batches lie on devices; by default rows on all of them.
    figures: `(folder, frames, context) -> None`, draws a few episodes:
      `frames.evaluation`, or `trajectories.evaluation` of states.

  Raises:
    ValueError: If the context leaves nothing to imagine, nothing is sampled or
      what is observed is not measured.
  """
  context = task.metadata['context'] if context is None else context
  sizes.positive(
    'evaluate.evaluate', batch=batch, episodes=episodes, samples=samples
  )
  check(task.metadata, context)
  observed = task.metadata['observation']
  if observed not in metrics:
    raise ValueError(
      f'evaluate: no metric of what is observed; got {", ".join(metrics)}, '
      f'need {observed!r}; change evaluate.evaluate.metrics'
    )
  layout = sharding.layout() if layout is None else layout

  def run(workdir: Path) -> None:
    step, params = restoring.params(task, workdir, pick, layout)
    data = task.load(split=split)
    count = min(episodes, len(data))
    judgement = judging.judge(
      task.model,
      params,
      loading.in_order(
        data,
        task.metadata['num_actions'],
        batch=batch,
        count=count,
        fields=functools.partial(answers, context=context),
      ),
      context,
      metrics,
      samples,
      seed,
      layout,
      observed,
    )
    if not processes.leads():
      return
    report = {
      'data': task.metadata['name'],
      'step': step,
      'split': split,
      'episodes': count,
      'context': context,
      'horizon': task.metadata['length'] - context,
      'samples': samples,
      'parameters': sum(x.size for x in jax.tree.leaves(params)),
      **judgement.numbers,
    }
    folder = workdir / 'evaluation'
    folder.mkdir(exist_ok=True)
    curve.write(folder, judgement.curves)
    shown = judging.Frames(*(x[:_SHOWN] for x in judgement.frames))
    curves = json.dumps(judgement.curves)
    provenance.write_whole(folder / 'curves.json', curves + '\n')
    figures(folder, shown, context)
    numbers = json.dumps(report, indent=2)
    provenance.write_whole(folder / 'metrics.json', numbers + '\n')
    _print(workdir, report)

  return run


def check(metadata: Mapping[str, Any], context: int) -> None:
  """Checks what is asked of an evaluation.

  Args:
    metadata: Of the data set.
    context: Steps observed.

  Raises:
    ValueError: If that cannot be.
  """
  if not 1 < context < metadata['length']:
    raise ValueError(
      f'evaluate: the context must leave something to imagine; got {context} '
      f'of {metadata["length"]} steps; change evaluate.evaluate.context'
    )


_ROWS = (
  ('squared error per frame', None),
  ('  generation', 'generation_mse'),
  ('    seen in the context', 'generation_mse_seen'),
  ('    not seen in the context', 'generation_mse_unseen'),
  ('    best of the samples', 'generation_mse_best_of_k'),
  ('    mean of the samples', 'generation_mse_of_mean'),
  ('    repeat the last context frame', 'baseline_last_frame_mse'),
  ('    mean frame of the context', 'baseline_mean_frame_mse'),
  ('  reconstruction', 'reconstruction_mse'),
  ('reward at the end, accuracy', None),
  ('  inference', 'inference_reward_accuracy'),
  ('  generation', 'generation_reward_accuracy'),
  ('    always the more frequent', 'reward_base_rate'),
  ('reward at each step, squared error of its probability', None),
  ('  generation', 'generation_calibration_brier'),
  ('    mean of the samples', 'mean_calibration_brier'),
  ('    always its frequency', 'mean_calibration_brier_of_base_rate'),
  ('door states, accuracy', None),
  ('  inference', 'inference_door_accuracy'),
  ('  generation', 'generation_door_accuracy'),
  ('    as the context left them', 'door_base_rate'),
)


def _format(name: str) -> str:
  if 'brier' in name:
    return '.4f'
  return '.4g' if 'mse' in name else '.1%'


def _print(workdir: Path, report: Mapping[str, Any]) -> None:
  table = rich.table.Table(title=f'{workdir} after {report["step"]} steps')
  table.add_column('')
  table.add_column('value', justify='right')
  title = None
  for label, name in _ROWS:
    if name is None:
      title = label
    elif report.get(name) is not None:
      if title:
        table.add_row(title, '')
        title = None
      value = report[name]
      table.add_row(label, f'{value:{_format(name)}}')
  rich.console.Console().print(table)
  print(f'run folder: {workdir}')
