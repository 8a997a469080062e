"""The speed program: what everything takes on this device, in one run.

Fills the run folder with `speed.json` (every number), `speed.md` (the tables)
and `speed.png` (time and memory by sequence length). Competitors take turns, so
ratios hold on a machine that does other things too; see `benchmarks.clock`.
"""

import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import jax
import numpy as np

from experiments import provenance
from experiments.benchmarks import clock
from experiments.figures import speed_page


def speed(
  parts: Sequence[Callable[[], clock.Report]],
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    parts: what is measured, `() -> Report`, in turn; the run folder is written
      after each.

  Raises:
    ValueError: If there is nothing to measure.
  """
  if not parts:
    raise ValueError(
      'speed: nothing to measure; got no parts; change speed.speed.parts'
    )

  def run(workdir: Path) -> None:
    rows, ratios = [], {}
    for number, part in enumerate(parts, 1):
      print(f'measuring part {number} of {len(parts)} ...', flush=True)
      found = part()
      rows += found.rows
      ratios |= found.ratios
      report = _report(rows, ratios)
      text = json.dumps(report, indent=2) + '\n'
      provenance.write_whole(workdir / 'speed.json', text)
    speed_page.write(workdir, report)

  return run


def _report(rows, ratios):
  device = jax.devices()[0]
  return {
    'device': f'{device.platform} {device.device_kind}',
    'devices': jax.device_count(),
    'date': date.today().isoformat(),
    'versions': provenance.versions(),
    'results': [
      row | {'frames_per_second': row['frames'] / np.median(row['seconds'])}
      for row in rows
    ],
    'growth': growth(rows),
    'ratios': {name: float(np.median(x)) for name, x in ratios.items()},
    'spread': {name: [min(x), max(x)] for name, x in ratios.items()},
  }


def growth(rows: Sequence[clock.Row]) -> dict[str, float]:
  """Returns the exponent p of seconds ~ T^p by part and model, a fit.

  Args:
    rows: measurements; those whose frames grow with their length count.
  """
  points = {}
  for row in rows:
    if 'length' in row:
      at = np.log([row['frames'], np.median(row['seconds'])])
      points.setdefault(f'{row["part"]}_{row["what"]}', []).append(at)
  return {
    name: float(np.polyfit(*np.transpose(p), 1)[0])
    for name, p in points.items()
    if p[0][0] < p[-1][0]
  }
