"""GRU: one gated vector as memory, the backbone of the RSSM."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from wm import sizes, types
from wm.backbones import checks, stack, views
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
  sizes.positive('gru.gru', width=width, depth=depth)
  chain = stack.chain({f'layer_{j}': layer(width) for j in range(depth)})
  return checks.checked('gru', chain)


def layer(width: int) -> types.Backbone:
  """One layer: the input's share of the gates for all steps at once, a scan.

  Args:
    width: D.

  Returns:
    The backbone.
  """
  project = layers.from_linen(nn.Dense(3 * width, use_bias=False))
  return stack.chain({'input': stack.lift(project), 'cell': cell(width)})


def cell(width: int) -> types.Backbone:
  """The recurrence, for inputs p_t = W u_t.

    [r, c, s] = LayerNorm(p_t + R h_{t-1})
    h_t = sigmoid(s - 1) tanh(sigmoid(r) c) + (1 - sigmoid(s - 1)) h_{t-1}.

  Args:
    width: D.

  Returns:
    The backbone; its carry is h, float32[B, D].
  """
  project = layers.from_linen(nn.Dense(3 * width, use_bias=False))
  norm = layers.layer_norm(1e-3)

  def init(key, p):
    recurrent_key, norm_key = jax.random.split(key)
    h = jax.ShapeDtypeStruct((*p.shape[:-1], width), p.dtype)
    return {
      'recurrent': project.init(recurrent_key, h),
      'norm': norm.init(norm_key, p),
    }

  def initial(batch):
    return jnp.zeros((batch, width))

  def step(ready, h, p, is_first):
    h = views.restart(initial(len(h)), h, is_first)
    gates = p + project.apply(ready['recurrent'], h)
    reset, candidate, update = jnp.split(
      norm.apply(ready['norm'], gates), 3, -1
    )
    candidate = jnp.tanh(jax.nn.sigmoid(reset) * candidate)
    update = jax.nn.sigmoid(update - 1)
    h = update * candidate + (1 - update) * h
    return h, h

  return views.from_step(init, initial, lambda params: params, step)
