"""The members of each kind, found in the folders."""

import functools
import importlib
import inspect
import pathlib
import pkgutil
import re
import types

import jax

from wm.models import latents, losses, observe, scoring
from wm.models import world_model as world_models
from wm.nets import heads, images, vectors


def backbones():
  """Returns `(name, Backbone)` of every backbone, at a small size."""
  return [(name, small(name)) for name in BACKBONES]


@functools.cache
def small(name):
  """Returns a backbone of few parameters and short kernels."""
  build = BACKBONES[name]
  accepted = inspect.signature(build).parameters
  return build(**{k: v for k, v in _SMALL.items() if k in accepted})


@functools.cache
def params_of(name):
  """Returns the parameters of a small backbone."""
  return jax.jit(small(name).init)(jax.random.key(0), inputs(16))


def inputs(length, seed=1):
  """Returns u, `[BATCH, length, INPUT]`."""
  return jax.random.normal(jax.random.key(seed), (BATCH, length, INPUT))


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


BATCH, INPUT, WIDTH = 3, 5, 8
_SMALL = {
  'width': WIDTH,
  'depth': 2,
  'order': 8,
  'length': 16,
  'heads': 2,
  'hippo_blocks': 2,
  'window': 8,
}


def documented(name):
  """Returns the constructor of the example in docs/backbones.md."""
  text = (pathlib.Path(__file__).parents[1] / 'docs/backbones.md').read_text()
  (source,) = re.findall(r'```python\n(""".*?)```', text, re.DOTALL)
  module = types.ModuleType(name)
  exec(compile(source, f'{name}.py', 'exec'), vars(module))
  return getattr(module, name)


BACKBONES = {
  **dict(constructors('wm.backbones')),
  'leaky': documented('leaky'),
}

ACTIONS = 3


@functools.cache
def world_model(name):
  """Returns a world model of few parameters, of frames of 16x16 or states."""
  backbone, observer, seen = WORLD_MODELS[name]
  return world_models.world_model(
    num_actions=ACTIONS,
    backbone=small(backbone),
    observe=observer(),
    heads={'reward': heads.bernoulli(), 'score': heads.two_hot(0.1, bins=9)},
    units=16,
    **seen,
  )


STATE = 4
_FRAMES = {
  'image_shape': (16, 16, 3),
  'latent': latents.categorical(4, 4),
  'encoder': functools.partial(images.patch_encoder, depth=8),
  'decoder': functools.partial(images.patch_decoder, depth=8),
}
_STATES = {
  'image_shape': (STATE,),
  'latent': latents.gaussian(4),
  'encoder': functools.partial(vectors.encoder, width=16, depth=1),
  'decoder': functools.partial(vectors.decoder, width=16, depth=1),
  'score': functools.partial(scoring.every_frame, error=losses.state_error),
  'observation': 'state',
}
WORLD_MODELS = {
  **{name: (name, observe.parallel, _FRAMES) for name in BACKBONES},
  'rssm': ('gru', observe.recurrent, _FRAMES),
  'states': ('s5', observe.parallel, _STATES),
  'rssm_states': ('gru', observe.recurrent, _STATES),
}
