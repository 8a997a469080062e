"""The plan of the balanced pole: every number of the world and of its script.

The physics are those of brax's `inverted_pendulum`. This project's choice: a
pole that leans too far is fallen and stays as it is, so that all episodes have
one length; how long they are; and the script's numbers.
"""

from typing import NamedTuple

ACTIONS = ('force',)
STATE = ('position', 'angle', 'velocity', 'angular velocity')

LEAN = 0.2
"""Radians that the pole may lean; brax ends an episode there."""

GAINS = (0.5, 4.0, 0.6, 0.6)
"""Force for each number of the state, near those of a linear-quadratic
regulator, which balances without end."""

SPREAD = 2.0
"""A script's gains are these times draws from 0 to this: half of all scripts
let the pole fall."""

NOISE = 1.0
"""Largest width of the noise on a script's forces; it is drawn by episode."""


class Balance(NamedTuple):
  """A cart on a rail, which balances a pole.

  Attributes:
    context: steps seen before imagining.
    query: steps to imagine.
  """

  context: int = 5
  query: int = 95

  @property
  def actions(self) -> tuple[str, ...]:
    """Names of the numbers of an action."""
    return ACTIONS

  @property
  def frame(self) -> tuple[int, ...]:
    """(S,), of m, rad, m/s and rad/s."""
    return (len(STATE),)

  @property
  def length(self) -> int:
    """Steps of an episode."""
    return self.context + self.query


PLANS = {
  'inverted_pendulum': Balance(),
  'inverted_pendulum_laptop': Balance(),
  'inverted_pendulum_smoke': Balance(4, 12),
}
"""By the name of a configuration."""
