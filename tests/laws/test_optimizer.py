"""Laws of the optimiser: which group moves how far, and when."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wm.train import optimizer

RATE, SSM_RATE, DECAY = 0.04, 0.01, 0.5
DYNAMICS = 'Lambda_re', 'Lambda_im', 'P', 'B', 'log_dt'
MATRICES = 'C', 'kernel'
VECTORS = 'D', 'bias'


def params():
  """Returns parameters whose numbers are far from zero."""
  shapes = dict.fromkeys((*DYNAMICS, *VECTORS), (3,))
  shapes |= dict.fromkeys((*MATRICES, 'P', 'B'), (3, 2))
  draw = np.random.default_rng(0)
  drawn = {k: draw.uniform(1, 2, shape) for k, shape in shapes.items()}
  names = *DYNAMICS, 'C', 'D'
  return {
    'backbone': {'mix_0': {'ssm': {k: jnp.float32(drawn[k]) for k in names}}},
    'prior': {k: jnp.float32(drawn[k]) for k in ('kernel', 'bias')},
  }


def updates(grads, **options):
  """Returns the updates of gradients `[T, ...]` that come one after another."""
  options = {'weight_decay': 0.0, 'warmup': 0, 'steps': 8, **options}
  update = optimizer.adamw(RATE, SSM_RATE, **options)

  @jax.jit
  def all_of_them(params, grads):
    def one(state, grad):
      changes, state = update.update(grad, state, params)
      return state, changes

    return jax.lax.scan(one, update.init(params), grads)[1]

  return flat(all_of_them(params(), grads))


def flat(tree):
  return {
    path[-1].key: np.asarray(x)
    for path, x in jax.tree_util.tree_leaves_with_path(tree)
  }


def each(numbers):
  """Returns gradients `[T, ...]`, a number at a time everywhere."""
  return jax.tree.map(
    lambda x: jnp.stack([jnp.full_like(x, n) for n in numbers]), params()
  )


def rate_of(name):
  return SSM_RATE if name in DYNAMICS else RATE


def test_without_gradients_matrices_shrink_and_nothing_else_moves():
  changes = updates(each([0]), weight_decay=DECAY)
  for name, x in flat(params()).items():
    shrinks = -RATE * DECAY * x if name in MATRICES else 0 * x
    np.testing.assert_allclose(changes[name][0], shrinks, rtol=1e-5)


@pytest.mark.parametrize('gradient', [0.1, -3.0])
def test_the_first_step_is_as_long_as_the_rate_of_the_group(gradient):
  for name, change in updates(each([gradient])).items():
    want = -np.sign(gradient) * rate_of(name)
    np.testing.assert_allclose(change, want, rtol=1e-4)


def test_rates_rise_from_zero_and_fall_along_a_cosine():
  """Under a constant gradient an update of Adam is as long as the rate."""
  warmup, steps, final = 4, 12, 0.2
  changes = updates(
    each([1.0] * (steps + 3)), warmup=warmup, steps=steps, final=final
  )
  want = {0: 0, 1: 1 / 4, 3: 3 / 4, 4: 1, 12: final, 14: final}
  want |= {8: (1 + final) / 2, 6: final + (1 - final) * (1 + 0.5**0.5) / 2}
  for name, change in changes.items():
    for step, share in want.items():
      np.testing.assert_allclose(
        change[step], -share * rate_of(name), rtol=1e-4, err_msg=f'{step}'
      )


def directed(norms):
  """Returns gradients `[T, ...]` of these norms, each its own way."""
  draw = np.random.default_rng(1)
  steps = []
  for norm in norms:
    grad = jax.tree.map(lambda x: draw.normal(size=x.shape), params())
    length = np.sqrt(sum((x**2).sum() for x in jax.tree.leaves(grad)))
    steps.append(jax.tree.map(lambda x, s=norm / length: s * x, grad))
  return jax.tree.map(lambda *x: np.float32(np.stack(x)), *steps)


def test_a_gradient_is_clipped_to_a_norm_of_all_groups():
  """Adam hides one rescaling, not that of one gradient among others."""
  clip, never = 0.5, 1e9
  clipped = updates(directed([1e3, 0.3, 2.0]), clip=clip)
  before = updates(directed([clip, 0.3, clip]), clip=never)
  huge = updates(directed([1e3, 0.3, 2.0]), clip=never)
  for name, change in clipped.items():
    np.testing.assert_allclose(change, before[name], rtol=1e-3, atol=1e-6)
    assert np.abs(change[1] - huge[name][1]).max() > 0.1 * rate_of(name)
