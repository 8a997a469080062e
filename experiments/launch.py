"""The launcher: gin files in, a run folder out.

    python -m experiments.launch --gin_file=s4wm_fourrooms.gin \
      --gin_file=laptop.gin

Names of gin files resolve in `experiments/configs`; later files win. With the
folder of an earlier run as `--workdir` and no `--gin_file`, the run's own
configuration is used. Repeating a command resumes it.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from absl import app, flags, logging

_GIN_FILE = flags.DEFINE_multi_string(
  'gin_file', [], 'Gin file, a path or a name in experiments/configs.'
)
_GIN_BINDINGS = flags.DEFINE_multi_string(
  'gin_bindings', [], 'A binding after the files, such as "STEPS = 1000".'
)
_WORKDIR = flags.DEFINE_string(
  'workdir', None, "Run folder; by default runs/<first gin file's name>."
)
_DISTRIBUTED = flags.DEFINE_bool(
  'distributed', False, 'Join the other processes of a cluster that JAX knows.'
)
_COORDINATOR = flags.DEFINE_string(
  'coordinator', None, 'host:port of the first process, elsewhere.'
)
_PROCESSES = flags.DEFINE_integer('processes', None, 'How many there are.')
_PROCESS_ID = flags.DEFINE_integer('process_id', None, 'Which this is, from 0.')
_PROGRAM = flags.DEFINE_string(
  'program', 'train', 'What to run: a module of experiments, such as evaluate.'
)


def launch(
  files: Sequence[str],
  bindings: Sequence[str],
  workdir: str | None,
  program: str,
) -> None:
  """Runs a program of this folder in a run folder.

  Args:
    files: Gin files; none means the configuration of the run in `workdir`.
    bindings: Lines of gin after the files.
    workdir: The run folder; None derives it from the first file.
    program: The module's and constructor's name.

  Raises:
    ValueError: If one of these is wrong.
  """
  from wm import config  # Flags are checked before JAX is loaded.

  if program not in config.programs():
    raise ValueError(
      f'--program: no program {program!r}; there are {config.programs()}'
    )
  if not files:
    # A run's own says nothing of programs that it has not run.
    files = ['base.gin', _config_of(workdir)]
  folder = Path(workdir or Path('runs') / Path(files[0]).stem)
  run = config.parse(files, bindings, program)
  _make(folder)
  run(folder)


def _config_of(workdir: str | None) -> str:
  path = Path(workdir or '') / 'config.gin'
  if workdir is None or not path.is_file():
    raise ValueError(
      f'--workdir: {workdir!r} holds no run; name a --gin_file, such as '
      's4wm_fourrooms.gin, or the folder of an earlier run'
    )
  return str(path)


def _make(folder: Path) -> None:
  try:
    folder.mkdir(parents=True, exist_ok=True)
    writable = os.access(folder, os.W_OK | os.X_OK)
  except OSError as error:
    raise ValueError(f'--workdir: cannot make {folder}: {error}') from error
  if not writable:
    raise ValueError(f'--workdir: {folder} cannot be written to')


def main(argv: Sequence[str]) -> None:
  """Runs the command line; a mistake in it ends in one message."""
  if len(argv) > 1:
    raise app.UsageError(f'not a flag: {" ".join(argv[1:])}')
  if not flags.FLAGS['verbosity'].present:
    logging.set_verbosity(logging.WARNING)
  try:
    from experiments import machine  # It loads JAX.

    machine.prepare()
    others = _COORDINATOR.value, _PROCESSES.value, _PROCESS_ID.value
    if _DISTRIBUTED.value or others != (None, None, None):
      machine.join(*others)
    launch(
      _GIN_FILE.value, _GIN_BINDINGS.value, _WORKDIR.value, _PROGRAM.value
    )
  except (ValueError, FloatingPointError) as error:
    logging.info('traceback', exc_info=True)
    print(f'error: {error}', file=sys.stderr)
    sys.exit(2)
  except KeyboardInterrupt:
    print('interrupted', file=sys.stderr)
    sys.exit(130)


if __name__ == '__main__':
  app.run(main)
