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

import datasets

Rates = dict[str, Any]
"""What was measured, its unit, and the rates: `{'what', 'unit', 'rates'}`."""

WORLDS = (
  'rooms/two_rooms',
  'rooms/four_rooms',
  'rooms/ten_rooms',
  'rooms/four_rooms_laptop',
  'distracting_memory/width_100',
  'multi_doors_keys/keys_7',
  'memory_maze/jax_9x9',
  'memory_maze/jax_15x15',
)


def speed(
  worlds: Sequence[str] = WORLDS,
  opponents: Sequence[str] = (
    'MiniGrid-MemoryS17Random-v0',
    'MiniGrid-KeyCorridorS6R3-v0',
  ),
  frames: int = 4096,
  together: int = 128,
  repetitions: int = 9,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    worlds: Names of data sets.
    opponents: Names of MiniGrid's environments, to compare with.
    frames: Frames drawn by one call, about.
    together: Worlds that step together.
    repetitions: How often each measurement is repeated.

  Raises:
    ValueError: If there is nothing to measure, or no such world.
  """
  for name in worlds:
    datasets.describe(name)
  for name, least in (
    ('frames', frames), ('together', together), ('repetitions', repetitions)
  ):  # fmt: skip
    if least < 1:
      raise ValueError(
        f'speed: too few {name}; got {least}, need 1 or more; change '
        f'speed.{name}'
      )

  def run(workdir: Path) -> None:
    steps = max(1, frames // together)
    found = [play(name, together, steps, repetitions) for name in worlds]
    found += [minigrid(name, steps, repetitions) for name in opponents]
    device = jax.devices()[0]
    report = {
      'device': f'{device.platform} {device.device_kind}',
      'devices': jax.device_count(),
      'frames': frames,
      'together': together,
      'results': found,
      'ratios': ratios(found, worlds, opponents),
    }
    path = Path(workdir) / 'speed.json'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + '\n')
    _show(report)

  return run


def play(name: str, together: int, steps: int, repetitions: int) -> Rates:
  """Measures steps of a world under random actions, with a frame each.

  Args:
    name: Of a data set.
    together: Worlds that step together.
    steps: Steps of a call.
    repetitions: How often the call is timed.
  """
  env = datasets.environment(name)
  reset, step = jax.vmap(env.reset), jax.vmap(env.step)
  actions = np.random.default_rng(0).integers(
    0, env.action_size, (steps, together), np.int32
  )

  @jax.jit
  def walk(states):
    def one(states, action):
      states = step(states, action)
      return states, states.obs['image']

    return jax.lax.scan(one, states, actions)[1]

  states = jax.jit(reset)(jax.random.split(jax.random.PRNGKey(0), together))
  return {
    'what': name,
    'unit': 'frames/s',
    'rates': rates(lambda: walk(states), together * steps, repetitions),
  }


def minigrid(name: str, steps: int, repetitions: int) -> Rates:
  """Measures MiniGrid's own environment with its RGB view of 5x5 cells.

  Args:
    name: Of the environment.
    steps: Steps of a call.
    repetitions: How often the call is timed.
  """
  from third_party import minigrid as adapter

  walk = adapter.environment(name)
  return {
    'what': name,
    'unit': 'frames/s',
    'rates': rates(lambda: walk(steps), steps, repetitions),
  }


def ratios(
  found: Sequence[Rates], worlds: Sequence[str], opponents: Sequence[str]
) -> dict[str, float]:
  """Returns each grid world's median over each opponent's, of one run."""
  median = {x['what']: float(np.median(x['rates'])) for x in found}
  grids = ('distracting_memory', 'multi_doors_keys')
  return {
    f'{world} over {opponent}': median[world] / median[opponent]
    for world in worlds
    for opponent in opponents
    if world.startswith(grids)
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


def _show(report):
  table = rich.table.Table(title=f'Speed on {report["device"]}')
  for heading in ('what', 'median', 'least', 'most', 'unit'):
    right = heading in ('median', 'least', 'most')
    table.add_column(heading, justify='right' if right else 'left')
  for result in report['results']:
    numbers = (np.median, np.min, np.max)
    cells = (f'{f(result["rates"]):,.0f}' for f in numbers)
    table.add_row(result['what'], *cells, result['unit'])
  console = rich.console.Console()
  console.print(table)
  for name, ratio in report['ratios'].items():
    console.print(f'{name}: {ratio:,.0f} times')
