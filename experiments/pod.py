"""The pod program: an experiment compiled for a TPU slice that is not there.

    python -m experiments.launch --program=pod --gin_file=s5wm_fourrooms.gin \
      --gin_bindings="pod.pod.topology = 'v5e:4x4'"

Compiles the update of the training program for a named topology on this
machine's CPU, with `libtpu` (the extra `tpu`), and fills the run folder with
`pod.json`: what a chip has to hold, to compute, to move and to send, and the
least time that this takes. Nothing runs, so these are estimates.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import rich.console
import rich.table

from experiments import blanks, collectives, operations, provenance
from wm.data.task import Task
from wm.train import sharding, stretches
from wm.types import Learner, Loader


class Chip(NamedTuple):
  """What a chip can do, from the makers' public tables.

  Attributes:
    flops: bfloat16, per second.
    memory: bytes.
    bandwidth: of that memory, bytes per second.
    network: between chips, bytes per second.
  """

  flops: float
  memory: float
  bandwidth: float
  network: float


CHIPS = {
  'v4': Chip(275e12, 32e9, 1228e9, 300e9),
  'v5e': Chip(197e12, 16e9, 819e9, 200e9),
  'v5p': Chip(459e12, 95e9, 2765e9, 600e9),
  'v6e': Chip(918e12, 32e9, 1640e9, 448e9),
}
"""Cloud TPU documentation, system architecture, 2025."""


def pod(
  task: Task,
  learner: Callable[..., Learner],
  loader: Callable[..., Loader],
  topology: str | None = None,
  layout: Callable[..., sharding.Layout] = sharding.layout,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model; the data set is not built.
    learner: `(model=...) -> Learner`.
    loader: `(episodes=..., num_actions=...) -> Loader`.
    topology: Such as 'v5e:4x4'; None for the devices of this machine.
    layout: `(devices=...) -> Layout`.

  Raises:
    ValueError: If the kind of chip is not known. The program raises it where
      libtpu or the topology is missing, or where a chip's memory is too small.
  """
  kind = topology and topology.partition(':')[0]
  if kind and kind not in CHIPS:
    raise ValueError(
      f'pod: no chip {kind!r}; there are {", ".join(CHIPS)}; change '
      'pod.pod.topology'
    )

  def run(workdir: Path) -> None:
    devices = _devices(topology) if topology else jax.devices()
    lies = layout(devices=devices)
    batches = loader(
      episodes=blanks.Episodes(task.metadata),
      num_actions=task.metadata['num_actions'],
    )
    model = stretches.over_time(lies, task.model)
    report = compiled(lies, learner(model=model), batches(0))
    report = {'topology': topology, **report}
    if kind:
      report |= roofline(report, CHIPS[kind])
    report |= {'versions': provenance.versions()}
    text = json.dumps(report, indent=2) + '\n'
    provenance.write_whole(workdir / 'pod.json', text)
    _print(report)
    if kind:
      _check_fits(report, CHIPS[kind])

  return run


def compiled(
  layout: sharding.Layout, learn: Learner, batch: Mapping[str, np.ndarray]
) -> dict[str, Any]:
  """Returns what an update takes on each device, as the compiler sees it.

  Args:
    layout: Of devices, there or not.
    learn: What is compiled.
    batch: Of which only shapes and dtypes are used.

  Raises:
    ValueError: If it does not fit the devices' memory, as the compiler says.
  """
  spec = sharding.of_batch(layout, batch)
  state = jax.eval_shape(sharding.init(layout, learn, 0, batch))
  rows = {
    name: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=spec)
    for name, x in batch.items()
  }
  lies = jax.tree.map(lambda x: x.sharding, state)
  update = jax.jit(learn.update, donate_argnums=0, out_shardings=(lies, None))
  began = time.monotonic()
  traced = update.trace(state, rows)
  try:
    program = traced.lower().compile()
  except jax.errors.JaxRuntimeError as error:
    if 'RESOURCE_EXHAUSTED' not in str(error):
      raise
    raise ValueError(
      f'pod: the compiler finds no room in a chip ({str(error)[:300]} ...); '
      f'{_REMEDY}'
    ) from error
  memory = program.memory_analysis()
  kinds = ('argument', 'output', 'temp', 'alias')
  sizes = {k: getattr(memory, f'{k}_size_in_bytes') for k in kinds}
  cost = program.cost_analysis()
  found = collectives.exchanges(program.as_text())
  return {
    'chips': int(layout.mesh.size),
    'layout': dict(layout.mesh.shape),
    'batch': list(batch['prev_action'].shape[:2]),
    'parameters': sum(x.size for x in jax.tree.leaves(state.params)),
    'bytes_per_chip': sum(sizes.values()) - 2 * sizes['alias'],
    'bytes_by_kind': sizes,
    'flops': operations.count(traced.jaxpr.jaxpr),
    'bytes_moved_per_chip': cost.get('bytes accessed'),
    'bytes_exchanged_per_chip': collectives.by_kind(found),
    'bytes_exchanged_by_axis': collectives.by_axis(found, layout.mesh.shape),
    'compile_seconds': time.monotonic() - began,
  }


