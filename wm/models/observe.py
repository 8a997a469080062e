"""Filtering data: from what is observed to latents and hidden states."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from wm.backbones import checks, shards, views
from wm.models import latents
from wm.models.parts import Parts, joined
from wm.nets import layers
from wm.types import Array, Batch, Key, Net, Params, Rollout, State


class Observer(NamedTuple):
  """How a world model looks at data.

  Attributes:
    posterior: `(stats, units) -> Net`, from what it sees to the statistics.
    sees: `(e_t[..., E], h_t[..., D]) -> [..., X]`, what the posterior sees.
    observe: `(Parts) -> observe`, as in `types.WorldModel`.
  """

  posterior: Callable[[int, int], Net]
  sees: Callable[[Array, Array], Array]
  observe: Callable[[Parts], Callable[..., tuple[State, Rollout]]]


def initial(parts: Parts) -> Callable[[int], State]:
  """Returns an `initial`: no memory, a blank latent."""

  def initial(batch: int) -> State:
    z = jnp.broadcast_to(parts.latent.blank, (batch, parts.latent.size))
    return State(parts.backbone.initial(batch), z, jnp.zeros((), jnp.int32))

  return initial


def see(
  parts: Parts, sees: Callable[[Array, Array], Array]
) -> Callable[..., tuple[State, Rollout]]:
  """Returns a `see`: u_t = join(z_{t-1}, a_t), h_t, z_t ~ q(z_t | x_t).

  Args:
    parts: The networks.
    sees: `(e_t, h_t) -> [..., X]`, what the posterior sees.
  """

  def see(
    ready: Any, key: Key, state: State, row: Batch
  ) -> tuple[State, Rollout]:
    memory = state.carry, state.z
    action, first = row['prev_action'], row.get('is_first')
    checks.call('see', memory, action, first, 1, 'prev_action')
    now = jax.tree.map(lambda x: x[:, None], row)
    embed = parts.encoder.apply(ready['encoder'], now)[:, 0]
    return _see(parts, sees, ready, key, state, embed, action, first)

  return see


def _see(
  parts: Parts,
  sees: Callable[[Array, Array], Array],
  ready: Any,
  key: Key,
  state: State,
  embed: Array,
  action: Array,
  first: Array | None,
) -> tuple[State, Rollout]:
  """Filters one encoded frame."""
  carry, z, t = state
  if first is not None:
    z = jnp.where(first[:, None], parts.latent.blank, z)
  u = joined(parts, ready, z, action)
  carry, h = parts.backbone.step(ready['backbone'], carry, u, first)
  post = parts.posterior.apply(ready['posterior'], sees(embed, h))
  z = parts.latent.sample(jax.random.fold_in(key, t), post)
  prior = parts.prior.apply(ready['prior'], h)
  return State(carry, z, t + 1), Rollout(h, z, prior, post)


def parallel() -> Observer:
  """Returns an observer whose posterior q(z_t | x_t) sees its own frame only.

  All frames are encoded at once and the backbone runs in parallel over time
  (S4WM, training part of the paper's overview figure). Ours: the posterior is
  one Dense on the encoder, which learns faster than a hidden layer there.
  """

  def bind(parts: Parts) -> Callable[..., tuple[State, Rollout]]:
    def observe(
      params: Params,
      key: Key,
      state: State | None,
      batch: Batch,
      steps: ArrayLike | None = None,
    ) -> tuple[State, Rollout]:
      is_first, blank = batch.get('is_first'), parts.latent.blank
      embed = parts.encoder.apply(params['encoder'], batch)
      post = parts.posterior.apply(params['posterior'], embed)
      carry, last, start = (None, blank, 0) if state is None else state
      start += shards.offset(post.shape[1])
      z = latents.sample_each_step(parts.latent, key, start, post)
      last = jnp.broadcast_to(last, z[:, 0].shape)
      last = shards.previous(z[:, -1], last)
      before = jnp.concatenate([last[:, None], z[:, :-1]], axis=1)
      if is_first is not None:
        before = jnp.where(is_first[..., None], blank, before)
      u = joined(parts, params, before, batch['prev_action'])
      past = params['backbone'], carry, u, is_first
      if steps is None:
        carry, h = parts.backbone.apply(*past)
        last = z[:, -1]
      else:
        carry, h = parts.backbone.carries(*past, steps)
        carry, last = _rows((carry, views.pick(z, jnp.asarray(steps))))
      prior = parts.prior.apply(params['prior'], h)
      end = jnp.asarray(start + z.shape[1], jnp.int32)
      return State(carry, last, end), Rollout(h, z, prior, post)

    return _checked(observe)

  return Observer(
    posterior=lambda stats, units: layers.dense(stats),
    sees=lambda embed, h: embed,
    observe=bind,
  )


def recurrent() -> Observer:
  """Returns an observer whose posterior q(z_t | h_t, x_t) also sees memory.

  The RSSM (Hafner et al. 2019, arXiv 1811.04551) with the posterior of
  DreamerV3 (arXiv 2301.04104): one hidden layer on [x_t, h_t]. The latent
  depends on memory and memory on the latent before, so time is a scan; frames
  are still encoded at once.
  """

  def sees(embed: Array, h: Array) -> Array:
    return jnp.concatenate([embed, h], axis=-1)

  def bind(parts: Parts) -> Callable[..., tuple[State, Rollout]]:
    def observe(
      params: Params,
      key: Key,
      state: State | None,
      batch: Batch,
      steps: ArrayLike | None = None,
    ) -> tuple[State, Rollout]:
      shards.check_whole('observe.recurrent')
      actions, is_first = batch['prev_action'], batch.get('is_first')
      embed = parts.encoder.apply(params['encoder'], batch)
      backbone = parts.backbone.prepare(params['backbone'])
      ready = {**params, 'backbone': backbone}
      if state is None:
        state = initial(parts)(len(embed))

      def step(state: State, x: tuple) -> tuple[State, tuple]:
        state, seen = _see(parts, sees, ready, key, state, *x)
        kept = None if steps is None else state.carry
        return state, (seen.h, seen.z, seen.post, kept)

      inputs = views.swap((embed, actions, is_first))
      state, run = jax.lax.scan(step, state, inputs)
      h, z, post, kept = views.swap(run)
      if steps is not None:
        carry, last = _rows(views.pick((kept, z), jnp.asarray(steps)))
        state = State(carry, last, state.t)
      prior = parts.prior.apply(params['prior'], h)
      return state, Rollout(h, z, prior, post)

    return _checked(observe)

  return Observer(
    posterior=lambda stats, units: layers.mlp(units, 1, stats),
    sees=sees,
    observe=bind,
  )


def _rows(tree: Params) -> Params:
  """Leaves `[B, K, ...]` as `[B K, ...]`."""
  return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), tree)


def _checked(
  observe: Callable[..., tuple[State, Rollout]],
) -> Callable[..., tuple[State, Rollout]]:
  """An observe that explains a state, actions or steps that do not fit."""

  def checked(
    params: Params,
    key: Key,
    state: State | None,
    batch: Batch,
    steps: ArrayLike | None = None,
  ) -> tuple[State, Rollout]:
    actions, is_first = batch['prev_action'], batch.get('is_first')
    memory = None if state is None else (state.carry, state.z)
    checks.call('observe', memory, actions, is_first, 2, 'prev_action')
    if steps is not None:
      checks.chosen('observe', steps, actions)
    return observe(params, key, state, batch, steps)

  return checked
