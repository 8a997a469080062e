"""Whose run folder it is: its configuration, versions and git revision."""

import datetime
import difflib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import jax

_PACKAGES = (
  'array-record',
  'brax',
  'flax',
  'gin-config',
  'grain',
  'jax',
  'jaxlib',
  'numpy',
  'optax',
  'orbax-checkpoint',
  'tensorflow-datasets',
)

_IMPORT = re.compile(r'(from|import) ')


def claim(workdir: Path, configuration: str) -> None:
  """Writes `config.gin` and `versions.json`, or finds its own there.

  Versions are those that began the run.

  Args:
    workdir: The run folder.
    configuration: The operative configuration.

  Raises:
    ValueError: If the folder belongs to another configuration.
  """
  path, made_by = workdir / 'config.gin', workdir / 'versions.json'
  if path.exists():
    _check_same(path, configuration)
  else:
    write_whole(path, configuration)
  if not made_by.exists():
    write_whole(made_by, json.dumps(versions(), indent=2))


def versions() -> dict[str, object]:
  """Returns what ran: packages, Python, machine, devices and git revision."""
  return {
    'packages': {p: importlib.metadata.version(p) for p in _PACKAGES},
    'python': platform.python_version(),
    'machine': platform.platform(),
    'cpus': os.cpu_count(),
    'devices': [device.device_kind for device in jax.devices()],
    'date': datetime.datetime.now(datetime.UTC).date().isoformat(),
    'git_revision': _git('rev-parse', 'HEAD'),
    'git_changes': _git('status', '--porcelain', '--untracked-files=no'),
    'command': sys.argv,
  }


def write_whole(path: Path, text: str) -> None:
  """Writes a file such that nobody reads half of it."""
  partial = path.with_name(path.name + '.tmp')
  partial.write_text(text)
  os.replace(partial, path)


def _check_same(path: Path, configuration: str) -> None:
  """Raises a ValueError where more differs than which modules there are."""
  before, now = (
    [line for line in text.splitlines() if not _IMPORT.match(line)]
    for text in (path.read_text(), configuration)
  )
  if before == now:
    return
  changed = [
    line
    for line in difflib.unified_diff(before, now, lineterm='', n=0)
    if line[:1] in '+-' and line[:3] not in ('+++', '---')
  ]
  raise ValueError(
    f'--workdir: {path.parent} belongs to another configuration; choose '
    'another --workdir, or repeat the command that made it. What differs '
    '(- its own, + given now):\n  ' + '\n  '.join(changed[:20])
  )


def _git(*arguments: str) -> str | None:
  try:
    return subprocess.run(
      ['git', *arguments],
      cwd=Path(__file__).parent,
      capture_output=True,
      text=True,
      check=True,
    ).stdout.strip()
  except (OSError, subprocess.CalledProcessError):
    return None
