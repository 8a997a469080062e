"""Learning as two pure functions."""

import jax
import jax.numpy as jnp
import optax

from wm.types import Array, Batch, Key, Learner, TrainState, WorldModel


def whole_sequences(
  model: WorldModel, optimizer: optax.GradientTransformation
) -> Learner:
  """Returns a learner for batches that hold whole episodes.

  The past of every batch is empty, and the model knows it statically.
  """

  def init(key: Key, batch: Batch) -> TrainState:
    params_key, key = jax.random.split(key)
    params = model.init(params_key, batch)
    return TrainState(
      step=jnp.zeros((), jnp.int32),
      params=params,
      opt_state=optimizer.init(params),
      key=key,
      carry=None,
    )

  def update(
    state: TrainState, batch: Batch
  ) -> tuple[TrainState, dict[str, Array]]:
    key = jax.random.fold_in(state.key, state.step)
    gradient = jax.value_and_grad(model.loss, has_aux=True)
    (_, aux), grads = gradient(state.params, key, None, batch)
    updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
    measurements = {**aux.measurements, 'grad_norm': optax.tree.norm(grads)}
    state = state.replace(
      step=state.step + 1,
      params=optax.apply_updates(state.params, updates),
      opt_state=opt_state,
    )
    return state, measurements

  return Learner(init, update)
