"""Worlds with their renderers, under random actions, and MiniGrid beside."""

import importlib.util
from collections.abc import Sequence

import jax
import numpy as np

import datasets
from experiments.benchmarks import clock

_GRIDS = 'distracting_memory', 'multi_doors_keys'


def worlds(
  names: Sequence[str] = (
    'rooms/two_rooms',
    'rooms/four_rooms',
    'rooms/ten_rooms',
    'rooms/four_rooms_laptop',
    'distracting_memory/width_100',
    'multi_doors_keys/keys_7',
    'memory_maze/jax_9x9',
    'memory_maze/jax_15x15',
  ),
  opponents: Sequence[str] = (
    'MiniGrid-MemoryS17Random-v0',
    'MiniGrid-KeyCorridorS6R3-v0',
  ),
  frames: int = 4096,
  together: int = 128,
  repetitions: int = 9,
) -> clock.Report:
  """Measures steps of worlds, with a frame each.

  Args:
    names: of data sets.
    opponents: names of MiniGrid's environments, with their RGB view of 5x5
      cells; left out where MiniGrid is not installed.
    frames: drawn by one call, about.
    together: worlds that step together.
    repetitions: rounds.

  Raises:
    ValueError: if there is no such world.
  """
  for name in names:
    datasets.describe(name)
  steps = max(1, frames // together)

  rivals = opponents if importlib.util.find_spec('minigrid') else ()
  calls = {name: _play(name, together, steps) for name in names}
  calls |= {name: _minigrid(name, steps) for name in rivals}
  drawn = {name: steps * (together if name in names else 1) for name in calls}
  seconds = clock.take_turns(calls, repetitions)
  rows = [
    {'part': 'world', 'what': name, 'frames': n, 'seconds': seconds[name]}
    for name, n in drawn.items()
  ]
  per_frame = {n: [s / drawn[n] for s in seconds[n]] for n in calls}
  ratios = {
    f'world_{rival}_over_{name}': clock.over(per_frame[rival], per_frame[name])
    for name in names
    for rival in rivals
    if name.startswith(_GRIDS)
  }
  return clock.Report(rows, ratios)


def _play(name, together, steps):
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
  return lambda: jax.block_until_ready(walk(states))


def _minigrid(name, steps):
  from third_party import minigrid as adapter

  walk = adapter.environment(name)
  return lambda: walk(steps)
