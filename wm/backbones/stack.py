"""Backbones made of backbones and nets."""

from collections.abc import Callable, Mapping

import jax

from wm import types
from wm.nets import layers


def lift(net: types.Net) -> types.Backbone:
  """A backbone without memory: its carry is empty.

  Args:
    net: applied to every step.

  Returns:
    The backbone.
  """
  return types.Backbone(
    init=net.init,
    initial=lambda batch: (),
    apply=lambda params, carry, u, is_first: ((), net.apply(params, u)),
    carries=lambda params, carry, u, is_first, steps: (
      (),
      net.apply(params, u),
    ),
    prepare=lambda params: params,
    step=lambda params, carry, u, is_first: ((), net.apply(params, u)),
  )


def residual(inner: types.Backbone) -> types.Backbone:
  """h = u + inner(u), with the parameters and the carry of `inner`.

  Args:
    inner: a backbone whose output is as wide as its input.

  Returns:
    The backbone.
  """

  def apply(params, carry, u, is_first):
    carry, h = inner.apply(params, carry, u, is_first)
    return carry, u + h

  def carries(params, carry, u, is_first, steps):
    after, h = inner.carries(params, carry, u, is_first, steps)
    return after, u + h

  def step(ready, carry, u, is_first):
    carry, h = inner.step(ready, carry, u, is_first)
    return carry, u + h

  return inner._replace(apply=apply, carries=carries, step=step)


def chain(members: Mapping[str, types.Backbone]) -> types.Backbone:
  """Members applied one after the other.

  Args:
    members: by name, in order; parameters and carries are dicts of these names.

  Returns:
    The backbone.
  """

  def init(key, u):
    params = {}
    for k, (name, member) in zip(
      jax.random.split(key, len(members)), members.items(), strict=True
    ):
      params[name] = member.init(k, u)
      _, u = jax.eval_shape(member.apply, params[name], None, u, None)
    return params

  def initial(batch):
    return {name: member.initial(batch) for name, member in members.items()}

  def apply(params, carry, u, is_first):
    after = {}
    for name, member in members.items():
      before = None if carry is None else carry[name]
      after[name], u = member.apply(params[name], before, u, is_first)
    return after, u

  def carries(params, carry, u, is_first, steps):
    after = {}
    for name, member in members.items():
      before = None if carry is None else carry[name]
      after[name], u = member.carries(params[name], before, u, is_first, steps)
    return after, u

  def prepare(params):
    return {
      name: member.prepare(params[name]) for name, member in members.items()
    }

  def step(ready, carry, u, is_first):
    after = {}
    for name, member in members.items():
      after[name], u = member.step(ready[name], carry[name], u, is_first)
    return after, u

  return types.Backbone(init, initial, apply, carries, prepare, step)


def kept(inner: types.Backbone) -> types.Backbone:
  """The backbone as it is: what gradients need is kept."""
  return inner


def recomputed(
  policy: Callable[..., bool] | None = None,
) -> Callable[[types.Backbone], types.Backbone]:
  """A backbone whose inner arrays gradients compute once more.

  Args:
    policy: which of them are kept, one of `jax.checkpoint_policies`; by default
      none. Chen et al. 2016, arXiv 1604.06174.

  Returns:
    `(backbone) -> backbone`.
  """

  def way(inner):
    apply = jax.checkpoint(inner.apply, policy=policy)
    return inner._replace(apply=apply)

  return way


def precise(layer: types.Backbone) -> types.Backbone:
  """The backbone, its matrix products in float32 on all hardware.

  TPUs and GPUs by default round what they multiply to bfloat16 and TF32, which
  powers of a transition matrix do not survive.

  Args:
    layer: any.

  Returns:
    The backbone.
  """

  def wide(function):
    def call(*arguments):
      with jax.default_matmul_precision('highest'):
        return function(*arguments)

    return call

  return layer._replace(
    init=wide(layer.init),
    apply=wide(layer.apply),
    carries=wide(layer.carries),
    prepare=wide(layer.prepare),
    step=wide(layer.step),
  )


def mlp(width: int, expand: int, activation: Callable) -> types.Backbone:
  """[LayerNorm, Dense, activation, Dense] + skip.

  Args:
    width: of input and output.
    expand: hidden width in units of `width`.
    activation: elementwise function.

  Returns:
    The backbone.
  """
  return residual(
    chain(
      {
        'norm': lift(layers.layer_norm()),
        'up': lift(layers.dense(expand * width)),
        'activation': lift(layers.from_function(activation)),
        'down': lift(layers.dense(width)),
      }
    )
  )


def block(
  layer: Callable[[], types.Backbone],
  width: int,
  expand: int = 1,
  activation: Callable = jax.nn.gelu,
  linear: Callable[[int], types.Net] = layers.dense,
) -> types.Backbone:
  """[LayerNorm, layer, activation, linear] + skip, twice, and an `mlp`.

  Args:
    layer: constructor of the state-space layer.
    width: D.
    expand: hidden width of the MLP in units of `width`.
    activation: after the layer and in the MLP.
    linear: constructor of the map after the layer.

  Returns:
    The backbone.
  """

  def mix():
    return residual(
      chain(
        {
          'norm': lift(layers.layer_norm()),
          'ssm': layer(),
          'activation': lift(layers.from_function(activation)),
          'linear': lift(linear(width)),
        }
      )
    )

  return chain(
    {'mix_0': mix(), 'mix_1': mix(), 'mlp': mlp(width, expand, activation)}
  )


def blocks(
  layer: Callable[[], types.Backbone],
  width: int,
  depth: int,
  expand: int = 1,
  activation: Callable = jax.nn.gelu,
  linear: Callable[[int], types.Net] = layers.dense,
  blockwise: Callable[[types.Backbone], types.Backbone] = kept,
) -> types.Backbone:
  """The stack of the S4WM paper around any state-space layer.

  A Dense to `width`, `depth` times `block`, a LayerNorm: the overview figure of
  Deng et al. 2023, arXiv 2307.02064. Ours, where the figure is silent: the
  activation between layer and linear, the MLP of one hidden layer, the Dense
  before and the LayerNorm after the blocks.

  Args:
    layer: constructor of the state-space layer.
    width: D of the blocks and of the output.
    depth: number of blocks.
    expand: hidden width of the MLP in units of `width`.
    activation: after the layer and in the MLP.
    linear: constructor of the map after the layer; `layers.glu` is the
      customary alternative.
    blockwise: `kept`, or `recomputed()` where memory is short.

  Returns:
    The backbone. Parameters of layer i of block j are at
    `block_j/mix_i/ssm/...`.
  """
  return chain(
    {
      'embed': lift(layers.dense(width)),
      **{
        f'block_{j}': blockwise(
          block(layer, width, expand, activation, linear)
        )
        for j in range(depth)
      },
      'norm': lift(layers.layer_norm()),
    }
  )
