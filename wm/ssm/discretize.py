"""From x' = A x + B u to x_k = A_bar x_{k-1} + B_bar u_k.

A diagonal A = Lambda gives (Lambda_bar, gain) with B_bar = gain B; `zoh` and
`bilinear` may stand for each other. Complex arrays hold one of each conjugate
pair: a product with the conjugate transpose P* of a whole vector is 2 Re of the
sum over the pairs.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float


def zoh(
  Lambda: Complex[Array, '*axes'], dt: Float[Array, '*#axes']
) -> tuple[Complex[Array, '*axes'], Complex[Array, '*axes']]:
  """Zero-order hold, exact for an input that is constant over a step.

  Lambda_bar = exp(dt Lambda), gain = (exp(dt Lambda) - 1) / Lambda. Smith et
  al. 2023, arXiv 2208.04933, equation 6.

  Args:
    Lambda: eigenvalues, Re Lambda < 0.
    dt: the step, in the time unit of Lambda.

  Returns:
    Lambda_bar and gain.
  """
  return jnp.exp(dt * Lambda), jnp.expm1(dt * Lambda) / Lambda


def bilinear(
  Lambda: Complex[Array, '*axes'], dt: Float[Array, '*#axes']
) -> tuple[Complex[Array, '*axes'], Complex[Array, '*axes']]:
  """The bilinear or Tustin method, A_bar = (I - dt/2 A)^-1 (I + dt/2 A).

  gain = (1 - dt/2 Lambda)^-1 dt. Gu et al. 2022, arXiv 2111.00396, equation 3.

  Args:
    Lambda: eigenvalues, Re Lambda < 0.
    dt: the step, in the time unit of Lambda.

  Returns:
    Lambda_bar and gain.
  """
  R = 1 / (1 - dt / 2 * Lambda)
  return (1 + dt / 2 * Lambda) * R, dt * R


class Discrete(NamedTuple):
  """One step, x_k = a x_{k-1} - g Re(sum e x_{k-1}) + b u_k.

  Attributes:
    a: the diagonal part of A_bar, `[D, pairs]`.
    g: the column of its rank-one part.
    e: the row of its rank-one part.
    b: B_bar.
  """

  a: Complex[Array, 'D pairs']
  g: Complex[Array, 'D pairs']
  e: Complex[Array, 'D pairs']
  b: Complex[Array, 'D pairs']


def low_rank_bilinear(
  Lambda: Complex[Array, 'D pairs'],
  P: Complex[Array, 'D pairs'],
  B: Complex[Array, 'D pairs'],
  dt: Float[Array, ' D'],
) -> Discrete:
  """Bilinear discretisation of A = Lambda - P P*, which keeps its form.

  A_bar = (I - dt/2 A)^-1 (I + dt/2 A) = 2 R - I and B_bar = dt R B with
  R = (I - dt/2 A)^-1, by Woodbury a diagonal F = 1 / (1 - dt/2 Lambda) plus
  rank one. Gu et al. 2022, arXiv 2111.00396, equation 3 and appendix C.2.

  Args:
    Lambda: eigenvalues of the normal part, Re Lambda < 0.
    P: the low-rank part.
    B: the input.
    dt: the step, in the time unit of A.

  Returns:
    The step. A_bar contracts, whatever P.
  """
  h = dt[:, None] / 2
  F = 1 / (1 - h * Lambda)
  low_rank = (F * (P * P.conj())).real.sum(-1, keepdims=True)
  g = 4 * h / (1 + 2 * h * low_rank) * (F * P)
  e = P.conj() * F
  RB = F * B - g / 2 * (e * B).real.sum(-1, keepdims=True)
  return Discrete((1 + h * Lambda) * F, g, e, 2 * h * RB)
