"""The run folders of the face-off, read."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FILES = {
  'config': 'config.gin',
  'versions': 'versions.json',
  'measurements': 'measurements.jsonl',
  'metrics': 'evaluation/metrics.json',
  'curves': 'evaluation/curves.json',
  'shown': 'evaluation/shown.npz',
  'extrapolation': 'extrapolation/metrics.json',
  'probe': 'probe/metrics.json',
  'speed': 'speed.json',
}
"""What is read of a run folder, and what a slim copy of it keeps."""


class Record(NamedTuple):
  """A run folder; what is not there is empty.

  Attributes:
    table: of `experiments.plan`.
    model: what was run.
    seed: of it.
    folder: where it is.
    config: the text of its configuration.
    versions: of packages, machine and code.
    metrics: of its evaluation.
    curves: of its evaluation, by name.
    extrapolation: metrics by factor.
    probe: metrics of probes.
    speed: ratios and rows of the benchmark.
    training: steps, minutes and steps_per_second, the median.
  """

  table: str
  model: str
  seed: int
  folder: Path
  config: str
  versions: Mapping[str, Any]
  metrics: Mapping[str, Any]
  curves: Mapping[str, Any]
  extrapolation: Mapping[str, Any]
  probe: Mapping[str, Any]
  speed: Mapping[str, Any]
  training: Mapping[str, float]


def read(root: Path) -> list[Record]:
  """Returns all run folders `TABLE/MODEL_seedSEED` that have results.

  Args:
    root: where they are.

  Raises:
    ValueError: there are none, or a file cannot be read.
  """
  found = [
    _record(folder, *match.groups())
    for folder in sorted(root.glob('*/*'))
    if (match := re.fullmatch(r'(.+)_seed(\d+)', folder.name))
  ]
  found = [r for r in found if r.metrics or r.probe or r.speed]
  if not found:
    raise ValueError(
      f'report: no finished runs in {root}; make them by python -m '
      'experiments.face_off, or change --workdir'
    )
  return found


def copy(record: Record, folder: Path) -> None:
  """Copies what is read of a run folder, without checkpoints and videos.

  Args:
    record: whose folder.
    folder: where to.
  """
  for name in FILES.values():
    source, target = record.folder / name, folder / name
    if source.is_file():
      target.parent.mkdir(parents=True, exist_ok=True)
      if name == FILES['versions']:
        versions = {k: v for k, v in record.versions.items() if k != 'command'}
        target.write_text(json.dumps(versions, indent=2) + '\n')
      elif name == FILES['measurements']:
        target.write_text(_slim(source))
      else:
        shutil.copyfile(source, target)


def shown(record: Record) -> dict[str, np.ndarray] | None:
  """Returns truth, imagination and steps of an episode, if they were kept.

  Args:
    record: of which run.
  """
  path = record.folder / FILES['shown']
  if not path.is_file():
    return None
  with np.load(path) as file:
    return dict(file)


def _record(folder: Path, model: str, seed: str) -> Record:
  path = folder / FILES['config']
  read = {
    name: _json(folder / FILES[name])
    for name in Record._fields
    if name in FILES and name != 'config'
  }
  return Record(
    table=folder.parent.name,
    model=model,
    seed=int(seed),
    folder=folder,
    config=path.read_text() if path.is_file() else '',
    training=_training(folder / FILES['measurements']),
    **read,
  )


def _slim(path: Path) -> str:
  kept = ('step', 'loss', 'steps_per_second')
  lines = (_parse(path, line) for line in path.read_text().splitlines())
  slim = ({k: line[k] for k in kept if k in line} for line in lines)
  return ''.join(json.dumps(line) + '\n' for line in slim)


def _json(path: Path) -> Any:
  if not path.is_file():
    return {}
  try:
    return json.loads(path.read_text())
  except ValueError as error:
    raise ValueError(
      f'report: {path} is broken ({error}); remove it and repeat the run'
    ) from error


def _training(path: Path) -> dict[str, float]:
  if not path.is_file():
    return {}
  lines = [_parse(path, line) for line in path.read_text().splitlines()]
  rates = [x['steps_per_second'] for x in lines if 'steps_per_second' in x]
  if not rates:
    return {}
  steps, rate = max(x['step'] for x in lines), float(np.median(rates))
  return {
    'steps': steps, 'steps_per_second': rate, 'minutes': steps / rate / 60
  }  # fmt: skip


def _parse(path: Path, line: str) -> Any:
  try:
    return json.loads(line)
  except ValueError as error:
    raise ValueError(f'report: {path} is broken ({error})') from error
