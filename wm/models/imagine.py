"""Imagination: from a state and actions to what would be seen."""

from collections.abc import Callable
from typing import Any

import jax
from jaxtyping import Array, Float

from wm.backbones import checks, views
from wm.models.parts import Parts, joined
from wm.types import Key, Params, Rollout, State


def prepare(parts: Parts) -> Callable[[Params], Any]:
  """Returns the work that a rollout needs once, such as discretising S4."""

  def prepare(params: Params) -> Any:
    ready = parts.backbone.prepare(params['backbone'])
    return {**params, 'backbone': ready}

  return prepare


def step(parts: Parts) -> Callable[..., tuple[State, Rollout]]:
  """Returns a `step`: u_t = join(z_{t-1}, a_t), h_t, z_t ~ p(z_t | h_t)."""

  def step(
    ready: Any, key: Key, state: State, action: Float[Array, 'B A']
  ) -> tuple[State, Rollout]:
    checks.call('step', (state.carry, state.z), action, None, 1, 'action')
    u = joined(parts, ready, state.z, action)
    carry, h = parts.backbone.step(ready['backbone'], state.carry, u, None)
    prior = parts.prior.apply(ready['prior'], h)
    z = parts.latent.sample(jax.random.fold_in(key, state.t), prior)
    return State(carry, z, state.t + 1), Rollout(h, z, prior, None)

  return step


def imagine(
  prepare: Callable[[Params], Any],
  step: Callable[..., tuple[State, Rollout]],
) -> Callable[..., tuple[State, Rollout]]:
  """Returns an `imagine`: a scan of `step` in one compiled loop."""

  def imagine(
    params: Params, key: Key, state: State, actions: Float[Array, 'B K A']
  ) -> tuple[State, Rollout]:
    memory = state.carry, state.z
    checks.call('imagine', memory, actions, None, 2, 'actions')
    ready = prepare(params)

    def body(state: State, action: Array) -> tuple[State, Rollout]:
      return step(ready, key, state, action)

    state, rollout = jax.lax.scan(body, state, views.swap(actions))
    return state, views.swap(rollout)

  return imagine
