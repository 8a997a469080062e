"""Laws of learning: what is saved goes on as if nothing had happened."""

import itertools
import shutil
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
import pytest

from tests import members
from wm import types
from wm.backbones import s4
from wm.models import latents, observe, world_model
from wm.nets import images
from wm.train import checkpoint, learner, optimizer, stores


def whole_sequences():
  """S4 on whole episodes."""
  return 's4', observe.parallel(), learner.whole_sequences


def truncated():
  """An RSSM on chunks, its memory carried along."""
  return 'gru', observe.recurrent(), learner.carried_chunks


def segments():
  """A Transformer-XL on segments, its memory carried along."""
  return 'transformer_xl', observe.parallel(), learner.carried_chunks


class Learning(NamedTuple):
  model: types.WorldModel
  batch: dict
  states: list
  update: Callable


@pytest.fixture(scope='module', params=[whole_sequences, truncated, segments])
def learning(request):
  backbone, observer, learn = request.param()
  model = world_model.world_model(
    image_shape=(16, 16, 3),
    num_actions=3,
    backbone=dict(members.backbones())[backbone],
    latent=latents.categorical(4, 4),
    encoder=lambda shape: images.patch_encoder(shape, depth=8),
    decoder=lambda shape: images.patch_decoder(shape, depth=8),
    observe=observer,
    units=16,
  )
  learn = learn(model, optimizer.adamw(warmup=1, steps=10, weight_decay=0.1))
  draw = np.random.default_rng(0)
  batch = {
    'image': draw.integers(256, size=(2, 8, 16, 16, 3), dtype=np.uint8),
    'prev_action': np.ones((2, 8, 3), np.float32),
    'mask': np.ones((2, 8), np.float32),
  }
  if request.param is not whole_sequences:
    batch['is_first'] = np.arange(16).reshape(2, 8) == 11
  state = jax.jit(learn.init)(jax.random.key(0), batch)
  jitted = jax.jit(learn.update)

  def update(state):
    return jitted(state, batch)[0]

  states = [state] + [state := update(state) for _ in range(4)]
  return Learning(model, batch, states, update)


def equal(a, b):
  def same(x, y):
    if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
      x, y = jax.random.key_data(x), jax.random.key_data(y)
    np.testing.assert_array_equal(x, y)

  jax.tree.map(same, a, b)


@pytest.fixture
def saved(learning, tmp_path):
  states = learning.states
  store = stores.writing(tmp_path / 'checkpoints')
  for state, loss in zip(states, (9.0, 1.0, 5.0, 4.0, 3.0), strict=True):
    checkpoint.save(store, state, {'loss': loss})
  stores.close(store)
  return tmp_path / 'checkpoints'


def test_restored_and_updated_is_updated_bit_for_bit(learning, saved):
  states, update = learning.states, learning.update
  store = stores.writing(saved)
  restored = checkpoint.restore(store, 3, states[0])
  equal(update(restored), states[4])
  params = checkpoint.restore_params(store, 3, states[0].params)
  equal(params, states[3].params)


def test_another_run_starts_from_the_last_parameters(learning, saved, tmp_path):
  states = learning.states
  start = checkpoint.parameters(str(saved.parent))
  equal(start(states[0].params), states[4].params)
  nowhere = checkpoint.parameters(str(tmp_path / 'nowhere'))
  with pytest.raises(ValueError, match='checkpoint.parameters.folder'):
    nowhere(states[0].params)


def test_the_best_and_the_last_are_kept(saved):
  store = stores.writing(saved)
  assert sorted(store.manager.all_steps()) == [1, 3, 4]
  assert checkpoint.last_step(store) == 4
  assert checkpoint.best_step(store) == 1


def test_reading_leaves_alone_what_is_being_written(learning, saved):
  being_written = saved / '5.orbax-checkpoint-tmp'
  being_written.mkdir()
  store = stores.reading(saved)
  assert checkpoint.last_step(store) == 4
  assert checkpoint.best_step(store) == 1
  params = checkpoint.restore_params(store, 4, learning.states[0].params)
  equal(params, learning.states[4].params)
  stores.close(store)
  assert being_written.exists()
  (saved / '4' / 'metrics' / 'metrics').write_text('')
  with pytest.raises(ValueError, match='repeat the training command'):
    stores.reading(saved)


