"""What a policy sees of a world model: its memory h_t and its latent z_t."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from wm.backbones import views
from wm.types import Array, Batch, Key, Params, State, WorldModel

Vector = Callable[[Array], Array]
"""From an action of an environment to the model's `[A]`."""

Policy = Callable[[Array, Key], tuple[Array, Any]]
"""`(features, raw key) -> (action, extras)`, as brax has it."""


class Memory(NamedTuple):
  """A world model's memory in one environment.

  Attributes:
    state: Of the model, with one row.
    h: The backbone's last output, `[1, D]`.
    key: Raw key of the latents to come.
  """

  state: State
  h: Array
  key: Key


class Starts(NamedTuple):
  """Where episodes of an environment may start.

  Attributes:
    carry: Of the backbone, leaves `[N, ...]`.
    z: Latents, `[N, Z]`.
    h: Outputs of the backbone, `[N, D]`.
    t: int32 scalar, the end of what was seen.
    world: True states `[N, ...]`, if they are known.
  """

  carry: Any
  z: Array
  h: Array
  t: Array
  world: Any = None


def starts(
  model: WorldModel, params: Params, key: Key, batch: Batch, steps: ArrayLike
) -> Starts:
  """Returns what a model remembers after steps of episodes.

  Args:
    model: The world model.
    params: Its parameters.
    key: Of the latents' draws.
    batch: Episodes, `[B, T, ...]`.
    steps: int `[B, K]`, in [0, T); N is B K.
  """
  state, rollout = model.observe(params, key, None, batch, steps)
  h = views.pick(rollout.h, jnp.asarray(steps))
  return Starts(state.carry, state.z, h.reshape(-1, h.shape[-1]), state.t)


def at(starts: Starts, number: Array, key: Key) -> tuple[Memory, Any]:
  """Returns the memory at a start and the true state.

  Args:
    starts: Of which it is one.
    number: Which.
    key: Raw key of the latents to come.
  """
  carry, z, h = jax.tree.map(
    lambda x: x[number][None], (starts.carry, starts.z, starts.h)
  )
  world = jax.tree.map(lambda x: x[number], starts.world)
  return Memory(State(carry, z, starts.t), h, key), world


def draw(starts: Starts, rng: Key) -> tuple[Array, Key]:
  """Draws a start, all alike; returns its number and a key for `at`.

  Args:
    starts: To draw from.
    rng: Raw key.
  """
  which, key = jax.random.split(rng)
  return jax.random.randint(which, (), 0, len(starts.h)), key


def features(memory: Memory) -> Array:
  """Returns what a policy sees, [h_t, z_t]."""
  return jnp.concatenate([memory.h, memory.state.z], axis=-1)[0]


def one_hot(count: int) -> Vector:
  """Returns the vectors of actions that are integers.

  Args:
    count: A, how many there are.
  """
  return lambda action: jax.nn.one_hot(action, count)
