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


def nplr(
  order: int,
) -> tuple[
  Complex[np.ndarray, ' pairs'],
  Complex[np.ndarray, ' pairs'],
  Complex[np.ndarray, ' pairs'],
]:
  """LegS as normal plus low rank, A = V (Lambda - P P*) V*.

  A + P P^T with P[n] = sqrt(n + 1/2) is -I/2 plus a skew matrix, so a unitary
  V diagonalises it. Eigenvalues come in conjugate pairs and one of each pair
  is kept: a real sum over the state is 2 Re of the sum over what is returned.
  Gu et al. 2022, arXiv 2111.00396, theorem 1 and appendix C.1.

  Args:
    order: N, even.

  Returns:
    Lambda, V* P and V* B, the half with Im Lambda > 0.
  """
  A, B = legs(order)
  P = np.sqrt(np.arange(order) + 0.5)
  S = A + np.outer(P, P)
  frequencies, V = np.linalg.eigh(-1j * (S + 0.5 * np.eye(order)))
  half = slice(order // 2, None)
  V = V.conj().T[half]
  return -0.5 + 1j * frequencies[half], V @ P, V @ B
