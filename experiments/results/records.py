"""The run folders of the face-off, read."""

import json
import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
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
  'control': 'control/metrics.json',
  'speed': 'speed.json',
  'page': 'speed.md',
}
"""What is read of a run folder, and what a slim copy of it keeps."""

_FINISHED = ('metrics', 'probe', 'page')
"""Files of which a finished run has one; all are written whole."""

_LENGTH = 1024
"""The sequence length, in steps, that the speed of models is told at."""


class Record(NamedTuple):
  """A run, or what a benchmark of many models says of one of them.

  What is not there is empty.

  Attributes:
    table: of `experiments.questions`.
    model: what was run.
    seed: of it.
    folder: where it is.
    config: the text of its configuration.
    versions: of packages, machine and code.
    metrics: of its evaluation.
    curves: of its evaluation, by name.
    extrapolation: metrics by factor.
    probe: metrics of probes.
    control: metrics of a policy.
    speed: rows of the benchmark, by part.
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
  control: Mapping[str, Any]
  speed: Mapping[str, Any]
  training: Mapping[str, float]


_NAME = re.compile(r'(.+)_seed(\d+)')


def finished(root: Path) -> list[Path]:
  """Returns all run folders `TABLE/MODEL_seedSEED` that have results.

  Args:
    root: where they are.
  """
  return [
    folder
    for folder in sorted(root.glob('*/*'))
    if _NAME.fullmatch(folder.name)
    and any((folder / FILES[name]).is_file() for name in _FINISHED)
  ]


def read(root: Path) -> list[Record]:
  """Returns all runs that have results.

  Args:
    root: where their folders are.

  Raises:
    ValueError: there are none, or a file cannot be read.
  """
  found = [
    record
    for folder in finished(root)
    for record in _by_model(
      _record(folder, *_NAME.fullmatch(folder.name).groups())
    )
  ]
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
    if not source.is_file():
      target.unlink(missing_ok=True)
    else:
      target.parent.mkdir(parents=True, exist_ok=True)
      if name == FILES['versions']:
        target.write_text(json.dumps(without_command(_json(source)), indent=2))
      elif name == FILES['speed']:
        report = _json(source)
        versions = without_command(report.get('versions', {}))
        target.write_text(json.dumps(report | {'versions': versions}, indent=2))
      elif name == FILES['measurements']:
        target.write_text(_slim(source))
      else:
        shutil.copyfile(source, target)


def without_command(versions: Mapping[str, Any]) -> dict[str, Any]:
  """Returns versions without the command line, which has a machine's paths.

  Args:
    versions: of a run.
  """
  return {k: v for k, v in versions.items() if k != 'command'}


def shown(record: Record) -> dict[str, np.ndarray] | None:
  """Returns truth, imagination and steps of an episode, if they were kept.

  Args:
    record: of which run.

  Raises:
    ValueError: the file cannot be read.
  """
  path = record.folder / FILES['shown']
  if not path.is_file():
    return None
  try:
    with np.load(path) as file:
      return {name: file[name] for name in ('truth', 'imagination', 'steps')}
  except (KeyError, OSError, ValueError, zipfile.BadZipFile) as error:
    raise _broken(path, error) from error


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


def _by_model(record: Record) -> Iterator[Record]:
  """Yields a record as it is, or one of each model that a benchmark ran."""
  if not record.speed:
    yield record
    return
  parts: dict[str, dict[str, Any]] = {}
  for row in record.speed.get('results', ()):
    if row.get('length') == _LENGTH:
      parts.setdefault(row['what'], {})[row['part']] = row
  for model, speed in parts.items():
    yield record._replace(model=model, speed=speed)


def _slim(path: Path) -> str:
  kept = ('step', 'loss', 'steps_per_second')
  slim = ({k: line[k] for k in kept if k in line} for line in _lines(path))
  return ''.join(json.dumps(line) + '\n' for line in slim)


def _training(path: Path) -> dict[str, float]:
  if not path.is_file():
    return {}
  lines = _lines(path)
  rates = [x['steps_per_second'] for x in lines if 'steps_per_second' in x]
  if not rates:
    return {}
  steps, rate = max(x['step'] for x in lines), float(np.median(rates))
  return {
    'steps': steps, 'steps_per_second': rate, 'minutes': steps / rate / 60
  }  # fmt: skip


def _json(path: Path) -> Mapping[str, Any]:
  return _parse(path, path.read_text()) if path.is_file() else {}


def _lines(path: Path) -> list[Mapping[str, Any]]:
  return [_parse(path, line) for line in path.read_text().splitlines()]


def _parse(path: Path, text: str) -> Mapping[str, Any]:
  try:
    found = json.loads(text, parse_constant=lambda _: None)  # NaN is none.
    if not isinstance(found, Mapping):
      raise ValueError(f'an object is needed, got {text[:20]}')
  except ValueError as error:
    raise _broken(path, error) from error
  return found


def _broken(path: Path, error: Exception) -> ValueError:
  return ValueError(
    f'report: {path} is broken ({error}); remove its folder and repeat the run'
  )
