"""Learning as two pure functions."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from wm.types import Array, Batch, Key, Learner, State, TrainState, WorldModel


def whole_sequences(
  model: WorldModel, optimizer: optax.GradientTransformation
) -> Learner:
  """Returns a learner for batches that hold whole episodes.

  The past of every batch is empty, and the model knows it statically.
  """
  return _learner(model, optimizer, lambda batch: None, lambda state: None)


def carried_chunks(
  model: WorldModel, optimizer: optax.GradientTransformation
) -> Learner:
  """Returns a learner for batches that go on where the last one ended.

  The model's memory enters a chunk as it left the one before, and no gradient
  goes back through it: truncated backpropagation through time for a recurrent
  net, cached segments for Transformer-XL. The memory belongs to the
  `TrainState`, so that a run goes on exactly. Batches need `is_first`, and rows
  that stay in place, as `loader.episode_chunks` gives them.
  """
  return _learner(model, optimizer, model.initial, lambda state: state)


def _learner(
  model: WorldModel,
  optimizer: optax.GradientTransformation,
  initial: Callable[[int], State | None],
  keep: Callable[[State], State | None],
) -> Learner:
  def init(key: Key, batch: Batch) -> TrainState:
    params_key, key = jax.random.split(key)
    params = model.init(params_key, batch)
    return TrainState(
      step=jnp.zeros((), jnp.int32),
      params=params,
      opt_state=optimizer.init(params),
      key=key,
      carry=initial(len(batch['image'])),
    )

  def update(
    state: TrainState, batch: Batch
  ) -> tuple[TrainState, dict[str, Array]]:
    key = jax.random.fold_in(state.key, state.step)
    gradient = jax.value_and_grad(model.loss, has_aux=True)
    (_, aux), grads = gradient(state.params, key, state.carry, batch)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    measurements = {**aux.measurements, 'grad_norm': optax.tree.norm(grads)}
    state = state.replace(
      step=state.step + 1,
      params=optax.apply_updates(state.params, updates),
      opt_state=opt_state,
      carry=keep(aux.state),
    )
    return state, measurements

  return Learner(init, update)
