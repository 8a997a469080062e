"""S4WM and its siblings: one world model, any backbone."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from wm import sizes
from wm.models import imagine as imagining
from wm.models import latents, losses, scoring
from wm.models import observe as observing
from wm.models.parts import Parts
from wm.nets import heads as families
from wm.nets import images, layers, pieces
from wm.types import (
  Array,
  Backbone,
  Batch,
  Key,
  LossAux,
  Net,
  Params,
  Rollout,
  State,
  WorldModel,
)

_AFTER_ALL_STEPS = 2**32 - 1  # Draws of latents fold in a step.


def world_model(
  image_shape: tuple[int, ...],
  num_actions: int,
  backbone: Backbone,
  latent: latents.Latent | None = None,
  encoder: Callable[..., Net] = images.conv_encoder,
  decoder: Callable[..., Net] = images.conv_decoder,
  observe: observing.Observer | None = None,
  heads: Mapping[str, families.Head] | None = None,
  framewise: Callable[[pieces.Framewise], pieces.Framewise] = pieces.at_once,
  score: Callable[[Net], scoring.Score] = scoring.every_frame,
  units: int = 512,
  balance: float = 0.8,
  kl_weight: float = 1.0,
  image_weight: float = 1.0,
  observation: str = 'image',
) -> WorldModel:
  """Returns the world model of "Facing Off World Model Backbones" (2023).

  With posterior q(z_t | x_t), input u_t = join(z_{t-1}, a_t), memory
  h_t = backbone(u_1..u_t), prior p(z_t | h_t) and decoder p(x_t | h_t, z_t),
  it maximises the evidence lower bound of x_1..x_T given x_0 and the actions:

      sum_t E_q [ log p(x_t | h_t, z_t) - KL(q(z_t | x_t) || p(z_t | h_t)) ]

  where p(x_t | h_t, z_t) is normal with variance 1 / (2 image_weight): squared
  errors are not halved.

  A head adds the likelihood of one more number of the batch, such as the
  reward, given h_t and z_t.

  The paper's sizes are not known; the defaults are ours, near DreamerV3's.

  Args:
    image_shape: `(H, W, C)` of a frame, or what the shape of an observation is
      where no frames are observed.
    num_actions: A, length of the action vector.
    backbone: The sequence model, whose width is free.
    latent: The family of z; by default 32 categoricals of 32 classes.
    encoder: `(image_shape) -> Net` from frames to vectors; such as
      `vectors.encoder` where states are observed.
    decoder: `(image_shape) -> Net` from vectors to frames.
    observe: What the posterior sees; by default `observe.parallel()`.
    heads: By name of a field of the batch, such as `reward`, the family of
      distributions that it is predicted with.
    framewise: How the encoder goes through time: `pieces.at_once`, or
      `pieces.recomputed()` where memory is short.
    score: `(decoder) -> score`, which frames are decoded in training:
      `scoring.every_frame`, or `scoring.random_frames` where time is short;
      and by which error.
    units: Width of the joins and heads.
    balance: Share of the KL that trains the prior, in [0, 1].
    kl_weight: Weight of the KL in the loss.
    image_weight: Weight of the squared error in the loss.
    observation: The field of a batch that is observed and decoded.

  Raises:
    ValueError: If the encoder or decoder cannot have that frame, or a number
      is out of range; when called, if actions have another width.
  """
  if not 0 <= balance <= 1:
    raise ValueError(
      f'world_model: a share of the KL lies in [0, 1]; got {balance}; change '
      'world_model.world_model.balance'
    )
  sizes.positive('world_model.world_model', units=units)
  latent = latents.categorical() if latent is None else latent
  heads = dict(heads or {})
  observer = observing.parallel() if observe is None else observe
  parts = Parts(
    encoder=_of(observation, encoder(image_shape), framewise),
    posterior=observer.posterior(latent.stats, units),
    join=_join(latent.size, num_actions, units),
    backbone=backbone,
    prior=layers.mlp(units, 1, latent.stats),
    decoder=decoder(image_shape),
    latent=latent,
    heads=families.together(
      {name: layers.mlp(units, 1, head.stats) for name, head in heads.items()}
    ),
  )
  decoder_score = score(parts.decoder)
  weights = {observation: image_weight, 'kl': kl_weight}
  weights |= {name: head.weight for name, head in heads.items()}
  filter_data = observer.observe(parts)
  prepare = imagining.prepare(parts)
  step = imagining.step(parts)

  def init(key: Key, batch: Batch) -> Params:
    keys = dict(zip(Parts._fields, jax.random.split(key, 8), strict=True))
    size = batch['prev_action'].shape[:2]
    params = {}

    def add(name: str, width: int) -> jax.ShapeDtypeStruct:
      part = getattr(parts, name)
      x = jax.ShapeDtypeStruct((*size, width), jnp.float32)
      params[name] = part.init(keys[name], x)
      return x

    params['encoder'] = parts.encoder.init(keys['encoder'], batch)
    embed = jax.eval_shape(parts.encoder.apply, params['encoder'], batch)
    add('join', latent.size + num_actions)
    u = add('backbone', units)
    _, h = jax.eval_shape(
      lambda p, u: backbone.apply(p, None, u, None), params['backbone'], u
    )
    add('posterior', jax.eval_shape(observer.sees, embed, h).shape[-1])
    add('prior', h.shape[-1])
    add('decoder', h.shape[-1] + latent.size)
    if heads:
      add('heads', h.shape[-1] + latent.size)
    return params

  def guess(params: Params, features: Array) -> dict[str, Array]:
    return parts.heads.apply(params.get('heads', {}), features)

  def predict(params: Params, rollout: Rollout) -> dict[str, Array]:
    features = _features(rollout)
    decoded = parts.decoder.apply(params['decoder'], features)
    stats = guess(params, features)
    means = {name: head.mean(stats[name]) for name, head in heads.items()}
    return {observation: decoded, **means}

  def loss(
    params: Params, key: Key, state: State | None, batch: Batch
  ) -> tuple[Array, LossAux]:
    state, rollout = filter_data(params, key, state, batch)
    mask = batch['mask']
    share = mask / jnp.maximum(jnp.sum(mask), 1)
    features = _features(rollout)
    mean, term = decoder_score(
      params['decoder'],
      jax.random.fold_in(key, _AFTER_ALL_STEPS),
      features,
      _field(batch, observation, 'observation'),
      share,
    )
    stats = guess(params, features)
    terms = {
      'kl': losses.balanced_kl(latent, rollout.post, rollout.prior, balance),
    } | {
      name: head.loss(stats[name], _field(batch, name, 'heads'))
      for name, head in heads.items()
    }
    means = {observation: mean}
    means |= {k: jnp.sum(v * share) for k, v in terms.items()}
    terms |= {observation: term}
    total = sum(weights[k] * v for k, v in means.items())
    return total, LossAux(state, terms, {'loss': total, **means})

  return WorldModel(
    init=init,
    initial=observing.initial(parts),
    observe=filter_data,
    prepare=prepare,
    see=observing.see(parts, observer.sees),
    step=step,
    imagine=imagining.imagine(prepare, step),
    predict=predict,
    loss=loss,
  )


def _features(rollout: Rollout) -> Array:
  """Returns [h_t, z_t], what decoder and heads read."""
  return jnp.concatenate([rollout.h, rollout.z], axis=-1)


def _field(batch: Batch, name: str, argument: str) -> ArrayLike:
  """Returns the field of a batch that an argument of the model names."""
  if name not in batch:
    raise ValueError(
      f'world_model: {argument} needs a field of the batch; got {name!r}, need '
      f'one of {", ".join(sorted(batch))}; change '
      f'world_model.world_model.{argument}'
    )
  return batch[name]


def _of(
  observation: str,
  net: Net,
  framewise: Callable[[pieces.Framewise], pieces.Framewise],
) -> Net:
  """Returns the net of one field of a batch."""
  apply = framewise(net.apply)

  def seen(batch: Batch) -> ArrayLike:
    return _field(batch, observation, 'observation')

  return Net(
    lambda key, batch: net.init(key, seen(batch)),
    lambda params, batch: apply(params, seen(batch)),
  )


def _join(latent_size: int, num_actions: int, units: int) -> Net:
  """Returns the net of [z_{t-1}, a_t], which knows how long both are."""
  net = layers.mlp(units, 1, units)

  def apply(params: Params, x: Array) -> Array:
    actions = x.shape[-1] - latent_size
    if actions != num_actions:
      raise ValueError(
        f'world_model: actions must have width {num_actions}, as '
        f'world_model.world_model.num_actions says; got {actions}; take '
        'prev_action from wm.data.batch.align'
      )
    return net.apply(params, x)

  return net._replace(apply=apply)
