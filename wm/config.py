"""Gin at the edge: the only module that imports it.

Library code is plain constructors. A gin file imports like Python and says
which constructor is called with what.
"""

import contextlib
import difflib
import importlib.util  # gin-config needs it and does not import it.
import logging
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import gin

CONFIGS = Path(__file__).parents[1] / 'experiments' / 'configs'
_HEADER = 'from __gin__ import dynamic_registration\n'
_PACKAGES = (
  'wm.ssm',
  'wm.nets',
  'wm.backbones',
  'wm.models',
  'wm.data',
  'wm.train',
  'wm.metrics',
)
_COMMANDS = ('launch', 'report')
"""Modules of `experiments` that are commands of their own."""
_MACRO = re.compile(r'^([A-Z][A-Z0-9_]*) =', re.MULTILINE)


def program(build: Callable[[Path], None]) -> Callable[[Path], None]:
  """Returns the program that gin binds, built."""
  return build


def resolve(name: str) -> Path:
  """Returns the gin file of a name: a path, or a name in `CONFIGS`.

  Raises:
    ValueError: If there is none.
  """
  for path in (Path(name), CONFIGS / name):
    if path.is_file():
      return path.absolute()
  known = [str(p.relative_to(CONFIGS)) for p in sorted(CONFIGS.rglob('*.gin'))]
  raise ValueError(
    f'--gin_file: no file {name!r}, neither here nor in experiments/configs'
    f'{_hint(name, known)}'
  )


def programs() -> list[str]:
  """Returns the modules of `experiments` that hold a program of their name."""
  return [
    file.stem
    for file in sorted(CONFIGS.parent.glob('*.py'))
    if f'\ndef {file.stem}(' in file.read_text()
    and file.stem not in _COMMANDS
  ]


def parse(
  files: Sequence[str], bindings: Sequence[str], name: str
) -> Callable[[Path], None]:
  """Returns a program, built as gin files and bindings say.

  Args:
    files: Paths, or names in `experiments/configs`; later ones win.
    bindings: Lines such as `STEPS = 10` or `s4.s4.order = 32`, after the files.
    name: A module of `experiments` with a constructor of that name.

  Returns:
    The program, `(workdir) -> None`.

  Raises:
    ValueError: If a file, macro or parameter does not exist, or if a
      constructor refuses its arguments.
  """
  gin.clear_config()
  gin.add_config_file_search_path(str(CONFIGS))
  paths = [resolve(name) for name in files]
  lines = [
    _imports(),
    'from wm import config',
    f'config.program.build = @{name}.{name}()',
    *bindings,
  ]
  try:
    with _without_search_log():
      for path in paths:
        gin.parse_config_file(str(path))
    gin.parse_config(_HEADER + '\n'.join(lines))
    _check_macros()
    gin.finalize()
    return gin.get_configurable(program)()
  except Exception as error:
    raise ValueError(_explanation(error)) from error


def operative() -> str:
  """Returns the configuration in use, defaults included; it parses back.

  What the program is called with does not belong to it, so that any program
  can go on from it.
  """
  text = gin.operative_config_str(max_line_length=78)
  return re.sub(
    r'# Parameters for config\.program:\n# =+\nconfig.*\n*', '', text
  )


def declared_macros() -> list[str]:
  """Returns the macros of `base.gin`, the numbers that experiments share."""
  return _MACRO.findall((CONFIGS / 'base.gin').read_text())


@contextlib.contextmanager
def _without_search_log() -> Iterator[None]:
  """Gin logs an error for every folder in which an include is not found."""
  root = logging.getLogger()
  root.addFilter(_is_news)
  try:
    yield
  finally:
    root.removeFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
  return not str(record.msg).startswith('Path not found')


def _check_macros() -> None:
  text = gin.config_str()
  declared = declared_macros()
  for macro in _MACRO.findall(text):
    if macro not in declared and f'%{macro}' not in text:
      raise ValueError(
        f'gin: nothing uses the macro {macro}'
        f'{_hint(macro, declared)}; the macros stand in base.gin'
      )


def _imports() -> str:
  lines = [
    f'from datasets import {name}' for name in ('catalogue', 'episodes', 'npz')
  ]
  for package in (*_PACKAGES, 'experiments.benchmarks'):
    folder = importlib.util.find_spec(package).submodule_search_locations
    modules = sorted(m.name for m in pkgutil.iter_modules(folder))
    lines += [f'from {package} import {module}' for module in modules]
  lines += [  # Others of these packages load what few programs need.
    'from wm.control import actions',
    'from experiments.figures import frames',
    'from experiments.figures import trajectories',
    'from experiments import learning',
  ]
  # Last, for where two modules have one name the program is meant.
  lines += [f'from experiments import {name}' for name in programs()]
  return '\n'.join(lines)


def _explanation(error: Exception) -> str:
  """Gin adds a line for each constructor that was being called."""
  text, *calls = str(error).split('\n  In ')
  where = re.search(r"configurable '(\w+)'", calls[0]) if calls else None
  return text.strip() + (f' (in {where[1]})' if where else '')


def _hint(name: str, known: Sequence[str]) -> str:
  close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
  return f'; did you mean {" or ".join(close)}?' if close else ''