def roofline(report: Mapping[str, Any], chip: Chip) -> dict[str, Any]:
  """Returns the least time of an update, and what bounds it.

  Args:
    report: As `compiled` returns it.
    chip: What each does at best.
  """
  exchanged = sum(report['bytes_exchanged_per_chip'].values())
  seconds = {
    'arithmetic': report['flops'] / report['chips'] / chip.flops,
    'memory': (report['bytes_moved_per_chip'] or 0) / chip.bandwidth,
    'network': exchanged / chip.network,
  }
  bound = max(seconds, key=seconds.get)
  return {
    'memory_per_chip': chip.memory,
    'seconds_by_bound': seconds,
    'bound': bound,
    'estimated_seconds_per_step': seconds[bound],
  }


_REMEDY = (
  'take a larger topology, lower BATCH or accumulate gradients '
  '(optimizer.adamw.accumulate), compute in bfloat16 '
  '(learner.whole_sequences.compute), or recompute blocks (s5.s5.blockwise); '
  'see docs/scaling.md'
)


def _check_fits(report, chip) -> None:
  if report['bytes_per_chip'] > chip.memory:
    raise ValueError(
      f'pod: an update needs {report["bytes_per_chip"] / 1e9:.1f} GB on each '
      f'chip, which has {chip.memory / 1e9:.0f} GB; {_REMEDY}'
    )


def _devices(topology):
  os.environ.setdefault('TPU_SKIP_MDS_QUERY', '1')
  os.environ.setdefault('TPU_WORKER_HOSTNAMES', 'localhost')
  os.environ.setdefault('ALLOW_MULTIPLE_LIBTPU_LOAD', '1')  # None is run on.
  from jax.experimental import topologies

  # What is compiled for another machine cannot be read back here.
  jax.config.update('jax_enable_compilation_cache', False)
  single = set(topology.partition(':')[2].split('x')) == {'1'}
  host = {'chips_per_host_bounds': (1, 1, 1)} if single else {}
  try:
    found = topologies.get_topology_desc(
      platform='tpu', topology_name=topology, **host
    )
  except Exception as error:
    raise ValueError(
      f'pod: cannot compile for {topology!r} ({str(error)[:200]}); install the '
      "extra tpu (pip install -e '.[tpu]'), or change pod.pod.topology"
    ) from error
  return found.devices


def _print(report: Mapping[str, Any]) -> None:
  table = rich.table.Table(
    title=f'an update on {report["topology"] or "this machine"}, compiled'
  )
  table.add_column('')
  table.add_column('estimate', justify='right')
  sent = sum(report['bytes_exchanged_per_chip'].values())
  rows = [
    ('chips', f'{report["chips"]}'),
    ('layout', ', '.join(f'{k} {v}' for k, v in report['layout'].items())),
    ('batch', ' x '.join(map(str, report['batch']))),
    ('parameters', f'{report["parameters"] / 1e6:.1f} M'),
    ('memory of a chip', f'{report["bytes_per_chip"] / 1e9:.2f} GB'),
    ('arithmetic, all chips', f'{report["flops"] / 1e12:.2f} TFLOP'),
    ('sent to a chip', f'{sent / 1e6:.2f} MB'),
  ]
  if 'bound' in report:
    least = 1000 * report['estimated_seconds_per_step']
    rows.append(('least time', f'{least:.1f} ms ({report["bound"]})'))
  for row in rows:
    table.add_row(*row)
  rich.console.Console().print(table)
