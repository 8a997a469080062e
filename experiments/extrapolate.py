"""The extrapolation program: a model on longer episodes than it has seen.

    python -m experiments.launch --program=extrapolate \
      --workdir=runs/s4wm_fourrooms

The context stays as it was and the query is prolonged, so that a model trained
on T frames observes, and imagines to the end of, 2 T and 4 T. Writes
`workdir/extrapolation/metrics.json`, `evaluate`'s numbers by factor.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import rich.console
import rich.table

from experiments import judging, provenance, restoring
from wm import sizes
from wm.data import loader as loading
from wm.data.task import Task
from wm.train import checkpoint
from wm.types import Metric


def extrapolate(
  task: Task,
  describe: Callable[..., Mapping[str, Any]],
  preview: Callable[..., Sequence[Mapping[str, Any]]],
  metric: Metric,
  batch: int,
  episodes: int,
  arguments: Mapping[str, Any] | None = None,
  factors: Sequence[int] = (1, 2, 4),
  split: str = 'test',
  seed: int = 0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model of the run.
    describe: `(arguments=...) -> metadata` of the data set.
    preview: `(split=..., count=..., arguments=...) -> episodes` of it.
    metric: Of frames.
    batch: Episodes at a time.
    episodes: How many to evaluate on, at most.
    arguments: Of the world, beside its `query`.
    factors: How many times as long as in training; whole numbers.
    split: Of the data set.
    seed: Of the latents' draws.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.

  Raises:
    ValueError: If a factor is not a whole number from 1, or if the world cannot
      have a longer query.
  """
  sizes.positive('extrapolate.extrapolate', batch=batch, episodes=episodes)
  if not all(isinstance(f, int) and f >= 1 for f in factors):
    raise ValueError(
      f'extrapolate: episodes are longer by whole numbers; got {factors}, need '
      '1 or more each; change extrapolate.extrapolate.factors'
    )
  context, length = task.metadata['context'], task.metadata['length']
  longer = {
    f: {**(arguments or {}), 'query': f * length - context} for f in factors
  }
  for given in longer.values():
    describe(arguments=given)

  def run(workdir: Path) -> None:
    step, params = restoring.params(task, workdir, pick)
    report = {}
    for factor, given in longer.items():
      data = preview(split=split, count=episodes, arguments=given)
      judgement = judging.judge(
        task.model,
        params,
        loading.in_order(
          data, task.metadata['num_actions'], batch=batch, count=len(data)
        ),
        context,
        {task.metadata['observation']: metric},
        1,
        seed,
        observation=task.metadata['observation'],
      )
      report[str(factor)] = {
        'step': step,
        'split': split,
        'episodes': len(data),
        'context': context,
        'horizon': factor * length - context,
        **judgement.numbers,
      }
    folder = workdir / 'extrapolation'
    folder.mkdir(exist_ok=True)
    provenance.write_whole(
      folder / 'metrics.json', json.dumps(report, indent=2) + '\n'
    )
    _print(workdir, report)

  return run


def _print(workdir: Path, report: Mapping[str, Mapping[str, Any]]) -> None:
  table = rich.table.Table(title=f'{workdir}: squared error per frame')
  for column in ('times as long', 'generation', 'mean frame', 'reconstruction'):
    table.add_column(column, justify='right')
  for factor, numbers in report.items():
    names = ('generation', 'baseline_mean_frame', 'reconstruction')
    found = (numbers[f'{name}_mse'] for name in names)
    table.add_row(factor, *('–' if x is None else f'{x:.4g}' for x in found))
  rich.console.Console().print(table)
