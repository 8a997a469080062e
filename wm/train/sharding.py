"""Many devices: where batches and parameters lie, and time in stretches.

A mesh has the axes `data` (rows of a batch), `time` (steps of a sequence) and
`model` (rows or columns of matrices). The compiler shares the work along `data`
and `model`; along `time` it is shared by `wm.train.stretches`.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from wm.backbones import shards
from wm.train import paths
from wm.types import Batch, Learner, Loader, TrainState

AXES = 'data', shards.AXIS, 'model'

Rules = Sequence[tuple[str, Sequence[str | None]]]
"""Regular expressions on the paths of parameters, and of each axis of the
parameter the axis of the mesh that it lies along, or None. The first rule that
is found counts; without one a parameter lies whole on every device."""

MATRICES: Rules = (
  ('mlp/up/kernel', (None, 'model')),
  ('mlp/up/bias', ('model',)),
  ('mlp/down/kernel', ('model', None)),
  ('(join|prior)/layers_0/kernel', (None, 'model')),
  ('(join|prior)/layers_3/kernel', ('model', None)),
  ('decoder/Dense_0/kernel', (None, 'model')),
  ('recurrent/kernel', (None, 'model')),
)
"""Ours: pairs of matrices by columns, then by rows (Shoeybi et al. 2019)."""


class Layout(NamedTuple):
  """How arrays lie on devices.

  Attributes:
    mesh: the devices, along `AXES`.
    rules: of parameters.
  """

  mesh: Mesh
  rules: Rules


def layout(
  data: int = -1,
  time: int = 1,
  model: int = 1,
  rules: Rules = MATRICES,
  devices: Sequence[jax.Device] | None = None,
) -> Layout:
  """Returns a layout on all devices of all processes.

  Args:
    data: on how many devices the rows of a batch lie; -1 for as many as the
      other axes leave.
    time: on how many the steps of a sequence lie.
    model: on how many the parameters lie that rules name.
    rules: of parameters.
    devices: in place of all.

  Raises:
    ValueError: if there are not as many devices.
  """
  devices = list(jax.devices() if devices is None else devices)
  if data == -1 and min(time, model) > 0:
    data = max(1, len(devices) // (time * model))
  shape = data, time, model
  if min(shape) < 1 or np.prod(shape) != len(devices):
    raise ValueError(
      'sharding.layout: data x time x model must be the number of devices; got '
      f'{data} x {time} x {model} and {len(devices)} devices; change '
      'sharding.layout.data, sharding.layout.time or sharding.layout.model'
    )
  kinds = (jax.sharding.AxisType.Auto,) * len(AXES)
  return Layout(jax.make_mesh(shape, AXES, kinds, devices=devices), rules)


def everywhere(layout: Layout) -> NamedSharding:
  """Returns the sharding of what lies whole on every device."""
  return NamedSharding(layout.mesh, PartitionSpec())


def of_batch(
  layout: Layout, batch: Batch, axes: Sequence[str] = AXES[:2]
) -> NamedSharding:
  """Returns where the fields of a batch lie.

  Args:
    layout: of devices.
    batch: arrays `[B, T, ...]`, or their shapes.
    axes: of the mesh, that rows lie along, and steps.

  Raises:
    ValueError: if rows or steps cannot be shared evenly.
  """
  sizes = next(iter(batch.values())).shape[:2]
  for size, axis, what in zip(sizes, axes, ('rows', 'steps'), strict=False):
    if size % layout.mesh.shape[axis]:
      raise ValueError(
        f'sharding: {size} {what} of a batch cannot be shared evenly by '
        f'{layout.mesh.shape[axis]} devices; change sharding.layout.{axis}, or '
        f'how many {what} a batch has: the gin macro BATCH, or '
        'loader.episode_chunks.multiple where rows are chunks'
      )
  return NamedSharding(layout.mesh, PartitionSpec(*axes))


def of_state(layout: Layout, state: TrainState) -> TrainState:
  """Returns where the leaves of a training state lie.

  Parameters lie as the rules say, and what an optimiser keeps of each lies as
  it does. A memory that is carried lies along `data`.

  Args:
    layout: of devices.
    state: one, or its shapes.

  Raises:
    ValueError: if a rule does not fit a parameter.
  """

  def by_rule(path, x):
    return NamedSharding(layout.mesh, _spec(layout, paths.name(path), x))

  def of_memory(x):
    rows = AXES[:1] if x.ndim else ()
    return NamedSharding(layout.mesh, PartitionSpec(*rows))

  return state.replace(
    step=everywhere(layout),
    params=jax.tree.map_with_path(by_rule, state.params),
    opt_state=jax.tree.map_with_path(by_rule, state.opt_state),
    key=everywhere(layout),
    carry=jax.tree.map(of_memory, state.carry),
  )


def _spec(layout, name, x):
  for pattern, axes in layout.rules:
    if re.search(pattern, name):
      if x.ndim != len(axes):
        raise ValueError(
          f'sharding: the rule {pattern!r} names {len(axes)} axes; got '
          f'{name}{list(x.shape)}; change sharding.layout.rules'
        )
      for size, axis in zip(x.shape, axes, strict=True):
        if axis is not None and size % layout.mesh.shape[axis]:
          raise ValueError(
            f'sharding: {name}{list(x.shape)} cannot be shared evenly by '
            f'{layout.mesh.shape[axis]} devices, as the rule {pattern!r} has '
            f'it; change sharding.layout.{axis} or sharding.layout.rules'
          )
      return PartitionSpec(*axes)
  return PartitionSpec()


def init(
  layout: Layout, learner: Learner, seed: int, batch: Batch
) -> Callable[[], TrainState]:
  """Returns `() -> state`, to be drawn on the devices where it lies.

  Args:
    layout: of devices.
    learner: whose.
    seed: of the parameters and of all draws.
    batch: of which only shapes and dtypes are used.
  """
  like = {
    name: jax.ShapeDtypeStruct(x.shape, x.dtype) for name, x in batch.items()
  }

  def draw() -> TrainState:
    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), like)
    return learner.init(jax.random.key(seed), zeros)

  lies = of_state(layout, jax.eval_shape(draw))
  return jax.jit(draw, out_shardings=lies)


def place(
  layout: Layout, batch: Batch, axes: Sequence[str] = AXES[:2]
) -> Batch:
  """Returns a batch on its devices.

  Args:
    layout: of devices.
    batch: all of it, in every process.
    axes: as `of_batch` takes them.

  Raises:
    ValueError: if it cannot be shared evenly.
  """

  def loader(step: int, rows: Sequence[int] | None = None) -> Batch:
    rows = slice(None) if rows is None else rows
    return {name: np.asarray(x)[rows] for name, x in batch.items()}

  return placed(layout, loader, batch, axes)(0)


def placed(
  layout: Layout, loader: Loader, like: Batch, axes: Sequence[str] = AXES[:2]
) -> Loader:
  """Returns a loader whose batches lie on their devices.

  Each process loads the rows that its own devices need, no others.

  Args:
    layout: of devices.
    loader: of whole batches.
    like: a batch, of which only shapes are used.
    axes: as `of_batch` takes them.

  Raises:
    ValueError: if batches cannot be shared evenly.
  """
  sharding = of_batch(layout, like, axes)
  shape = next(iter(like.values())).shape[:2]
  rows = sorted(
    {
      row
      for index in sharding.addressable_devices_indices_map(shape).values()
      for row in range(shape[0])[index[0]]
    }
  )
  number = {row: i for i, row in enumerate(rows)}

  def load(step: int) -> Batch:
    return {
      name: _whole(x, shape[0], sharding, number)
      for name, x in loader(step, rows).items()
    }

  return load


def _whole(x, count, sharding, number):
  """The array of `count` rows of which `x` has those with a `number`."""

  def part(index):
    start = number[range(count)[index[0]][0]]
    length = len(range(count)[index[0]])
    return x[(slice(start, start + length), *index[1:])]

  return jax.make_array_from_callback((count, *x.shape[1:]), sharding, part)
