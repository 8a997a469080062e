"""Probes: small nets that read a maze from the features of a step.

After the offline benchmark of Memory Maze (Pasukonis et al. 2022, arXiv
2210.13383): one net tells the walls, another where the objects are.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import rich.console
import rich.table

from experiments import features, provenance
from experiments.features import Pool, Rows
from wm.nets import layers
from wm.types import Array, Key, Net, Params

_DEPTH = 4
_WAVES = 8


class Probe(NamedTuple):
  """What is asked of the features of a step.

  Attributes:
    net: `x[..., I] -> y[..., O]`.
    sees: `(rows) -> x[..., I]`.
    loss: `(y, rows) -> [...]`, what its training makes small.
    score: `(y, rows) -> [...]`, what is reported, in the mean over steps.
    constant: `(answers of training episodes) -> y[O]`, the best answer that
      does not depend on what is seen.
    metric: the name of the score.
  """

  net: Net
  sees: Callable[[Rows], Array]
  loss: Callable[[Array, Rows], Array]
  score: Callable[[Array, Rows], Array]
  constant: Callable[[Mapping[str, np.ndarray]], np.ndarray]
  metric: str


Probes = Mapping[str, Probe]


def walls(cells: int, width: int) -> Probe:
  """Returns the probe of the walls: for each cell, a logit of being free.

  It is told where the agent is and where it looks: the map is asked, not the
  place on it. Ours: the position is given by waves too, from which turning what
  is seen into a map is learned much faster. One logit is the softmax of two
  classes. The loss is summed over cells; the score is the share of cells that
  are right.

  Args:
    cells: N * N.
    width: Of the hidden layers.
  """

  def sees(rows: Rows) -> Array:
    pose = jnp.asarray(rows['pose'])
    angle = jnp.pi * pose[..., :2, None] * jnp.arange(1, _WAVES + 1)
    waves = jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=-1)
    flat = waves.reshape(*pose.shape[:-1], 4 * _WAVES)
    return jnp.concatenate([rows['features'], pose, flat], axis=-1)

  def loss(y: Array, rows: Rows) -> Array:
    return jnp.sum(jax.nn.softplus(y) - y * rows['walls'], axis=-1)

  def score(y: Array, rows: Rows) -> Array:
    return jnp.mean((y > 0) == (rows['walls'] > 0), axis=-1)

  return Probe(
    _net(width, cells),
    sees,
    loss,
    score,
    lambda answers: np.mean(answers['walls'], axis=0) - 0.5,
    'wall_accuracy',
  )


def objects(targets: int, width: int) -> Probe:
  """Returns the probe of the objects, `[O, 2]`, seen from the agent, in cells.

  The loss is half of the squared error, summed; the score is the squared error
  summed over the two coordinates, in the mean over objects.

  Args:
    targets: O.
    width: Of the hidden layers.
  """

  def squares(y: Array, rows: Rows) -> Array:
    wanted = jnp.asarray(rows['targets'])
    guess = y.reshape(*y.shape[:-1], targets, 2)
    return jnp.sum((guess - wanted) ** 2, axis=-1)

  return Probe(
    _net(width, 2 * targets),
    lambda rows: jnp.asarray(rows['features']),
    lambda y, rows: 0.5 * jnp.sum(squares(y, rows), axis=-1),
    lambda y, rows: jnp.mean(squares(y, rows), axis=-1),
    lambda answers: np.mean(answers['targets'], axis=(0, 1)).reshape(-1),
    'object_mse',
  )


def _net(width: int, out: int) -> Net:
  return layers.mlp(width, _DEPTH, out, activation=jax.nn.elu)


def probes(episode: Mapping[str, Any], units: int) -> Probes:
  """Returns the probes of a data set's mazes, `walls` and `objects`.

  Args:
    episode: One of them.
    units: Width of the objects' hidden layers; the walls' are twice as wide.
  """
  cells = np.size(episode['oracle']['maze_layout'])
  targets = np.shape(episode['oracle']['targets_vec'])[1]
  return {
    'walls': walls(cells, 2 * units),
    'objects': objects(targets, units),
  }


def init(probes: Probes, key: Key, rows: Rows) -> Params:
  """Returns the parameters of probes; of rows, only shapes and dtypes count."""
  return {
    name: probe.net.init(
      jax.random.fold_in(key, number), jax.eval_shape(probe.sees, rows)
    )
    for number, (name, probe) in enumerate(probes.items())
  }


def loss(probes: Probes, params: Params, rows: Rows) -> Array:
  """Returns the sum of the probes' losses, each the mean over rows."""
  return sum(
    jnp.mean(probe.loss(probe.net.apply(params[name], probe.sees(rows)), rows))
    for name, probe in probes.items()
  )


def numbers(
  probes: Probes,
  params: Params,
  pool: Pool,
  training: Mapping[str, np.ndarray],
  window: int,
) -> dict[str, float]:
  """Returns the scores of probes and of the best constants.

  Args:
    probes: By name.
    params: Of the probes.
    pool: The episodes to score.
    training: The answers of training episodes, which constants are made of.
    window: The first step that counts; names that end in `_all_steps` count
      all.
  """
  constants = {name: p.constant(training) for name, p in probes.items()}

  @jax.jit
  def score(params: Params, rows: Rows) -> dict[str, Array]:
    found = {}
    for name, probe in probes.items():
      y = probe.net.apply(params[name], probe.sees(rows))
      constant = jnp.broadcast_to(constants[name], y.shape)
      found[probe.metric] = probe.score(y, rows)
      found[f'constant_{probe.metric}'] = probe.score(constant, rows)
    return found

  each = [
    score(params, features.rows(pool, episode, slice(None)))
    for episode in range(len(pool.features))
  ]
  by_step = {k: np.mean([x[k] for x in each], axis=0) for k in each[0]}
  return {k: float(x[window:].mean()) for k, x in by_step.items()} | {
    f'{k}_all_steps': float(x.mean()) for k, x in by_step.items()
  }


def first_scored(
  metadata: Mapping[str, Any], window: int | None, parameter: str
) -> int:
  """Returns the first step that is scored; by default the query's.

  Args:
    metadata: Of the data set.
    window: What is asked for.
    parameter: Where to change it.

  Raises:
    ValueError: If no step would be scored.
  """
  first = metadata['context'] if window is None else window
  if not 0 <= first < metadata['length']:
    raise ValueError(
      f'probe: no step is scored; got window={first}, need 0 to '
      f'{metadata["length"] - 1}; change {parameter}'
    )
  return first


def write(workdir: Path, report: Mapping[str, Any]) -> None:
  """Writes and prints what came out.

  Args:
    workdir: The run folder; `probe/metrics.json` is written in it.
    report: Numbers by name.
  """
  folder = workdir / 'probe'
  folder.mkdir(parents=True, exist_ok=True)
  provenance.write_whole(
    folder / 'metrics.json', json.dumps(report, indent=2) + '\n'
  )
  table = rich.table.Table(title=f'{workdir}: what probes read')
  for column in ('', f'from step {report["window"]}', 'all steps', 'constant'):
    table.add_column(column, justify='right' if column else 'left')
  for label, name, style in (
    ('walls, accuracy', 'wall_accuracy', '.1%'),
    ('objects, squared error in cells', 'object_mse', '.2f'),
  ):
    keys = (name, f'{name}_all_steps', f'constant_{name}')
    table.add_row(label, *(format(report[key], style) for key in keys))
  rich.console.Console().print(table)
