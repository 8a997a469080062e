"""The speed program: how fast worlds play and draw on this device.

Writes `speed.json` in the run folder and prints a table. A measurement is a
list of rates, one for each repetition; the table shows the median and the
spread, since other work on the machine slows single repetitions down.
"""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import rich.console
import rich.table

Rates = dict[str, Any]
"""What was measured, its unit, and the rates: `{'what', 'unit', 'rates'}`."""


def speed(
  worlds: Sequence[str] = ('two_rooms', 'four_rooms', 'ten_rooms'),
  sizes: Sequence[int] = (64, 32),
  frames: int = 512,
  repetitions: int = 9,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    worlds: Names of layouts of rooms.
    sizes: Pixels of a side of the frames.
    frames: Frames drawn by one call, and worlds that step together.
    repetitions: How often each measurement is repeated.

  Raises:
    ValueError: If there is nothing to measure, or no such world.
  """
  from datasets.worlds import layout as layouts

  for name in worlds:
    if name not in layouts.LAYOUTS:
      raise ValueError(
        f'speed: no such world; got {name!r}, need one of '
        f'{", ".join(layouts.LAYOUTS)}; change speed.worlds'
      )
  for name, least in (('frames', frames), ('repetitions', repetitions)):
    if least < 1:
      raise ValueError(
        f'speed: too few {name}; got {least}, need 1 or more; change '
        f'speed.{name}'
      )

  def run(workdir: Path) -> None:
    found = []
    for name in worlds:
      layout = layouts.LAYOUTS[name]
      for size in sizes:
        found.append(render(layout._replace(size=size), frames, repetitions))
      found.append(play(layout, frames, repetitions))
      for result in found[-len(sizes) - 1 :]:
        result['what'] = f'{name}, {result["what"]}'
    device = jax.devices()[0]
    report = {
      'device': f'{device.platform} {device.device_kind}',
      'devices': jax.device_count(),
      'frames': frames,
      'results': found,
    }
    path = Path(workdir) / 'speed.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + '\n')
    _show(report)

  return run


def render(layout, frames: int, repetitions: int) -> Rates:
  """Measures drawing frames along scripted walks.

  Args:
    layout: A `datasets.worlds.layout.Layout`.
    frames: Frames drawn by one call.
    repetitions: How often the call is timed.
  """
  from datasets.worlds import rooms

  states = _states(layout, frames)
  draw = jax.jit(jax.vmap(lambda world: rooms.frame(layout, world)))
  size = f'{layout.size}x{layout.size}'
  return {
    'what': f'render {size}',
    'unit': 'frames/s',
    'rates': rates(lambda: draw(states), frames, repetitions),
  }


def play(layout, count: int, repetitions: int, steps: int = 64) -> Rates:
  """Measures steps of worlds without frames, under random actions.

  Args:
    layout: A `datasets.worlds.layout.Layout`.
    count: Worlds that step together.
    repetitions: How often the call is timed.
    steps: Steps of a call.
  """
  from datasets.worlds import layout as layouts
  from datasets.worlds import rooms

  states = _states(layout, count)
  actions = np.random.default_rng(0).integers(
    0, len(layouts.ACTIONS), (steps, count), np.int32
  )
  move = jax.vmap(lambda world, action: rooms.move(layout, world, action))

  @jax.jit
  def walk(states):
    return jax.lax.scan(lambda s, a: (move(s, a), None), states, actions)[0]

  return {
    'what': 'step',
    'unit': 'steps/s',
    'rates': rates(lambda: walk(states), count * steps, repetitions),
  }


def rates(call: Callable[[], Any], work: int, repetitions: int) -> list[float]:
  """Returns units of work per second, one for each repetition.

  Args:
    call: What to time; once more before, to compile it.
    work: Units of work in a call.
    repetitions: How often.
  """
  jax.block_until_ready(call())
  found = []
  for _ in range(repetitions):
    start = time.perf_counter()
    jax.block_until_ready(call())
    found.append(work / (time.perf_counter() - start))
  return found


def _states(layout, count):
  """Returns states along a few scripted walks, `[count, ...]`."""
  from datasets.worlds import rooms, tour

  keys = jax.random.split(jax.random.PRNGKey(0), 4)
  worlds, _, _ = jax.jit(jax.vmap(lambda key: tour.play(layout, key)))(keys)
  walk = np.arange(count) % 4
  at = np.linspace(0, layout.length - 1, count).astype(int)
  return rooms.World(
    jax.tree.map(lambda x: x[walk], worlds.map),
    *(x[walk, at] for x in worlds[1:]),
  )


def _show(report):
  table = rich.table.Table(title=f'Speed on {report["device"]}')
  for heading in ('what', 'median', 'least', 'most', 'unit'):
    right = heading in ('median', 'least', 'most')
    table.add_column(heading, justify='right' if right else 'left')
  for result in report['results']:
    numbers = (np.median, np.min, np.max)
    cells = (f'{f(result["rates"]):,.0f}' for f in numbers)
    table.add_row(result['what'], *cells, result['unit'])
  rich.console.Console().print(table)