def test_checkpoints_of_another_model_stay_where_they_are(learning, saved):
  like = jax.eval_shape(lambda: learning.states[0])
  wider = like.replace(
    params=jax.tree.map(
      lambda x: jax.ShapeDtypeStruct((*x.shape, 2), x.dtype), like.params
    )
  )
  store = stores.writing(saved)
  with pytest.raises(checkpoint.OtherStructureError, match='another model'):
    checkpoint.restore_last(store, wider)
  assert sorted(store.manager.all_steps()) == [1, 3, 4]


def test_parameters_of_another_kernel_are_refused(tmp_path):
  u = jax.ShapeDtypeStruct((2, 8, 4), 'float32')
  made, asked = (s4.s4(width=4, depth=1, order=4, length=n) for n in (16, 8))
  store = stores.writing(tmp_path)
  params = jax.jit(made.init)(jax.random.key(0), u)
  checkpoint.save_params(store, 1, params, {'loss': 1.0})
  store.manager.wait_until_finished()
  like = jax.eval_shape(asked.init, jax.random.key(0), u)
  with pytest.raises(checkpoint.OtherStructureError, match='C_length_16'):
    checkpoint.restore_params(store, 1, like)
  stores.close(store)


@pytest.mark.parametrize('damage', ['truncated', 'emptied', 'unfinished'])
def test_a_broken_checkpoint_is_passed_over(learning, saved, damage, caplog):
  states = learning.states
  broken = saved / '4'
  if damage == 'truncated':
    for file in broken.rglob('*'):
      if file.is_file():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
  elif damage == 'emptied':
    shutil.rmtree(broken)
    broken.mkdir()
  else:
    broken.rename(saved / '4.orbax-checkpoint-tmp')
  store = stores.writing(saved)
  equal(checkpoint.restore_last(store, states[0]), states[3])
  said = 'not written to its end' if damage == 'unfinished' else 'step 4'
  assert said in caplog.text
  checkpoint.save(store, states[4], {'loss': 3.0})
  stores.close(store)
  store = stores.writing(saved)
  equal(checkpoint.restore_last(store, states[0]), states[4])


def test_nothing_readable_is_said(learning, saved):
  states = learning.states
  for file in saved.rglob('*'):
    if file.is_file():
      file.write_bytes(b'')
  store = stores.writing(saved)
  for _ in range(2):
    with pytest.raises(ValueError, match='none of the checkpoints'):
      checkpoint.restore_last(store, states[0])


def test_nothing_saved_is_nothing_restored(learning, tmp_path):
  store = stores.writing(tmp_path / 'checkpoints')
  assert checkpoint.restore_last(store, learning.states[0]) is None
  with pytest.raises(ValueError, match='train first'):
    checkpoint.last_step(store)


def test_memory_goes_on_from_chunk_to_chunk(learning):
  if learning.states[0].carry is None:
    assert learning.states[-1].carry is None
    return
  model, batch = learning.model, learning.batch
  filter_data = jax.jit(model.observe)
  equal(learning.states[0].carry, model.initial(2))
  for before, after in itertools.pairwise(learning.states):
    key = jax.random.fold_in(before.key, before.step)
    want, _ = filter_data(before.params, key, before.carry, batch)
    jax.tree.map(
      lambda x, y: np.testing.assert_allclose(x, y, atol=1e-5),
      after.carry,
      want,
    )
  assert after.carry.t == 4 * 8


def test_dynamics_have_a_gentler_group(learning):
  found = {
    jax.tree_util.keystr(path): label
    for path, label in jax.tree_util.tree_leaves_with_path(
      optimizer.labels(learning.states[0].params)
    )
  }
  gentle = {name for name, label in found.items() if label == 'state_space'}
  assert bool(gentle) == any("['ssm']" in name for name in found)
  assert all("['ssm']" in name for name in gentle)
  assert not any("['C" in name or "['D']" in name for name in gentle)


def test_a_warm_up_longer_than_the_run_is_refused():
  with pytest.raises(ValueError, match='WARMUP'):
    optimizer.adamw(warmup=10, steps=10)


def test_a_norm_to_clip_to_is_above_zero():
  with pytest.raises(ValueError, match=r'adamw\.clip'):
    optimizer.adamw(clip=0.0)


def test_a_memory_is_told_where_episodes_start(learning):
  if learning.states[0].carry is None:
    return
  batch = {k: v for k, v in learning.batch.items() if k != 'is_first'}
  learn = learner.carried_chunks(learning.model, optimizer.adamw())
  with pytest.raises(ValueError, match=r'@loader\.episode_chunks'):
    learn.init(jax.random.key(0), batch)
