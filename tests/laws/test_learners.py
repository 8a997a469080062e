"""Laws of learning: what is saved goes on as if nothing had happened."""

import shutil

import jax
import numpy as np
import pytest

from tests import members
from wm.models import latents, world_model
from wm.nets import images
from wm.train import checkpoint, learner, optimizer


@pytest.fixture(scope='module')
def learning():
  model = world_model.world_model(
    image_shape=(16, 16, 3),
    num_actions=3,
    backbone=dict(members.backbones())['s4'],
    latent=latents.categorical(4, 4),
    encoder=lambda shape: images.patch_encoder(shape, depth=8),
    decoder=lambda shape: images.patch_decoder(shape, depth=8),
    units=16,
  )
  learn = learner.whole_sequences(
    model, optimizer.adamw(warmup=1, steps=10, weight_decay=0.1)
  )
  draw = np.random.default_rng(0)
  batch = {
    'image': draw.integers(256, size=(2, 8, 16, 16, 3), dtype=np.uint8),
    'prev_action': np.ones((2, 8, 3), np.float32),
    'mask': np.ones((2, 8), np.float32),
  }
  state = jax.jit(learn.init)(jax.random.key(0), batch)
  update = jax.jit(learn.update)
  return [state] + [state := update(state, batch)[0] for _ in range(4)], (
    lambda state: update(state, batch)[0]
  )


def equal(a, b):
  def same(x, y):
    if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
      x, y = jax.random.key_data(x), jax.random.key_data(y)
    np.testing.assert_array_equal(x, y)

  jax.tree.map(same, a, b)


@pytest.fixture
def saved(learning, tmp_path):
  states, _ = learning
  store = checkpoint.checkpoints(tmp_path / 'checkpoints')
  for state, loss in zip(states, (9.0, 1.0, 5.0, 4.0, 3.0), strict=True):
    checkpoint.save(store, state, {'loss': loss})
  checkpoint.close(store)
  return tmp_path / 'checkpoints'


def test_restored_and_updated_is_updated_bit_for_bit(learning, saved):
  states, update = learning
  store = checkpoint.checkpoints(saved)
  restored = checkpoint.restore(store, 3, states[0])
  equal(update(restored), states[4])
  params = checkpoint.restore_params(store, 3, states[0].params)
  equal(params, states[3].params)


def test_the_best_and_the_last_are_kept(saved):
  store = checkpoint.checkpoints(saved)
  assert sorted(store.manager.all_steps()) == [1, 3, 4]
  assert checkpoint.last_step(store) == 4
  assert checkpoint.best_step(store) == 1


@pytest.mark.parametrize('damage', ['truncated', 'emptied', 'unfinished'])
def test_a_broken_checkpoint_is_passed_over(learning, saved, damage, caplog):
  states, _ = learning
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
  store = checkpoint.checkpoints(saved)
  equal(checkpoint.restore_last(store, states[0]), states[3])
  if damage != 'unfinished':
    assert 'step 4' in caplog.text
  checkpoint.save(store, states[4], {'loss': 3.0})
  checkpoint.close(store)
  store = checkpoint.checkpoints(saved)
  equal(checkpoint.restore_last(store, states[0]), states[4])


def test_nothing_readable_is_said(learning, saved):
  states, _ = learning
  for file in saved.rglob('*'):
    if file.is_file():
      file.write_bytes(b'')
  store = checkpoint.checkpoints(saved)
  for _ in range(2):
    with pytest.raises(ValueError, match='none of the checkpoints'):
      checkpoint.restore_last(store, states[0])


def test_nothing_saved_is_nothing_restored(learning, tmp_path):
  store = checkpoint.checkpoints(tmp_path / 'checkpoints')
  assert checkpoint.restore_last(store, learning[0][0]) is None
  with pytest.raises(ValueError, match='train first'):
    checkpoint.last_step(store)


def test_dynamics_have_a_gentler_group(learning):
  found = {
    jax.tree_util.keystr(path): label
    for path, label in jax.tree_util.tree_leaves_with_path(
      optimizer.labels(learning[0][0].params)
    )
  }
  gentle = {name for name, label in found.items() if label == 'state_space'}
  assert gentle
  assert all("['ssm']" in name for name in gentle)
  assert not any(name.endswith(("['C']", "['D']")) for name in gentle)


def test_a_warm_up_longer_than_the_run_is_refused():
  with pytest.raises(ValueError, match='WARMUP'):
    optimizer.adamw(warmup=10, steps=10)
