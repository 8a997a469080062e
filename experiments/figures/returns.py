"""What a policy brings in while it learns, imagined and true."""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

_STYLES = ':', '--', '-.'  # Of bounds.


def write(
  path: Path,
  curve: Mapping[str, Sequence[tuple[int, float]]],
  bounds: Mapping[str, float],
) -> None:
  """Writes a PNG.

  Args:
    path: Of it.
    curve: By name, `(steps, return)`.
    bounds: Returns that need no learning, by name.
  """
  figure, axes = plt.subplots(figsize=(6, 3.2), layout='constrained')
  for (name, value), style in zip(
    bounds.items(), itertools.cycle(_STYLES), strict=False
  ):
    axes.axhline(value, color='0.6', ls=style, label=name)
  for number, (name, points) in enumerate(curve.items()):
    if points:
      steps, value = np.array(points, float).T
      axes.plot(steps, value, f'C{number}', marker='.', label=name)
  axes.set(
    xlabel='imagined steps of all environments',
    ylabel='return of an episode',
    ylim=(0, None),
  )
  axes.legend(frameon=False)
  axes.spines[['top', 'right']].set_visible(False)
  figure.savefig(path, dpi=150)
  plt.close(figure)
