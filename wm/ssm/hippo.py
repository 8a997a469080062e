"""HiPPO-LegS and its normal-plus-low-rank form, in numpy float64."""

import numpy as np
from jaxtyping import Complex, Float


def legs(
  order: int,
) -> tuple[Float[np.ndarray, 'N N'], Float[np.ndarray, ' N']]:
  """HiPPO-LegS, the memory of a past by Legendre polynomials.

  A[n, k] = -sqrt(2n + 1) sqrt(2k + 1) for n > k, -(n + 1) for n = k, else 0;
  B[n] = sqrt(2n + 1). Gu et al. 2020, "HiPPO", arXiv 2008.07669.

  Args:
    order: N, the number of coefficients.

  Returns:
    A and B of x' = A x + B u.
  """
  n = np.arange(order)
  root = np.sqrt(2.0 * n + 1.0)
  return -np.tril(np.outer(root, root), -1) - np.diag(n + 1.0), root


def normal(
  order: int,
) -> tuple[Complex[np.ndarray, ' pairs'], Complex[np.ndarray, 'pairs N']]:
  """The normal part of LegS, HiPPO-N: A + P P^T = V Lambda V*.

  With P[n] = sqrt(n + 1/2) it is -I/2 plus a skew matrix, so a unitary V
  diagonalises it. Eigenvalues come in conjugate pairs and one of each pair is
  kept: a real sum over the state is 2 Re of the sum over what is returned. Gu
  et al. 2022, arXiv 2111.00396, theorem 1 and appendix C.1.

  Args:
    order: N, even.

  Returns:
    Lambda and the rows of V*, the half with Im Lambda > 0.
  """
  A, _ = legs(order)
  P = _low_rank(order)
  S = A + np.outer(P, P)
  frequencies, V = np.linalg.eigh(-1j * (S + 0.5 * np.eye(order)))
  half = slice(order // 2, None)
  return -0.5 + 1j * frequencies[half], V.conj().T[half]


def nplr(
  order: int,
) -> tuple[
  Complex[np.ndarray, ' pairs'],
  Complex[np.ndarray, ' pairs'],
  Complex[np.ndarray, ' pairs'],
]:
  """LegS as normal plus low rank, A = V (Lambda - P P*) V*; see `normal`.

  Args:
    order: N, even.

  Returns:
    Lambda, V* P and V* B, the half with Im Lambda > 0.
  """
  _, B = legs(order)
  Lambda, V_star = normal(order)
  return Lambda, V_star @ _low_rank(order), V_star @ B


def s4d_legs(order: int) -> Complex[np.ndarray, ' pairs']:
  """S4D-LegS, the eigenvalues of the normal part of LegS.

  This and the next two: Gu et al. 2022, "On the Parameterization and
  Initialization of Diagonal State Space Models", arXiv 2206.11893.

  Args:
    order: N, even.

  Returns:
    Lambda, one of each conjugate pair.
  """
  return normal(order)[0]


def s4d_lin(order: int) -> Complex[np.ndarray, ' pairs']:
  """S4D-Lin, Lambda_n = -1/2 + i pi n; see `s4d_legs`."""
  return -0.5 + 1j * np.pi * np.arange(order // 2)


def s4d_inv(order: int) -> Complex[np.ndarray, ' pairs']:
  """S4D-Inv, Lambda_n = -1/2 + i N/pi (N/(2n + 1) - 1); see `s4d_legs`."""
  n = np.arange(order // 2)
  return -0.5 + 1j * order / np.pi * (order / (2 * n + 1) - 1)


def _low_rank(order):
  return np.sqrt(np.arange(order) + 0.5)
