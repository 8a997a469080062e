"""GRU: one gated vector as memory, the backbone of the RSSM."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from wm import types
from wm.backbones import stack, views
from wm.nets import layers


def gru(width: int = 1024, depth: int = 1) -> types.Backbone:
  """Gated recurrent units with normalised gates, as in DreamerV3's RSSM.

  Cho et al. 2014, arXiv 1406.1078; Hafner et al. 2023, arXiv 2301.04104. The
  memory of an empty past is zero (ours; DreamerV3 learns it).

  Args:
    width: D of the memory, which is also the output; the input may have any
      width.
    depth: number of layers, each of which reads the memory of the one before.

  Returns:
    The backbone; parameters of layer j are at `layer_j/...`.

  Raises:
    ValueError: naming the parameter that cannot be.
  """
  for name, value in {'width': width, 'depth': depth}.items():
    if value < 1:
      raise ValueError(
        f'gru: {name} must be positive; got {value}; change gru.gru.{name}'
      )
  chain = stack.chain({f'layer_{j}': layer(width) for j in range(depth)})
  return views.checked('gru', chain)


def layer(width: int) -> types.Backbone:
  """One layer, W u_t for all steps at once and a scan for the rest.

    [r, c, s] = LayerNorm(W u_t + R h_{t-1})
    h_t = sigmoid(s - 1) tanh(sigmoid(r) c) + (1 - sigmoid(s - 1)) h_{t-1}

  Args:
    width: D.

  Returns:
    The backbone; its carry is h, float32[B, D].
  """
  project = layers.from_linen(nn.Dense(3 * width, use_bias=False))
  norm = layers.layer_norm(1e-3)

  def init(key, u):
    input_key, recurrent_key, norm_key = jax.random.split(key, 3)
    h, gates = (
      jax.ShapeDtypeStruct((*u.shape[:-1], size), u.dtype)
      for size in (width, 3 * width)
    )
    return {
      'input': project.init(input_key, u),
      'recurrent': project.init(recurrent_key, h),
      'norm': norm.init(norm_key, gates),
    }

  def initial(batch):
    return jnp.zeros((batch, width))

  def prepare(params):
    return params

  def advance(params, h, projected, is_first):
    h = views.restart(initial(len(h)), h, is_first)
    gates = projected + project.apply(params['recurrent'], h)
    gates = norm.apply(params['norm'], gates)
    reset, candidate, update = jnp.split(gates, 3, -1)
    candidate = jnp.tanh(jax.nn.sigmoid(reset) * candidate)
    update = jax.nn.sigmoid(update - 1)
    h = update * candidate + (1 - update) * h
    return h, h

  scan = views.apply_from_step(initial, prepare, advance)

  def apply(params, carry, u, is_first):
    projected = project.apply(params['input'], u)
    return scan(params, carry, projected, is_first)

  def carries(params, carry, u, is_first, steps):
    _, h = apply(params, carry, u, is_first)
    return views.pick(h, steps), h

  def step(ready, carry, u, is_first):
    projected = project.apply(ready['input'], u)
    return advance(ready, carry, projected, is_first)

  return types.Backbone(init, initial, apply, carries, prepare, step)
