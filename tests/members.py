"""The members of each kind, found in the folders."""

import importlib
import inspect
import pkgutil


def backbones():
  """Returns `(name, Backbone)` of every backbone, at a small size."""
  return [(name, small(build)) for name, build in constructors('wm.backbones')]


def small(build):
  """Returns a backbone of few parameters and short kernels."""
  accepted = inspect.signature(build).parameters
  return build(**{k: v for k, v in _SMALL.items() if k in accepted})


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


WIDTH = 8
_SMALL = {'width': WIDTH, 'depth': 2, 'order': 8, 'length': 16}
