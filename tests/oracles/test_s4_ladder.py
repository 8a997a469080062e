"""S4 from its definition to its fast form, each rung against the one before.

Oracles are numpy float64 and SciPy; what is tested is float32.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.signal

from wm.backbones import s4
from wm.ssm import discretize, dplr, fft, hippo

DT = np.array([1e-3, 1e-2, 1e-1])


def close(got, want, relative):
  got, want = np.asarray(got), np.asarray(want)
  assert got.shape == want.shape
  assert np.abs(got - want).max() <= relative * np.abs(want).max()


def full(half):
  return np.concatenate([half, half.conj()])


def real(Lambda, P, B):
  """The system of pairs as a real one on [Re x, Im x], in float64."""
  p, b = (np.concatenate([x.real, x.imag]) for x in (P, B))
  re, im = np.diag(Lambda.real), np.diag(Lambda.imag)
  return np.block([[re, -im], [im, re]]) - 2 * np.outer(p, p), b


def bilinear(A, b, dt):
  n = len(b)
  system = A, b[:, None], np.eye(n), np.zeros((n, 1))
  A_bar, B_bar, *_ = scipy.signal.cont2discrete(system, dt, 'bilinear')
  return A_bar, B_bar[:, 0]


def row(C):
  return 2 * np.concatenate([C.real, -C.imag])


def powers(A, b, length):
  columns = [b]
  for _ in range(length - 1):
    columns.append(A @ columns[-1])
  return np.stack(columns, -1)


def systems(order):
  """LegS at three steps with a random output: Lambda, P, B, C, dt."""
  Lambda, P, B = hippo.nplr(order)
  draw = np.random.default_rng(0)
  C = draw.normal(size=(2, len(DT), order // 2))
  C = C[0] + 1j * C[1]
  return (*(np.tile(x, (len(DT), 1)) for x in (Lambda, P, B)), C, DT)


def single(*arrays):
  kinds = {'c': np.complex64, 'f': np.float32}
  return tuple(jnp.asarray(x, kinds[x.dtype.kind]) for x in arrays)


def truncated(Lambda, P, B, C, dt, length):
  """C~ = C (I - A_bar^length) in float64."""
  found = []
  for i in range(len(dt)):
    A_bar, _ = bilinear(*real(Lambda[i], P[i], B[i]), dt[i])
    r = row(C[i]) - row(C[i]) @ np.linalg.matrix_power(A_bar, length)
    re, im = np.split(r / 2, 2)
    found.append(re - 1j * im)
  return np.stack(found)


def kernel(Lambda, P, B, C, dt, length):
  """K_t = C A_bar^t B_bar by powers in float64."""
  found = []
  for i in range(len(dt)):
    A_bar, B_bar = bilinear(*real(Lambda[i], P[i], B[i]), dt[i])
    found.append(row(C[i]) @ powers(A_bar, B_bar, length))
  return np.stack(found)


def test_legs_by_its_definition():
  A, B = hippo.legs(4)
  for n in range(4):
    assert B[n] == pytest.approx((2 * n + 1) ** 0.5)
    for k in range(4):
      lower = -(((2 * n + 1) * (2 * k + 1)) ** 0.5)
      want = lower if n > k else -(n + 1) if n == k else 0
      assert A[n, k] == pytest.approx(want)


def test_legs_remembers_a_constant():
  """dx/dt = (A x + B u) / t has Legendre coefficients (1, 0, ...) of u = 1."""
  A, B = hippo.legs(6)
  np.testing.assert_allclose(np.linalg.solve(-A, B), np.eye(6)[0], atol=1e-12)


@pytest.mark.parametrize('order', [2, 8, 64])
def test_normal_plus_low_rank_is_legs(order):
  A, B = hippo.legs(order)
  P = np.sqrt(np.arange(order) + 0.5)
  Lambda, P_half, B_half = hippo.nplr(order)
  assert (Lambda.imag > 0).all()
  np.testing.assert_allclose(Lambda.real, -0.5)
  p, b = full(P_half), full(B_half)
  A_unitary = np.diag(full(Lambda)) - np.outer(p, p.conj())
  # Inner products along the Krylov space do not depend on the unitary basis.
  x, y = B, b
  for _ in range(4):
    for left, left_unitary in (B, b), (P, p):
      want = left @ x
      np.testing.assert_allclose(left_unitary.conj() @ y, want, rtol=1e-9)
    x, y = A @ x, A_unitary @ y


@pytest.mark.parametrize('order', [8, 64])
def test_bilinear_is_scipys(order):
  Lambda, P, B, _, dt = systems(order)
  got = discretize.low_rank_bilinear(*single(Lambda, P, B, dt))
  for i in range(len(dt)):
    A_bar, B_bar = bilinear(*real(Lambda[i], P[i], B[i]), dt[i])
    close(dplr.dense(got)[i], A_bar, 1e-6)
    close(dplr.to_real(got.b)[i], B_bar, 1e-6)


def test_bilinear_contracts_whatever_the_low_rank_part():
  Lambda, P, B, _, dt = systems(16)
  for scale in 0.1, 1, 30:
    system = discretize.low_rank_bilinear(*single(Lambda, scale * P, B, dt))
    norms = np.linalg.norm(dplr.dense(system), 2, axis=(1, 2))
    assert (norms < 1 + 1e-6).all()


def test_step_is_the_dense_recurrence():
  Lambda, P, B, _, dt = systems(8)
  system = discretize.low_rank_bilinear(*single(Lambda, P, B, dt))
  u = np.random.default_rng(1).normal(size=(20, 2, len(dt)))
  x = jnp.zeros((2, len(dt), 4), jnp.complex64)
  for u_k in u:
    x = dplr.step(system, x, jnp.asarray(u_k, jnp.float32))
  for i in range(len(dt)):
    A_bar, B_bar = bilinear(*real(Lambda[i], P[i], B[i]), dt[i])
    want = u[::-1, :, i].T @ powers(A_bar, B_bar, 20).T
    close(dplr.to_real(x)[:, i], want, 1e-5)


def test_the_kernel_is_the_recurrence():
  """The oracles agree: powers with np.convolve, and a loop over x_k."""
  Lambda, P, B, C, dt = systems(8)
  K = kernel(Lambda, P, B, C, dt, 30)
  u = np.random.default_rng(1).normal(size=30)
  for i in range(len(dt)):
    A_bar, B_bar = bilinear(*real(Lambda[i], P[i], B[i]), dt[i])
    x, y = np.zeros(8), []
    for u_k in u:
      x = A_bar @ x + B_bar * u_k
      y.append(row(C[i]) @ x)
    np.testing.assert_allclose(np.convolve(K[i], u)[:30], y, rtol=1e-9)


@pytest.mark.parametrize(
  ('order', 'length'), [(2, 1), (2, 2), (8, 15), (8, 16), (64, 200), (64, 1001)]
)
def test_cauchy_and_woodbury_give_the_kernel_by_powers(order, length):
  Lambda, P, B, C, dt = systems(order)
  C_truncated = truncated(Lambda, P, B, C, dt, length)
  got = dplr.kernel(*single(Lambda, P, B, C_truncated, dt), length)
  want = kernel(Lambda, P, B, C, dt, length)
  for i in range(len(dt)):
    close(got[i], want[i], 1e-4)


@pytest.mark.parametrize(
  ('order', 'length'), [(2, 1), (2, 2), (8, 15), (8, 16), (64, 200), (64, 1001)]
)
def test_untruncating_recovers_the_output(order, length):
  Lambda, P, B, C, dt = systems(order)
  C_truncated = truncated(Lambda, P, B, C, dt, length)
  got = dplr.untruncate(*single(Lambda, P, C_truncated, dt), length)
  for i in range(len(dt)):
    close(got[i], C[i], 1e-4)


def test_gradients_of_the_kernel_are_finite_differences():
  Lambda, P, B, C, dt = systems(8)
  draw = np.random.default_rng(2)
  weight = draw.normal(size=(len(dt), 16))

  def loss(*system):
    return jnp.sum(dplr.kernel(*system, 16) * jnp.asarray(weight, jnp.float32))

  got = jax.grad(loss, range(5))(*single(Lambda, P, B, C, dt))

  # By powers in float64, C~ fixed: K = C~ (I - A_bar^16)^-1 A_bar^t B_bar.
  def oracle(Lambda, P, B, C, dt):
    total = 0
    for i in range(len(dt)):
      A_bar, B_bar = bilinear(*real(Lambda[i], P[i], B[i]), dt[i])
      escape = np.eye(8) - np.linalg.matrix_power(A_bar, 16)
      r = np.linalg.solve(escape.T, row(C[i]))
      total += r @ powers(A_bar, B_bar, 16) @ weight[i]
    return total

  system = [Lambda, P, B, C, dt]
  for i, x in enumerate(system):
    direction = draw.normal(size=x.shape) * x
    step = 1e-6 * direction
    change = [
      oracle(*system[:i], x + sign * step, *system[i + 1 :]) for sign in (1, -1)
    ]
    slope = np.sum((np.asarray(got[i]) * direction).real)
    assert slope == pytest.approx((change[0] - change[1]) / 2e-6, rel=1e-3)


def test_krylov_is_powers():
  draw = np.random.default_rng(0)
  A, b = draw.normal(size=(2, 4, 4)) / 4, draw.normal(size=(2, 4))
  for length in 1, 2, 7, 8:
    got = dplr.krylov(*single(A, b), length)
    close(got, np.stack([powers(A[i], b[i], length) for i in (0, 1)]), 1e-5)


@pytest.mark.parametrize('taps', [1, 5, 20, 33])
def test_fft_convolution_is_numpys(taps):
  draw = np.random.default_rng(0)
  u, K = draw.normal(size=(2, 20, 3)), draw.normal(size=(3, taps))
  got = fft.convolve(*single(u, K))
  for b in range(2):
    for d in range(3):
      close(got[b, :, d], np.convolve(u[b, :, d], K[d])[:20], 1e-5)


def test_sizes_are_smooth_and_enough():
  assert [fft.size(n) for n in (0, 1, 2, 7, 13, 399, 2001)] == [
    2,
    2,
    2,
    8,
    16,
    400,
    2048,
  ]


def test_slow_modes_keep_values_and_gradients():
  """Damping at its bound, no oscillation: |d|^4 of the Cauchy sums is 1e-59."""
  layer = s4.layer(4, 8, 16, 1e-3, 1e-3)
  u = jax.random.normal(jax.random.key(1), (2, 16, 4))
  params = layer.init(jax.random.key(0), u)
  params['Lambda_re'] = jnp.full_like(params['Lambda_re'], -30)
  params['Lambda_im'] = jnp.zeros_like(params['Lambda_im']).at[:, 1:].set(3.0)

  def loss(params, is_first):
    return jnp.sum(layer.apply(params, None, u, is_first)[1] ** 2)

  for is_first in None, jnp.zeros((2, 16), bool):
    value, slope = jax.jit(jax.value_and_grad(loss))(params, is_first)
    for leaf in jax.tree.leaves((value, slope)):
      assert np.isfinite(leaf).all()


def test_a_carry_that_is_dropped_costs_nothing():
  backbone = s4.s4(width=8, depth=1, order=8, length=32)
  u = jax.random.normal(jax.random.key(1), (2, 32, 8))
  params = backbone.init(jax.random.key(0), u)

  def flops(f):
    return jax.jit(f).lower(params, u).compile().cost_analysis()['flops']

  both = flops(lambda params, u: backbone.apply(params, None, u, None))
  alone = flops(lambda params, u: backbone.apply(params, None, u, None)[1])
  assert alone < 0.9 * both


def test_bad_arguments_name_their_parameter():
  for name, value in ('order', 7), ('order', 0), ('length', 0), ('expand', 0):
    with pytest.raises(ValueError, match=f'got {value}; change s4.s4.{name}'):
      s4.s4(**{name: value})
  with pytest.raises(ValueError, match=r'change s4\.s4\.dt_min'):
    s4.s4(dt_min=1.0, dt_max=0.1)
