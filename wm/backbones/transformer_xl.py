"""Transformer-XL: attention over a window, with relative positions."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from wm import sizes, types
from wm.backbones import checks, shards, stack, views
from wm.nets import layers


def transformer_xl(
  width: int = 512,
  depth: int = 6,
  heads: int = 8,
  window: int = 128,
  expand: int = 2,
  activation: Callable = jax.nn.relu,
  blockwise: Callable[[types.Backbone], types.Backbone] = stack.kept,
) -> types.Backbone:
  """Transformer-XL blocks, the backbone of TSSM-XL.

  A Dense to `width`, `depth` blocks, a LayerNorm. A block is
  [LayerNorm, attention, Dense] + skip and [LayerNorm, MLP] + skip. Dai et al.
  2019, "Transformer-XL: Attentive Language Models Beyond a Fixed-Length
  Context", arXiv 1901.02860, after the TSSM of Chen et al. 2022,
  "TransDreamer", arXiv 2202.09481.

  Each query sees its own step and the `window` steps before it, wherever a
  sequence is cut, so h sees `depth * window` steps back. The memory is not
  detached: a carry that comes from an earlier update is a constant there.

  Ours: h is the last layer normalised, not all layers side by side; no dropout,
  as there is no key; the LayerNorm before attention has no scale and no bias,
  since W_q, W_k and W_v hold the one, u, v and the Dense after it the other.

  Args:
    width: D of the blocks and of the output; the input may have any width.
    depth: number of blocks.
    heads: number of heads, a divisor of `width`.
    window: steps that a layer remembers.
    expand: hidden width of the MLP in units of `width`.
    activation: in the MLP.
    blockwise: `stack.kept`, or `stack.recomputed()` where memory is short.

  Returns:
    The backbone; its carry is a `Memory` per block.

  Raises:
    ValueError: naming the parameter that cannot be.
  """
  sizes.positive(
    'transformer_xl.transformer_xl',
    width=width,
    depth=depth,
    heads=heads,
    window=window,
    expand=expand,
  )
  if width % heads:
    raise ValueError(
      f'transformer_xl: heads must divide width; got {heads} and {width}; '
      'change transformer_xl.transformer_xl.heads'
    )

  def mix():
    return stack.residual(
      stack.chain(
        {
          'norm': stack.lift(layers.from_function(jax.nn.standardize)),
          'attention': attention(width, heads, window),
          'linear': stack.lift(layers.dense(width)),
        }
      )
    )

  def block():
    mlp = stack.mlp(width, expand, activation)
    return stack.chain({'mix': mix(), 'mlp': mlp})

  blocks = stack.chain(
    {
      'embed': stack.lift(layers.dense(width)),
      **{f'block_{j}': blockwise(block()) for j in range(depth)},
      'norm': stack.lift(layers.layer_norm()),
    }
  )
  return checks.checked('transformer_xl', blocks)


class Memory(NamedTuple):
  """The last inputs of an attention layer, oldest first.

  Attributes:
    x: the inputs; 0 where there were none.
    exists: where there were, in the episode of the last step.
  """

  x: Float[Array, 'B window D']
  exists: Bool[Array, 'B window']


class Ready(NamedTuple):
  """Parameters by head; W_k and r are divided by sqrt(E), E = D / heads.

  Attributes:
    W_q, W_k, W_v: projections.
    u, v: what is added to queries, for content and for position.
    r: W_R R_n, at distances n = window, ..., 0.
  """

  W_q: Float[Array, 'D heads E']
  W_k: Float[Array, 'D heads E']
  W_v: Float[Array, 'D heads E']
  u: Float[Array, 'heads E']
  v: Float[Array, 'heads E']
  r: Float[Array, 'distances heads E']


def attention(width: int, heads: int, window: int) -> types.Backbone:
  """One layer of attention with relative positions, heads side by side.

  score(i, j) = [(q_i + u) . k_j + (q_i + v) . W_R R_{i-j}] / sqrt(E) for
  0 <= i - j <= window in the episode of step i, where q = W_q x, k = W_k x, and
  R_n holds sines and cosines of n; y_i = sum_j softmax_j(score(i, j)) W_v x_j.

  `step` scores inputs as they are, by (q + u) . W_k x = W_k^T (q + u) . x, and
  projects their weighted sum, so it never projects the memory.

  Args:
    width: D, of the input and of the output.
    heads: number of heads, a divisor of `width`.
    window: steps before a query that it sees.

  Returns:
    The backbone; its carry is a `Memory`.
  """

  def init(key, u):
    del u
    # u and v are vectors, as biases are, so that they have no weight decay.
    key_q, key_k, key_v, key_R = jax.random.split(key, 4)
    draw = jax.nn.initializers.lecun_normal()
    return {
      'W_q': draw(key_q, (width, width)),
      'W_k': draw(key_k, (width, width)),
      'W_v': draw(key_v, (width, width)),
      'W_R': draw(key_R, (width + width % 2, width)),
      'u': jnp.zeros(width),
      'v': jnp.zeros(width),
    }

  def initial(batch):
    return Memory(
      jnp.zeros((batch, window, width)), jnp.zeros((batch, window), bool)
    )

  def prepare(params):
    r = jnp.asarray(_sinusoids(window, width)) @ params['W_R']
    scale = (width // heads) ** -0.5

    def by_head(x):
      return x.reshape(*x.shape[:-1], heads, -1)

    return Ready(
      W_q=by_head(params['W_q']),
      W_k=by_head(scale * params['W_k']),
      W_v=by_head(params['W_v']),
      u=by_head(params['u']),
      v=by_head(params['v']),
      r=by_head(scale * r),
    )

  def step(ready, carry, u, is_first):
    past = views.restart(initial(len(u)), carry, is_first)
    x = jnp.concatenate([past.x, u[:, None]], 1)
    exists = jnp.pad(past.exists, [(0, 0), (0, 1)], constant_values=True)
    q = jnp.einsum('bd,dhe->bhe', u, ready.W_q)
    q_x = jnp.einsum('bhe,dhe->bhd', q + ready.u, ready.W_k)
    score = jnp.einsum('bhd,bjd->bhj', q_x, x)
    score += jnp.einsum('bhe,jhe->bhj', q + ready.v, ready.r)
    p = jax.nn.softmax(score, where=exists[:, None])
    x_p = jnp.einsum('bhj,bjd->bhd', p, x)
    y = jnp.einsum('bhd,dhe->bhe', x_p, ready.W_v)
    return Memory(x[:, 1:], exists[:, 1:]), y.reshape(u.shape)

  def remember(carry, u, is_first):
    """The memory and the input, with episodes by number, -1 for none."""
    past = initial(len(u)) if carry is None else carry
    before = jnp.where(past.exists, 0, -1)
    none = jnp.zeros(u.shape[:2], before.dtype)
    episode = none if is_first is None else jnp.cumsum(is_first, 1, none.dtype)
    x = jnp.concatenate([past.x, u], 1)
    return x, jnp.concatenate([before, episode], 1)

  def apply(params, carry, u, is_first):
    shards.check_window('transformer_xl', window, u.shape[1])
    start = initial(len(u)) if carry is None else carry
    x, episode = remember(start, u, is_first)
    last = _memory(x[:, -window:], episode[:, -window:])
    x, episode = remember(shards.previous(last, start), u, is_first)
    y = _attend(prepare(params), x, episode)
    return _memory(x[:, -window:], episode[:, -window:]), y

  def carries(params, carry, u, is_first, steps):
    x, episode = remember(carry, u, is_first)
    y = _attend(prepare(params), x, episode)
    rows = steps[..., None] + jnp.arange(1, window + 1)
    picked = views.pick((x, episode), rows.reshape(len(u), -1))
    x, episode = (z.reshape(*rows.shape, *z.shape[2:]) for z in picked)
    return _memory(x, episode), y

  return types.Backbone(init, initial, apply, carries, prepare, step)


def _sinusoids(window, width):
  """R_n at n = window, ..., 0, the sines before the cosines."""
  frequencies = 10_000.0 ** (-np.arange(0, width, 2) / width)
  angles = np.outer(np.arange(window, -1, -1), frequencies)
  return np.concatenate([np.sin(angles), np.cos(angles)], 1, dtype=np.float32)


def _memory(x, episode):
  """The memory after the last step: what is of its episode."""
  exists = episode == episode[..., -1:]
  return Memory(jnp.where(exists[..., None], x, 0), exists)


def _attend(
  ready: Ready,
  x: Float[Array, 'B steps D'],
  episode: Int[Array, 'B steps'],
) -> Float[Array, 'B T D']:
  """y of the steps after the first `window`, in blocks of at most `window`.

  The keys of a block of queries are the `window` steps before it and its own:
  time and memory are O(T window). A NaN reaches those who see it, no others,
  nor their gradients: it is taken out of the input and put into the output.
  """
  window = len(ready.r) - 1
  batch, length = len(x), x.shape[1] - window
  size = min(length, window)
  count = -(-length // size)
  finite = jnp.isfinite(x).all(-1)
  x = jnp.where(finite[..., None], x, 0)

  def queries(x):
    rest = [(0, 0), (0, count * size - length), *[(0, 0)] * (x.ndim - 2)]
    return jnp.pad(x[:, window:], rest).reshape(
      batch, count, size, *x.shape[2:]
    )

  def keys(x):
    before = x[:, : count * window]
    before = before.reshape(batch, count, window, *x.shape[2:])
    return jnp.concatenate([before, queries(x)], 2)

  q = jnp.einsum('bcid,dhe->bcihe', queries(x), ready.W_q)
  k = keys(jnp.einsum('btd,dhe->bthe', x, ready.W_k))
  v = keys(jnp.einsum('btd,dhe->bthe', x, ready.W_v))
  score = jnp.einsum('bcihe,bcjhe->bchij', q + ready.u, k)
  score += _skew(jnp.einsum('bcihe,mhe->bchim', q + ready.v, ready.r))
  ahead = jnp.arange(window + size) - jnp.arange(size)[:, None]
  sees = (ahead >= 0) & (ahead <= window)
  sees &= queries(episode)[..., None] == keys(episode)[..., None, :]
  p = jax.nn.softmax(score, where=sees[:, :, None])
  y = jnp.einsum('bchij,bcjhe->bcihe', p, v)
  spoilt = (sees & ~keys(finite)[..., None, :]).any(-1)
  y = jnp.where(spoilt[..., None, None], jnp.nan, y)
  return y.reshape(batch, count * size, -1)[:, :length]


def _skew(
  P: Float[Array, '*lead queries terms'],
) -> Float[Array, '*lead queries keys']:
  """S[i, i + m] = P[i, m]: rows one too long, read as rows that are not."""
  *lead, queries, terms = P.shape
  keys = terms - 1 + queries
  P = jnp.pad(P, [*[(0, 0)] * (P.ndim - 1), (0, queries)])
  P = P.reshape(*lead, -1)[..., : queries * keys]
  return P.reshape(*lead, queries, keys)
