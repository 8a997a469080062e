"""Laws of calling a backbone: defaults, and mistakes that are explained."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import members
from tests.members import BATCH, INPUT, inputs, params_of, small


@pytest.fixture(params=members.BACKBONES)
def name(request):
  return request.param


def test_bare_defaults(name):
  backbone = members.BACKBONES[name]()
  u = jax.ShapeDtypeStruct((2, 8, INPUT), jnp.float32)
  params = jax.eval_shape(backbone.init, jax.random.key(0), u)
  _, h = jax.eval_shape(
    lambda params, u: backbone.apply(params, None, u, None), params, u
  )
  assert h.shape[:2] == (2, 8)


@pytest.mark.parametrize('size', ['width', 'depth'])
def test_bad_sizes_name_their_parameter(name, size):
  with pytest.raises(ValueError, match=f'change {name}.{name}.{size}'):
    members.BACKBONES[name](**{size: 0})


def test_bad_shapes_are_explained(name):
  backbone, u, params = small(name), inputs(16), params_of(name)
  with pytest.raises(ValueError, match='carry must have batch 3'):
    backbone.apply(params, backbone.initial(2), u, None)
  with pytest.raises(ValueError, match='carry must be as initial'):
    backbone.apply(params, {'other': jnp.zeros((BATCH, 1))}, u, None)
  with pytest.raises(ValueError, match='is_first must be'):
    backbone.apply(params, None, u, jnp.zeros((BATCH, 15), bool))
  with pytest.raises(ValueError, match='u must not be empty'):
    backbone.apply(params, None, u[:, :0], None)
  with pytest.raises(ValueError, match='u must have 3 axes'):
    backbone.apply(params, None, u[0], None)
  with pytest.raises(ValueError, match='carry must have batch 3'):
    backbone.step(backbone.prepare(params), backbone.initial(2), u[:, 0], None)
  with pytest.raises(ValueError, match=r'begin with initial\(3\)'):
    backbone.step(backbone.prepare(params), None, u[:, 0], None)


def test_steps_that_are_not_there_are_explained(name):
  backbone, u, params = small(name), inputs(16), params_of(name)
  with pytest.raises(ValueError, match=r'steps must be in \[0, 16\)'):
    backbone.carries(params, None, u, None, np.full((BATCH, 2), 16))
  for wrong in np.zeros((2, 1), int), np.zeros((BATCH, 1)):
    with pytest.raises(ValueError, match=r'steps must be integers \[3, K\]'):
      backbone.carries(params, None, u, None, wrong)


def test_inputs_that_are_not_finite_are_explained(name):
  backbone, params = small(name), params_of(name)
  u = inputs(16).at[1, 7, 2].set(jnp.nan)
  with pytest.raises(ValueError, match=r'u must be finite; .* u\[1, 7\]'):
    backbone.apply(params, None, u, None)
  carry = jax.tree.map(lambda x: x * jnp.nan, backbone.initial(BATCH))
  with pytest.raises(ValueError, match='carry must be finite'):
    backbone.apply(params, carry, inputs(16), None)
  ready = backbone.prepare(params)
  with pytest.raises(ValueError, match=r'u must be finite; .* u\[1\]'):
    backbone.step(ready, backbone.initial(BATCH), u[:, 7], None)
  is_first = jnp.zeros((BATCH, 16), bool).at[:, 7].set(True)
  with pytest.raises(ValueError, match='u must be finite'):
    backbone.apply(params, None, u, is_first)
  _, h = backbone.apply(params, None, u, jnp.roll(is_first, 1, 1))
  assert np.isfinite(h[:, 8:]).all()


@pytest.mark.parametrize(
  ('name', 'parameter', 'value'),
  [
    ('s4', 'order', 7),
    ('s4', 'length', 0),
    ('s4', 'dt_min', -1.0),
    ('s4d', 'order', 7),
    ('s4d', 'dt_max', 0.0),
    ('s5', 'order', 7),
    ('s5', 'order', 24),
    ('s5', 'hippo_blocks', 0),
    ('transformer_xl', 'window', 0),
    ('transformer_xl', 'heads', 3),
  ],
)
def test_what_cannot_be_names_its_parameter(name, parameter, value):
  with pytest.raises(ValueError, match=f'{name}.{name}.{parameter}'):
    members.BACKBONES[name](**{parameter: value})
