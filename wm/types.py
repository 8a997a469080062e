"""The alphabet of axes and the tuples that everything here is made of.

Axes: B batch, T time, K horizon, D width, N state order, L depth, A action,
Z latent, S statistics of a latent, H W C image. Arrays are batch-major,
`[B, T, ...]`. Argument order is params (or ready), key, state, data; a result
is `(state, result)`, as in `jax.lax.scan`. A function without a key is
deterministic.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.struct
import jax
import numpy as np

Array = jax.Array
Key = jax.Array
Params = Any
Carry = Any
Batch = Mapping[str, Array | np.ndarray]
"""What a world model sees; `wm.data.batch.align` says which fields."""

Loader = Callable[..., Batch]
"""`(step, rows=None) -> batch`, or some rows of it; pure in the step, so that
nothing can be lost."""


class Net(NamedTuple):
  """A map without memory.

  Attributes:
    init: `(key, x[..., I]) -> params`; of x, only shape and dtype are used.
    apply: `(params, x[..., I]) -> y[..., O]`.
  """

  init: Callable[..., Params]
  apply: Callable[..., Array]


class Backbone(NamedTuple):
  """A map with memory, seen two ways: in parallel over time and step by step.

  Attributes:
    init: `(key, u[B, T, D]) -> params`; of u, only shape and dtype are used.
    initial: `(batch) -> carry`, the carry of an empty past; leaves `[B, ...]`.
    apply: `(params, carry, u[B, T, D], is_first[B, T]) -> (carry, h[B, T, D])`,
      parallel in T. `carry=None` says statically that the past is empty,
      `is_first=None` that no episode starts inside: both let a backbone choose
      a faster path. `is_first[:, t]` means that the input of step t meets the
      initial carry.
    carries: `(params, carry, u[B, T, D], is_first[B, T], steps[B, K]) ->
      (carries, h[B, T, D])`, the same pass with the carry after each chosen
      step, leaves `[B, K, ...]`; steps are integers in [0, T), in any order.
    prepare: `(params) -> ready`, the work that a rollout needs once.
    step: `(ready, carry, u[B, D], is_first[B] | None) -> (carry, h[B, D])`.
  """

  init: Callable[..., Params]
  initial: Callable[[int], Carry]
  apply: Callable[..., tuple[Carry, Array]]
  carries: Callable[..., tuple[Carry, Array]]
  prepare: Callable[[Params], Any]
  step: Callable[..., tuple[Carry, Array]]


class State(NamedTuple):
  """A world model's memory after a step.

  Attributes:
    carry: the backbone's memory.
    z: the latent of that step, `[B, Z]`.
    t: int32 scalar, the steps seen and imagined so far. It indexes the random
      draws, so that cutting a sequence into chunks does not change them. For
      states after chosen steps it is the end of what was seen, so that what
      they imagine draws anew.
  """

  carry: Carry
  z: Array
  t: Array


class Rollout(NamedTuple):
  """What observing and imagining return.

  Attributes:
    h: outputs of the backbone, `[B, T, D]`.
    z: latents, `[B, T, Z]`.
    prior: statistics of p(z_t | h_t), `[B, T, S]`.
    post: statistics of q(z_t | x_t), `[B, T, S]`; None where imagined.
  """

  h: Array
  z: Array
  prior: Array
  post: Array | None


class LossAux(NamedTuple):
  """What a loss returns beside its value.

  Attributes:
    state: the `State` after the batch.
    terms: each term of the loss by name, `[B, T]`, before weights and mask.
    measurements: scalars by name.
  """

  state: State
  terms: dict[str, Array]
  measurements: dict[str, Array]


class WorldModel(NamedTuple):
  """A latent dynamics model with a decoder.

  Attributes:
    init: `(key, batch) -> params`; of the batch, only shapes and dtypes.
    initial: `(batch) -> State`, the memory of an empty past.
    observe: `(params, key, State | None, batch, steps=None) -> (State,
      Rollout)`, filters data. No state says statically that the past is empty.
      The state is the last one, or with `steps[B, K]` those after these steps,
      as B K rows, to imagine from any of them.
    prepare: `(params) -> ready`, the work that a rollout needs once.
    see: `(ready, key, State, row) -> (State, Rollout)`, filters one step, a row
      of a batch `[B, ...]`; the rollout's arrays have no time axis.
    step: `(ready, key, State, action[B, A]) -> (State, Rollout)`, imagines one
      step; the rollout's arrays have no time axis.
    imagine: `(params, key, State, actions[B, K, A]) -> (State, Rollout)`.
    predict: `(params, Rollout) -> {'image': float[B, T, H, W, C] in [0, 1]
      up to error, ...}`, or another field that is observed, such as 'state'.
    loss: `(params, key, State | None, batch) -> (scalar, LossAux)`.
  """

  init: Callable[..., Params]
  initial: Callable[[int], State]
  observe: Callable[..., tuple[State, Rollout]]
  prepare: Callable[[Params], Any]
  see: Callable[..., tuple[State, Rollout]]
  step: Callable[..., tuple[State, Rollout]]
  imagine: Callable[..., tuple[State, Rollout]]
  predict: Callable[..., dict[str, Array]]
  loss: Callable[..., tuple[Array, LossAux]]


@flax.struct.dataclass
class TrainState:
  """All that training needs to go on.

  Attributes:
    step: int32 scalar, updates done.
    params: the model's parameters.
    opt_state: the optimiser's state.
    key: the run's key; step t draws from `fold_in(key, t)`.
    carry: memory carried from chunk to chunk; None for whole sequences.
  """

  step: Array
  params: Params
  opt_state: Any
  key: Key
  carry: Any


class Learner(NamedTuple):
  """Training as two pure functions.

  Attributes:
    init: `(key, batch) -> TrainState`.
    update: `(TrainState, batch) -> (TrainState, measurements)`.
  """

  init: Callable[..., TrainState]
  update: Callable[..., tuple[TrainState, dict[str, Array]]]


class Metric(NamedTuple):
  """A quantity accumulated over an evaluation.

  Attributes:
    init: `() -> acc`.
    update: `(acc, prediction, batch, mask[B, T]) -> acc`; steps where the mask
      is 0 do not matter, be they NaN.
    compute: `(acc) -> {name: array}`.
  """

  init: Callable[[], Any]
  update: Callable[..., Any]
  compute: Callable[[Any], dict[str, Array]]
