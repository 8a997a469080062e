"""Diagonal systems against dense real ones, in numpy float64 and SciPy."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from wm.backbones import s4d, s5
from wm.ssm import diagonal, discretize, hippo, scan

B, D, ORDER = 2, 4, 8


def close(got, want, relative=2e-5):
  got, want = np.asarray(got), np.asarray(want)
  assert got.shape == want.shape
  assert np.abs(got - want).max() <= relative * np.abs(want).max()


def as_real(x):
  """A complex matrix as a real one on [Re, Im]."""
  return np.block([[x.real, -x.imag], [x.imag, x.real]])


def zoh(A, B):
  """exp of [[A, B], [0, 0]], which holds A_bar and B_bar over a unit step."""
  n, inputs = B.shape
  both = np.block([[A, B], [np.zeros((inputs, n + inputs))]])
  both = scipy.linalg.expm(both)
  return both[:n, :n], both[:n, n:]


def bilinear(A, B):
  eye = np.eye(len(A))
  inverse = np.linalg.inv(eye - A / 2)
  return inverse @ (eye + A / 2), inverse @ B


METHODS = {discretize.zoh: zoh, discretize.bilinear: bilinear}


@pytest.fixture(params=METHODS, ids=lambda method: method.__name__)
def method(request):
  return request.param


def run(A_bar, B_bar, C, x, u, starts=None):
  """Steps a dense system; x `[N]`, u `[T, I]`; returns all x and all C x."""
  states = []
  for t, u_t in enumerate(u):
    x = 0 * x if starts is not None and starts[t] else x
    x = A_bar @ x + B_bar @ u_t
    states.append(x)
  return np.array(states), np.array(states) @ C.T


def inputs(length):
  return np.random.default_rng(1).normal(size=(B, length, D))


def single(tree):
  kinds = {'c': np.complex64, 'f': np.float32, 'b': bool}
  return jax.tree.map(lambda x: jnp.asarray(x, kinds[x.dtype.kind]), tree)


def start(layer):
  """The initial parameters in float64."""
  params = layer.init(jax.random.key(0), jnp.asarray(inputs(1)))
  return {name: np.asarray(x, np.float64) for name, x in params.items()}


def perturbed(params):
  """Parameters away from their start, so that states and channels differ."""
  draw = np.random.default_rng(0)
  return {k: x + 0.3 * draw.normal(size=x.shape) for k, x in params.items()}


def modes(params):
  Lambda = -np.exp(params['Lambda_re']) - 1e-4 + 1j * params['Lambda_im']
  return Lambda, params['C'] @ [1, 1j], np.exp(params['log_dt'])


def s4d_layer(method):
  layer = s4d.layer(D, hippo.s4d_legs(ORDER), method, 1e-2, 1e-1)
  return layer, perturbed(start(layer))


def s4d_dense(params, method, channel):
  """A_bar, B_bar and the rows of C of one channel."""
  Lambda, C, dt = (x[channel] for x in modes(params))
  A = as_real(np.diag(dt * Lambda))
  one = np.repeat([dt, 0], len(Lambda))[:, None]
  row = 2 * np.concatenate([C.real, -C.imag])[None]
  return *METHODS[method](A, one), row


def s5_layer(method, dt_min=1e-2, way=scan.by_platform):
  layer = s5.layer(D, ORDER, 2, method, way, dt_min, 1e-1)
  return layer, start(layer)


def s5_dense(params, method):
  Lambda, C, dt = modes(params)
  push = dt[:, None] * (params['B'] @ [1, 1j])
  push = np.concatenate([push.real, push.imag])
  C = 2 * np.concatenate([C.real, -C.imag], 1)
  return *METHODS[method](as_real(np.diag(dt * Lambda)), push), C


def real_state(x):
  return np.concatenate([x.real, x.imag], -1)


def carry(*shape):
  draw = np.random.default_rng(2)
  return draw.normal(size=shape) + 1j * draw.normal(size=shape)


def test_a_discretised_mode_is_dense(method):
  Lambda = np.array([-0.5 + 3j, -1e-4, -20 + 1j, -0.5 + 300j])
  for dt in 1e-3, 1e-1:
    steps = np.full(4, dt)
    a, gain = method(*single((Lambda + 0j, steps)))
    for i, z in enumerate(dt * Lambda):
      A_bar, B_bar = METHODS[method](as_real(np.diag([z])), dt * np.eye(2))
      close(as_real(np.asarray(a)[i : i + 1, None]), A_bar)
      close(as_real(np.asarray(gain)[i : i + 1, None]), B_bar)


def test_the_normal_part_of_legs_is_diagonalised():
  A, _ = hippo.legs(ORDER)
  P = np.sqrt(np.arange(ORDER) + 0.5)
  Lambda, V_star = hippo.normal(ORDER)
  assert (Lambda.imag > 0).all()
  np.testing.assert_allclose(V_star @ V_star.conj().T, np.eye(4), atol=1e-12)
  got = 2 * (V_star.conj().T @ np.diag(Lambda) @ V_star).real
  np.testing.assert_allclose(got, A + np.outer(P, P), atol=1e-12)


def test_initial_modes_of_s4d_by_their_definitions():
  N = 6
  lin, inv = hippo.s4d_lin(N), hippo.s4d_inv(N)
  for n in range(3):
    assert lin[n] == pytest.approx(-0.5 + 1j * np.pi * n)
    assert inv[n] == pytest.approx(
      -0.5 + 1j * N / np.pi * (N / (2 * n + 1) - 1)
    )
  A, _ = hippo.legs(N)
  P = np.sqrt(np.arange(N) + 0.5)
  both = np.linalg.eigvals(A + np.outer(P, P))
  want = sorted(both[both.imag > 0], key=np.imag)
  np.testing.assert_allclose(hippo.s4d_legs(N), want)
  for modes_of in hippo.s4d_lin, hippo.s4d_inv, hippo.s4d_legs:
    assert modes_of(N).shape == (3,)
    np.testing.assert_allclose(modes_of(N).real, -0.5)


@pytest.mark.parametrize('length', [1, 2, 3, 16, 37, 150])
def test_the_kernel_and_the_states_of_s4d_are_dense(method, length):
  layer, params = s4d_layer(method)
  x_0, u = carry(B, D, ORDER // 2), inputs(length)
  system = layer.prepare(single(params))
  K = diagonal.kernel(system, length)
  for past in x_0, None:
    after, y = jax.jit(layer.apply)(*single((params, past, u)), None)
    for c in range(D):
      A_bar, B_bar, C = s4d_dense(params, method, c)
      impulse = np.eye(length)[:, :1]
      close(K[c], run(A_bar, B_bar, C, np.zeros(ORDER), impulse)[1][:, 0])
      for b in range(B):
        x = np.zeros(ORDER) if past is None else real_state(past[b, c])
        states, out = run(A_bar, B_bar, C, x, u[b, :, c, None])
        close(y[b, :, c], out[:, 0] + params['D'][c] * u[b, :, c])
        close(real_state(after[b, c]), states[-1])


@pytest.mark.parametrize('length', [1, 37])
@pytest.mark.parametrize('way', [scan.by_platform, scan.associative])
def test_s5_with_resets_is_dense(method, length, way):
  layer, params = s5_layer(method, way=way)
  params = perturbed(params)
  x_0, u = carry(B, ORDER // 2), inputs(length)
  starts = np.zeros((B, length), bool)
  starts[1, length // 2] = True
  args = single((params, x_0, u, starts))
  after, y = jax.jit(layer.apply)(*args)
  for b in range(B):
    system = s5_dense(params, method)
    states, out = run(*system, real_state(x_0[b]), u[b], starts[b])
    close(y[b], out + params['D'] * u[b])
    close(real_state(after[b]), states[-1])


def test_s5_starts_as_blocks_of_hippo(method, monkeypatch):
  """With one step size it is the real HiPPO-N system of B0 and C0."""

  def draw(key, shape):
    return jnp.cos(jnp.arange(np.prod(shape))).reshape(shape)

  monkeypatch.setattr(s5, '_LECUN', draw)
  layer, params = s5_layer(method, dt_min=1e-1)
  A, _ = hippo.legs(ORDER // 2)
  P = np.sqrt(np.arange(ORDER // 2) + 0.5)
  A = np.kron(np.eye(2), A + np.outer(P, P))
  B_0, C_0 = draw(None, (D, ORDER)).T, draw(None, (ORDER, D)).T
  u = inputs(30)
  _, y = jax.jit(layer.apply)(*single((params, None, u)), None)
  A_bar, B_bar = METHODS[method](0.1 * A, 0.1 * np.asarray(B_0, np.float64))
  for b in range(B):
    _, out = run(A_bar, B_bar, np.asarray(C_0), np.zeros(ORDER), u[b])
    close(y[b], out + params['D'] * u[b])


def test_s5_starts_at_unit_scale():
  """B0 and C0 have the variance of LeCun, 1 / inputs, whatever the blocks."""
  layer = s5.layer(64, 128, 4, discretize.zoh, scan.sequential, 1e-3, 1e-1)
  params = layer.init(jax.random.key(0), jnp.zeros((1, 1, 64)))
  assert 64 * np.square(params['B']).sum(-1).mean() == pytest.approx(1, abs=0.1)
  assert 128 * np.square(params['C']).sum(-1).mean() == pytest.approx(
    1, abs=0.1
  )
  steps = np.exp(params['log_dt'])
  assert steps.min() >= 1e-3
  assert steps.max() <= 1e-1


def test_the_ways_of_scanning_make_one_s5():
  u = single(inputs(20))
  first = jnp.zeros((B, 20), bool).at[:, 7].set(True)
  build = functools.partial(s5.s5, width=D, depth=1, order=8, hippo_blocks=2)
  params = build().init(jax.random.key(0), u)
  want = jax.jit(build().apply)(params, None, u, first)
  for way in scan.associative, scan.sequential:
    got = jax.jit(build(scan=way).apply)(params, None, u, first)
    jax.tree.map(close, got, want)


def test_bad_arguments_name_their_parameter():
  for name, value in ('order', 7), ('order', 0), ('expand', 0):
    with pytest.raises(ValueError, match=f'got {value}; change s4d.s4d.{name}'):
      s4d.s4d(**{name: value})
  for name, value in ('order', 24), ('hippo_blocks', 0), ('expand', 0):
    with pytest.raises(ValueError, match=f'got {value}; change s5.s5.{name}'):
      s5.s5(**{name: value})
  for name, build in ('s4d', s4d.s4d), ('s5', s5.s5):
    with pytest.raises(ValueError, match=f'change {name}.{name}.dt_min'):
      build(dt_min=1.0, dt_max=0.1)
