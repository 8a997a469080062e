"""Laws of the house: what holds for every file, whatever it is about."""

import ast
import itertools
import pathlib
import re
import sys

import jax
import jaxtyping
import pytest

from wm.models import losses

_ROOT = pathlib.Path(__file__).parents[2]
_FOLDERS = (
  'datasets',
  'docs',
  'experiments',
  'tests',
  'third_party',
  'tools',
  'wm',
)
_DOCUMENTED = ('datasets/', 'experiments/', 'wm/')

# Bottom to top: a module imports its own layer and those before it.
_LAYERS = (
  'wm.types',
  'wm.sizes',
  'wm.config',
  'wm.ssm',
  'wm.data',
  'wm.nets',
  'wm.backbones',
  'wm.models',
  'wm.metrics',
  'wm.train',
  'wm.control',
)
_OURS = ('datasets', 'experiments', 'tests', 'third_party', 'wm')
_SSM = {'jax', 'jaxtyping', 'numpy', *sys.stdlib_module_names}

_WALK = (
  'experiments/launch.py',
  'experiments/configs/s4wm_fourrooms.gin',
  'experiments/train.py',
  'wm/models/world_model.py',
  'wm/backbones/s4.py',
  'wm/ssm/dplr.py',
)

_HOMELESS = {'common', 'helpers', 'misc', 'util', 'utils'}
_PRIVATE = {
  'a path of one machine': r'(?<![\w.\-/])/(?:home|root|tmp|Users|work|opt)/\w',
  'a host of packages': r'(?i)pypi\.|pythonhosted\.|anaconda\.|file:/{3}',
  'an option that names one': r'--(?:(?:extra-)?index-url|find-links)',
}


def _files():
  """Files of the repository, without what runs and tools leave behind."""
  top = (path for path in _ROOT.iterdir() if path.name != '.git')
  inside = (path for name in _FOLDERS for path in (_ROOT / name).rglob('*'))
  ci = (_ROOT / '.ci').glob('*')
  return sorted(
    path.relative_to(_ROOT)
    for path in itertools.chain(top, inside, ci)
    if path.is_file() and '__pycache__' not in path.parts
  )


def _each(*suffixes, folders=('',)):
  """Parametrises a law by the files of these suffixes, in these folders."""
  return pytest.mark.parametrize(
    'path',
    [
      pytest.param(path, id=str(path))
      for path in _files()
      if (not suffixes or path.suffix in suffixes)
      and str(path).startswith(folders)
    ],
  )


def _parse(path):
  return ast.parse((_ROOT / path).read_text(), filename=str(path))


def _module(path):
  """`wm/ssm/__init__.py` is `wm.ssm`, `wm/ssm/dplr.py` is `wm.ssm.dplr`."""
  parts = path.with_suffix('').parts
  return '.'.join(parts[:-1] if parts[-1] == '__init__' else parts)


def _imports(path):
  """Names that a file imports; `from a import b` gives `a.b`."""
  for node in ast.walk(_parse(path)):
    if isinstance(node, ast.Import):
      yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
      assert not node.level, f'{path}:{node.lineno}: import by the full name'
      yield from (f'{node.module}.{alias.name}' for alias in node.names)


def _within(name, package):
  return name == package or name.startswith(package + '.')


def _layer(name):
  found = (i for i, layer in enumerate(_LAYERS) if _within(name, layer))
  return next(found, None)


def _allowed(importer, name):
  """Whether a module may import one of ours."""
  top = importer.split('.')[0]
  if top == 'tests':
    return True
  if name.startswith('third_party'):
    return top in ('datasets', 'third_party') or (
      _within(importer, 'experiments.benchmarks')
      or _within(importer, 'experiments.learning')
    )
  if _within(name, 'wm.config'):
    return top == 'experiments'
  if top == 'experiments':
    return not name.startswith('tests')
  if top != 'wm':
    return _within(name, top)
  layer = _layer(name)
  return layer is not None and layer <= (_layer(importer) or 0)


@_each('.py', '.gin')
def test_a_file_is_under_300_lines(path):
  lines = len((_ROOT / path).read_text().splitlines())
  assert lines < 300, f'{path} has {lines} lines: it holds more than one idea'


@_each('.py')
def test_imports_point_downward(path):
  importer = _module(path)
  wrong = [
    name
    for name in _imports(path)
    if name.split('.')[0] in _OURS and not _allowed(importer, name)
  ]
  assert not wrong, f'{importer} may not import {wrong}: see CONTRIBUTING.md'


@_each('.py', folders=('wm/ssm/',))
def test_state_space_mathematics_needs_jax_alone(path):
  wrong = [
    name
    for name in _imports(path)
    if name.split('.')[0] not in _SSM and not _within(name, 'wm.ssm')
  ]
  assert not wrong, f'{path} imports {wrong}; wm.ssm is mathematics in jax'


@_each('.py')
def test_gin_is_imported_in_one_module(path):
  names = [name for name in _imports(path) if _within(name, 'gin')]
  assert not names or str(path) == 'wm/config.py', (
    f'{path} imports gin; wm/config.py is the one module that does'
  )


@_each('.gin')
def test_a_gin_file_registers_dynamically(path):
  statements = [
    line
    for line in (_ROOT / path).read_text().splitlines()
    if line.strip() and not line.startswith('#')
  ]
  first = 'from __gin__ import dynamic_registration'
  assert statements[:1] == [first], f'{path} must start with `{first}`'


@_each('.py')
def test_a_file_has_a_name_of_its_own(path):
  assert path.stem not in _HOMELESS, (
    f'{path}: a function without a home is a missing idea; name it'
  )


@_each('.py', folders=_DOCUMENTED)
def test_what_is_public_is_documented(path):
  tree = _parse(path)
  kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
  public = [
    node
    for node in tree.body
    if isinstance(node, kinds) and not node.name.startswith('_')
  ]
  bare = [node.name for node in public if not ast.get_docstring(node)]
  assert ast.get_docstring(tree), f'{path} has no docstring'
  assert not bare, f'{path}: no docstring in {bare}'


@_each()
def test_a_file_speaks_of_the_project_alone(path):
  try:
    text = (_ROOT / path).read_text()
  except UnicodeDecodeError:
    pytest.skip('not text')
  for what, pattern in _PRIVATE.items():
    found = re.search(pattern, text)
    assert not found, f'{path} names {what}: {found.group()!r}'


def test_the_readme_walks_from_the_command_to_the_equation():
  missing = [path for path in _WALK if not (_ROOT / path).is_file()]
  assert not missing, f'the walk leads through missing files: {missing}'
  text = (_ROOT / 'README.md').read_text()
  at = 0
  for path in _WALK:
    found = text.find(f'`{path}`', at)
    assert found >= 0, f'README.md does not name `{path}` next on its walk'
    at = found


def test_shapes_are_checked_while_tests_run():
  frames = jax.ShapeDtypeStruct((2, 3, 4, 4, 3), 'float32')
  image = jax.ShapeDtypeStruct((2, 3, 4, 5, 3), 'uint8')
  with pytest.raises(jaxtyping.TypeCheckError):
    jax.eval_shape(losses.image_error, frames, image)
