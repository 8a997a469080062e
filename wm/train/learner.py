"""Learning as two pure functions."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import optax

from wm.train import precision
from wm.types import (
  Array,
  Batch,
  Key,
  Learner,
  LossAux,
  Params,
  State,
  TrainState,
  WorldModel,
)


def whole_sequences(
  model: WorldModel,
  optimizer: optax.GradientTransformation,
  compute: Callable[[Params], Params] = precision.full,
) -> Learner:
  """Returns a learner for batches that hold whole episodes.

  The past of every batch is empty, and the model knows it statically.

  Args:
    model: Whose loss is lowered.
    optimizer: What does so.
    compute: `(params) -> params` to compute with: `precision.full` or
      `precision.bfloat16`.
  """
  return _learner(
    model, optimizer, compute, lambda _: None, lambda _: None
  )


def carried_chunks(
  model: WorldModel,
  optimizer: optax.GradientTransformation,
  compute: Callable[[Params], Params] = precision.full,
) -> Learner:
  """Returns a learner for batches that go on where the last one ended.

  The model's memory enters a chunk as it left the one before, and no gradient
  goes back through it: truncated backpropagation through time for a recurrent
  net, cached segments for Transformer-XL. The memory belongs to the
  `TrainState`, so that a run goes on exactly. Batches need `is_first`, and rows
  that stay in place, as `loader.episode_chunks` gives them. Arguments are those
  of `whole_sequences`.
  """

  def initial(batch: Batch) -> State:
    if 'is_first' not in batch:
      raise ValueError(
        'learner: carried_chunks has to be told where episodes start; got '
        'batches without is_first; change the gin macro LOADER to '
        '@loader.episode_chunks, or LEARNER to @learner.whole_sequences'
      )
    return model.initial(len(batch['prev_action']))

  return _learner(model, optimizer, compute, initial, lambda state: state)


def _learner(
  model: WorldModel,
  optimizer: optax.GradientTransformation,
  compute: Callable[[Params], Params],
  initial: Callable[[Batch], State | None],
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
      carry=initial(batch),
    )

  def update(
    state: TrainState, batch: Batch
  ) -> tuple[TrainState, dict[str, Array]]:
    key = jax.random.fold_in(state.key, state.step)

    def loss(params: Params) -> tuple[Array, LossAux]:
      return model.loss(compute(params), key, state.carry, batch)

    (_, aux), grads = jax.value_and_grad(loss, has_aux=True)(state.params)
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
