"""Laws of memory and precision: cheaper ways to the same update."""

import functools

import jax
import jax.extend
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests import members
from wm.backbones import s4, s4d, s5, stack
from wm.models import latents, world_model
from wm.nets import images
from wm.ssm import discretize
from wm.train import learner, optimizer, precision

ROWS, LENGTH = 4, 8


@functools.cache
def model(blockwise=stack.kept):
  """Returns a small S5WM."""
  return world_model.world_model(
    (8, 8, 3),
    3,
    s5.s5(16, 1, 8, hippo_blocks=2, blockwise=blockwise),
    latents.categorical(4, 4),
    lambda shape: images.patch_encoder(shape, depth=8),
    lambda shape: images.patch_decoder(shape, depth=8),
    units=16,
  )


@functools.cache
def batch():
  """Returns rows of random frames."""
  draw = np.random.default_rng(0)
  return {
    'image': draw.integers(255, size=(ROWS, LENGTH, 8, 8, 3), dtype=np.uint8),
    'prev_action': draw.normal(size=(ROWS, LENGTH, 3)).astype(np.float32),
    'mask': np.ones((ROWS, LENGTH), np.float32),
  }


def gradient(world, **options):
  """Returns loss and gradient of one update."""
  learn = learner.whole_sequences(world, optax.trace(0.0), **options)
  state = jax.jit(learn.init)(jax.random.key(0), batch())
  after, found = jax.jit(learn.update)(state, batch())
  return found['loss'], after.opt_state.trace


@functools.cache
def plain():
  return gradient(model())


def apart(one, other):
  """Returns how far trees are apart, as a share of the length of the first."""
  difference = jax.tree.map(jnp.subtract, one, other)
  return float(optax.tree.norm(difference) / optax.tree.norm(one))


def test_recomputing_blocks_changes_nothing():
  loss, grads = gradient(model(stack.recomputed()))
  assert float(loss) == pytest.approx(float(plain()[0]), rel=1e-6)
  assert apart(plain()[1], grads) < 1e-6


def test_bfloat16_is_near_and_learns_in_float32():
  loss, grads = gradient(model(), compute=precision.bfloat16)
  assert float(loss) == pytest.approx(float(plain()[0]), rel=0.01)
  assert 1e-4 < apart(plain()[1], grads) < 0.1
  assert {x.dtype for x in jax.tree.leaves(grads)} == {np.dtype('float32')}


def test_bfloat16_leaves_dynamics_and_norms_wide():
  params = jax.eval_shape(
    lambda: precision.bfloat16(
      model().init(jax.random.key(0), jax.tree.map(jnp.asarray, batch()))
    )
  )
  block = params['backbone']['block_0']['mix_0']
  assert {x.dtype for x in block['ssm'].values()} == {np.dtype('float32')}
  assert block['norm']['scale'].dtype == np.float32
  assert block['linear']['kernel'].dtype == jnp.bfloat16
  assert {x.dtype for x in jax.tree.leaves(params['decoder'])} == {
    np.dtype(jnp.bfloat16)
  }


def test_accumulated_batches_are_one_large_batch():
  """With plain rates: what is averaged, and when rates change."""
  params = {'w': jnp.ones((2, 2))}
  grads = [{'w': jnp.full((2, 2), x)} for x in (1.0, -0.5, 0.25, 2.0)]
  options = {'warmup': 4, 'steps': 40, 'learning_rate': 0.1}
  one = optimizer.adamw(**options)
  several = optimizer.adamw(**options, accumulate=2)
  state = several.init(params)
  after = []
  for grad in grads:
    updates, state = several.update(grad, state, params)
    after.append(updates['w'][0, 0])
  assert after[0] == after[2] == 0
  means = [
    jax.tree.map(lambda a, b: (a + b) / 2, *pair)
    for pair in (grads[:2], grads[2:])
  ]
  state = one.init(params)
  _, state = one.update(means[0], state, params)
  expected, _ = one.update(means[1], state, params)
  assert float(after[3]) == pytest.approx(2 * float(expected['w'][0, 0]))
  with pytest.raises(ValueError, match='accumulate'):
    optimizer.adamw(accumulate=0)


def test_members_keep_what_they_return_in_float32():
  """The small backbones of all laws, with parameters cast where they may be."""
  for name in members.BACKBONES:
    params = precision.bfloat16({'backbone': members.params_of(name)})
    carry, h = jax.eval_shape(
      lambda p, name=name: members.small(name).apply(
        p['backbone'], None, members.inputs(16), None
      ),
      params,
    )
    kinds = {x.dtype for x in jax.tree.leaves((carry, h))}
    assert np.dtype(jnp.bfloat16) not in kinds, name


LAYERS = {
  's4': lambda: s4.layer(4, 8, 8, 1e-3, 1e-1),
  's4d': lambda: s4d.layer(
    4, np.array([-0.5, -0.5 + 3j]), discretize.zoh, 1e-3, 1e-1
  ),
}


def products(jaxpr):
  """Yields the precision of all matrix products in a jaxpr."""
  for equation in jaxpr.eqns:
    if equation.primitive.name == 'dot_general':
      yield equation.params['precision']
    for inner in jax.extend.core.jaxprs_in_params(equation.params):
      yield from products(inner)


@pytest.mark.parametrize('name', LAYERS)
def test_products_of_dynamics_are_in_float32_on_all_hardware(name):
  layer = LAYERS[name]()
  u, steps = jnp.zeros((1, 8, 4)), jnp.array([[3]])
  params = layer.init(jax.random.key(0), u)

  def total(params, carry):
    views = (
      layer.apply(params, carry, u, None),
      layer.carries(params, carry, u, None, steps),
      layer.step(layer.prepare(params), carry, u[:, 0], None),
    )
    return sum(jnp.abs(x).sum() for x in jax.tree.leaves(views))

  gradient = jax.make_jaxpr(jax.grad(total))(params, layer.initial(1))
  found = list(products(gradient.jaxpr))
  assert len(found) > 5
  assert set(found) == {(jax.lax.Precision.HIGHEST,) * 2}
