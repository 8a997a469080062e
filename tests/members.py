"""The members of each kind, found in the folders."""

import functools
import importlib
import pkgutil


def backbones():
  """Returns `(name, () -> Backbone)` of every backbone, at a small size."""
  return [
    (name, functools.partial(build, width=8, depth=2, **_SMALL.get(name, {})))
    for name, build in constructors('wm.backbones')
  ]


def metrics():
  """Returns `(name, constructor)` of every metric."""
  return constructors('wm.metrics')


def constructors(package):
  """Returns `(name, function)` of modules with a function of their name."""
  folder = importlib.import_module(package).__path__
  found = []
  for name in sorted(m.name for m in pkgutil.iter_modules(folder)):
    module = importlib.import_module(f'{package}.{name}')
    if hasattr(module, name):
      found.append((name, getattr(module, name)))
  return found


_SMALL = {'s4': {'order': 8, 'length': 8}}
