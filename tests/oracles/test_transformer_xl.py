"""Transformer-XL against its definition, a loop over queries in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wm.backbones import transformer_xl, views

BATCH, LENGTH, INPUT = 2, 19, 4
WIDTH, DEPTH, HEADS, WINDOW = 12, 2, 3, 5
REACH = DEPTH * WINDOW


def close(got, want):
  np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * np.abs(want).max())


def attention(params, x, starts):
  """One layer on x[T, D]; step t is of the episode that starts at starts[t]."""
  W_q, W_k, W_v, W_R = (params[f'W_{name}'] for name in 'qkvR')
  y = np.zeros_like(x)
  for t, first in enumerate(starts):
    for head in np.split(np.arange(WIDTH), HEADS):
      q, seen = x[t] @ W_q[:, head], range(max(first, t - WINDOW), t + 1)
      score = []
      for j in seen:
        angles = (t - j) / 10_000 ** (np.arange(0, WIDTH, 2) / WIDTH)
        R = np.concatenate([np.sin(angles), np.cos(angles)])
        content = (q + params['u'][head]) @ (x[j] @ W_k[:, head])
        position = (q + params['v'][head]) @ (R @ W_R[:, head])
        score.append((content + position) / np.sqrt(len(head)))
      p = np.exp(score) / np.exp(score).sum()
      y[t, head] = p @ x[seen.start : seen.stop] @ W_v[:, head]
  return y


def dense(params, x):
  return x @ params['kernel'] + params['bias']


def standardized(x):
  deviation = x - x.mean(-1, keepdims=True)
  return deviation / np.sqrt((deviation**2).mean(-1, keepdims=True) + 1e-5)


def norm(params, x):
  return standardized(x) * params['scale'] + params['bias']


def stack(params, u, starts):
  x = dense(params['embed'], u)
  for j in range(DEPTH):
    mix, mlp = params[f'block_{j}']['mix'], params[f'block_{j}']['mlp']
    y = attention(mix['attention'], standardized(x), starts)
    x = x + dense(mix['linear'], y)
    hidden = np.maximum(dense(mlp['up'], norm(mlp['norm'], x)), 0)
    x = x + dense(mlp['down'], hidden)
  return norm(params['norm'], x)


LAYER = transformer_xl.attention(WIDTH, HEADS, WINDOW), attention, WIDTH
STACK = (
  transformer_xl.transformer_xl(WIDTH, DEPTH, HEADS, WINDOW),
  stack,
  INPUT,
)


def drawn(backbone, width):
  """Parameters without zeros, and an input."""
  draw = np.random.default_rng(0)
  u = draw.normal(size=(BATCH, LENGTH, width)).astype(np.float32)
  params = backbone.init(jax.random.key(0), u)

  def moved(x):
    return (x + draw.normal(size=x.shape, scale=0.3)).astype(np.float32)

  return jax.tree.map(moved, params), u


def stepwise(backbone):
  return views.apply_from_step(
    backbone.initial, backbone.prepare, backbone.step
  )


RESETS = np.zeros((BATCH, LENGTH), bool)
RESETS[0, [0, 3, 11]] = RESETS[1, 8] = True


@pytest.mark.parametrize('member', [LAYER, STACK], ids=['layer', 'stack'])
@pytest.mark.parametrize('is_first', [None, RESETS], ids=['whole', 'resets'])
def test_the_definition(member, is_first):
  backbone, oracle, width = member
  params, u = drawn(backbone, width)
  resets = np.zeros((BATCH, LENGTH), bool) if is_first is None else is_first
  starts = np.maximum.accumulate(np.arange(LENGTH) * resets, 1)
  exact = jax.tree.map(np.float64, params)
  want = np.stack([oracle(exact, *row) for row in zip(u, starts, strict=True)])
  for view in backbone.apply, stepwise(backbone):
    close(jax.jit(view)(params, None, u, is_first)[1], want)
  carry, h = None, []
  for part in slice(2), slice(2, 13), slice(13, None):
    here = None if is_first is None else is_first[:, part]
    carry, y = jax.jit(backbone.apply)(params, carry, u[:, part], here)
    h.append(y)
  close(np.concatenate(h, 1), want)


def test_attention_of_jax():
  backbone, _, width = LAYER
  params, x = drawn(backbone, width)
  ready = backbone.prepare(params)
  q, k, v = (
    jnp.einsum('btd,dhe->bthe', x, W) for W in (ready.W_q, ready.W_k, ready.W_v)
  )
  far = np.arange(LENGTH)[:, None] - np.arange(LENGTH)
  r = ready.r[WINDOW - np.clip(far, 0, WINDOW)]
  want = jax.nn.dot_product_attention(
    q + ready.u,
    k,
    v,
    bias=jnp.einsum('bihe,ijhe->bhij', q + ready.v, r),
    scale=1,
    is_causal=True,
    local_window_size=(WINDOW, 0),
  )
  close(backbone.apply(params, None, x, None)[1], want.reshape(x.shape))


def test_it_sees_depth_times_window_steps_back_and_no_further():
  backbone, _, width = STACK
  params, u = drawn(backbone, width)

  weight = np.arange(float(WIDTH), dtype=np.float32)

  def at(u, t):
    return backbone.apply(params, None, u, None)[1][:, t].sum(0) @ weight

  slope = np.abs(jax.jit(jax.grad(at))(u, LENGTH - 1)).max((0, 2))
  assert (slope[: LENGTH - 1 - REACH] == 0).all()
  assert (slope[LENGTH - 1 - REACH :] > 1e-6).all()


@pytest.mark.parametrize('split', [0, 8])
def test_a_nan_reaches_those_who_see_it_in_both_views(split):
  backbone, _, width = LAYER
  params, u = drawn(backbone, width)
  u[0, 4] = np.nan
  is_first = np.zeros((BATCH, LENGTH), bool)
  want = np.zeros((BATCH, LENGTH), bool)
  want[0, 4 : 4 + WINDOW + 1] = True
  if split:
    is_first[0, split] = True
    want[0, split:] = False
  for view in backbone.apply, stepwise(backbone):
    _, y = view(params, None, u, is_first)
    np.testing.assert_array_equal(np.isnan(y).all(-1), want)
    np.testing.assert_array_equal(np.isnan(y).any(-1), want)


@pytest.mark.parametrize('size', ['heads', 'window', 'expand'])
def test_sizes_that_cannot_be_are_explained(size):
  change = f'change transformer_xl.transformer_xl.{size}'
  with pytest.raises(
    ValueError, match=f'{size} must be a positive integer; got 0; {change}'
  ):
    transformer_xl.transformer_xl(**{size: 0})


def test_heads_must_divide_the_width():
  with pytest.raises(ValueError, match='heads must divide width; got 3 and 8'):
    transformer_xl.transformer_xl(width=8, heads=3)
