"""Laws of every world model: one for each backbone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from tests import members
from wm.models import latents, world_model
from wm.nets import heads, images, vectors

BATCH, LENGTH, ACTIONS = 2, 8, members.ACTIONS


@pytest.fixture(scope='module')
def batch():
  draw = np.random.default_rng(0)
  actions = draw.integers(ACTIONS, size=(BATCH, LENGTH))
  return {
    'image': draw.integers(
      256, size=(BATCH, LENGTH, 16, 16, 3), dtype=np.uint8
    ),
    'state': draw.normal(
      size=(BATCH, LENGTH, members.STATE)
    ).astype(np.float32),
    'prev_action': np.eye(ACTIONS, dtype=np.float32)[actions],
    'mask': np.ones((BATCH, LENGTH), np.float32),
    'reward': draw.integers(2, size=(BATCH, LENGTH)).astype(np.float32),
    'score': draw.normal(size=(BATCH, LENGTH)).astype(np.float32),
  }


@pytest.fixture(scope='module', params=members.WORLD_MODELS)
def model(request):
  return members.world_model(request.param)


@pytest.fixture(scope='module')
def observe(model):
  return jax.jit(model.observe)


@pytest.fixture(scope='module')
def params(model, batch):
  return jax.jit(model.init)(jax.random.key(0), batch)


def part(batch, start, stop):
  return {name: x[:, start:stop] for name, x in batch.items()}


def close(a, b):
  jax.tree.map(
    lambda x, y: np.testing.assert_allclose(x, y, rtol=2e-4, atol=2e-4), a, b
  )


def test_acting_sees_what_training_saw(model, observe, params, batch):
  key = jax.random.key(1)
  _, whole = observe(params, key, None, batch)
  state, steps = model.initial(BATCH), []
  for t in range(LENGTH):
    state, one = observe(params, key, state, part(batch, t, t + 1))
    steps.append(one)
  joined = jax.tree.map(lambda *x: jnp.concatenate(x, axis=1), *steps)
  close(whole, joined)


def test_observing_in_parts_is_observing_at_once(
  model, observe, params, batch
):
  key = jax.random.key(1)
  end, whole = observe(params, key, None, batch)
  state, first = observe(params, key, None, part(batch, 0, 5))
  state, second = observe(params, key, state, part(batch, 5, LENGTH))
  joined = jax.tree.map(
    lambda *x: jnp.concatenate(x, axis=1), first, second
  )
  close(whole, joined)
  close(end, state)


def test_seeing_step_by_step_is_observing(model, observe, params, batch):
  key = jax.random.key(1)
  is_first = np.zeros((BATCH, LENGTH), bool)
  is_first[:, 3] = True
  rows = {name: batch[name] for name in ('image', 'state', 'prev_action')}
  rows['is_first'] = is_first
  end, whole = observe(params, key, model.initial(BATCH), rows)
  ready, see = jax.jit(model.prepare)(params), jax.jit(model.see)
  state = model.initial(BATCH)
  for t in range(LENGTH):
    row = {name: x[:, t] for name, x in rows.items()}
    state, one = see(ready, key, state, row)
    close(jax.tree.map(lambda x, t=t: x[:, t], whole), one)
  close(end, state)


def test_imagining_is_a_scan_of_step(model, observe, params, batch):
  key = jax.random.key(2)
  state, _ = observe(params, key, None, batch)
  end, dreamt = jax.jit(model.imagine)(
    params, key, state, batch['prev_action']
  )
  ready, step = jax.jit(model.prepare)(params), jax.jit(model.step)
  for t in range(LENGTH):
    state, one = step(ready, key, state, batch['prev_action'][:, t])
    close(jax.tree.map(lambda x, t=t: x[:, t], dreamt), one)
  close(end, state)


# Twice the same, out of order, the first and the last.
STEPS = np.array([[0, 6, 3, 6], [7, 2, 1, 5]])


def test_imagination_starts_at_any_step(model, observe, params, batch):
  key, rows = jax.random.key(1), BATCH * STEPS.shape[1]
  starts, rollout = observe(params, key, None, batch, STEPS)
  end, whole = observe(params, key, None, batch)
  close(rollout, whole)
  assert starts.t == end.t
  state = model.initial(BATCH)
  for t in range(LENGTH):
    state, _ = observe(params, key, state, part(batch, t, t + 1))
    for row, k in zip(*np.nonzero(t == STEPS), strict=True):
      here = row * STEPS.shape[1] + k
      got = jax.tree.map(lambda x, i=here: x[i], (starts.carry, starts.z))
      close(got, jax.tree.map(lambda x, i=row: x[i], (state.carry, state.z)))
  actions = np.repeat(batch['prev_action'][:, :3], STEPS.shape[1], 0)
  _, dreamt = jax.jit(model.imagine)(params, key, starts, actions)
  assert dreamt.h.shape[:2] == (rows, 3)


def test_actions_of_another_width_are_explained(model, params, batch):
  wide = {**batch, 'prev_action': np.zeros((BATCH, LENGTH, ACTIONS + 1))}
  key, state = jax.random.key(1), model.initial(BATCH)
  with pytest.raises(ValueError, match='actions must have width 3.*got 4'):
    jax.eval_shape(model.observe, params, key, None, wide)
  with pytest.raises(ValueError, match='actions must have width 3.*got 4'):
    jax.eval_shape(model.imagine, params, key, state, wide['prev_action'])


def test_calls_that_do_not_fit_together_are_explained(model, params, batch):
  key, state = jax.random.key(1), model.initial(BATCH + 1)
  actions = batch['prev_action']
  with pytest.raises(ValueError, match='observe: carry must have batch 2'):
    jax.eval_shape(model.observe, params, key, state, batch)
  with pytest.raises(ValueError, match='imagine: carry must have batch 2'):
    jax.eval_shape(model.imagine, params, key, state, actions)
  with pytest.raises(ValueError, match='step: carry must have batch 2'):
    jax.eval_shape(model.step, params, key, state, actions[:, 0])
  with pytest.raises(ValueError, match=r'observe: steps must be in \[0, 8\)'):
    model.observe(params, key, None, batch, np.full((BATCH, 1), LENGTH))
  spoilt = {**batch, 'prev_action': actions * np.nan}
  with pytest.raises(ValueError, match='observe: prev_action must be finite'):
    model.observe(params, key, None, spoilt)


def test_a_first_step_forgets_what_came_before(model, observe, params, batch):
  key, cut = jax.random.key(1), 3
  is_first = np.zeros((BATCH, LENGTH), bool)
  is_first[:, cut] = True
  actions = np.where(is_first[..., None], 0, batch['prev_action'])
  rows = {**batch, 'prev_action': actions, 'is_first': is_first}
  _, whole = observe(params, key, model.initial(BATCH), rows)
  fresh = model.initial(BATCH)._replace(t=jnp.asarray(cut, jnp.int32))
  _, rest = observe(params, key, fresh, part(rows, cut, LENGTH))
  close(jax.tree.map(lambda x: x[:, cut:], whole), rest)


def test_every_parameter_gets_a_gradient(model, params, batch):
  gradient = jax.jit(
    jax.grad(lambda p: model.loss(p, key, None, batch)[0])
  )
  key = jax.random.key(3)
  for path, g in jax.tree_util.tree_leaves_with_path(gradient(params)):
    assert np.isfinite(g).all(), jax.tree_util.keystr(path)
    assert np.abs(g).max() > 0, jax.tree_util.keystr(path)


def test_the_loss_ignores_masked_steps(model, params, batch):
  loss = jax.jit(model.loss)
  mask = batch['mask'].copy()
  mask[:, 0] = 0
  _, aux = loss(params, jax.random.key(3), None, {**batch, 'mask': mask})
  for name, term in aux.terms.items():
    assert term.shape == (BATCH, LENGTH)
    np.testing.assert_allclose(
      aux.measurements[name], np.mean(term[:, 1:]), rtol=1e-5
    )
  unscored = {**batch, 'mask': np.zeros_like(mask)}
  assert loss(params, jax.random.key(3), None, unscored)[0] == 0


def test_one_batch_can_be_overfitted(model, params, batch):
  optimizer = optax.adam(3e-3)

  @jax.jit
  def fit(params):
    def update(carry, key):
      params, opt_state = carry
      (loss, _), grads = jax.value_and_grad(model.loss, has_aux=True)(
        params, key, None, batch
      )
      updates, opt_state = optimizer.update(grads, opt_state)
      return (optax.apply_updates(params, updates), opt_state), loss

    keys = jax.random.split(jax.random.key(4), 300)
    return jax.lax.scan(update, (params, optimizer.init(params)), keys)[1]

  losses = fit(params)
  assert losses[-1] < 0.5 * losses[0]


def test_a_head_without_its_field_is_explained(model, params, batch):
  blind = {name: x for name, x in batch.items() if name != 'reward'}
  with pytest.raises(ValueError, match=r"'reward'.*world_model\.heads"):
    jax.eval_shape(model.loss, params, jax.random.key(0), None, blind)


def test_heads_expect_numbers_of_every_step(model, observe, params, batch):
  _, rollout = observe(params, jax.random.key(1), None, batch)
  predicted = jax.jit(model.predict)(params, rollout)
  assert predicted['reward'].shape == (BATCH, LENGTH)
  assert predicted['score'].shape == (BATCH, LENGTH)
  assert np.all((predicted['reward'] > 0) & (predicted['reward'] < 1))


def test_sizes_that_cannot_be_are_named():
  with pytest.raises(ValueError, match=r'latents\.categorical'):
    latents.categorical(classes=1)
  with pytest.raises(ValueError, match=r'latents\.gaussian'):
    latents.gaussian(least=0.0)
  with pytest.raises(ValueError, match=r'world_model\.balance'):
    world_model.world_model((8, 8, 3), 2, members.small('s5'), balance=2.0)
  with pytest.raises(ValueError, match=r'two_hot\.limit'):
    heads.two_hot(limit=0.0)
  with pytest.raises(ValueError, match='30x30'):
    images.conv_encoder((30, 30, 3))
  with pytest.raises(ValueError, match=r'must be frames; got .*\(4,\)'):
    images.patch_decoder((4,))
  for net in (vectors.encoder, vectors.decoder):
    with pytest.raises(ValueError, match=r'must be vectors; got .*\(8, 8, 3\)'):
      net((8, 8, 3))


def test_states_come_back_in_their_own_units():
  x = jnp.array([-3e4, -1.5, -1e-3, 0, 0.2, 70])
  np.testing.assert_allclose(vectors.symexp(vectors.symlog(x)), x, rtol=1e-4)
  np.testing.assert_allclose(vectors.symlog(x)[2:5], x[2:5], rtol=0.1)


def test_an_observation_without_its_field_is_explained(batch):
  model = members.world_model('states')
  blind = {name: x for name, x in batch.items() if name != 'state'}
  with pytest.raises(ValueError, match=r"'state'.*world_model\.observation"):
    jax.eval_shape(model.init, jax.random.key(0), blind)
