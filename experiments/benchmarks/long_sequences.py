"""Long sequences: updates that are really taken, a stretch on each device.

    python -m experiments.benchmarks.long_sequences --length=8192
    XLA_FLAGS=--xla_force_host_platform_device_count=8 NPROC=16 \
      python -m experiments.benchmarks.long_sequences --length=65536

S5WM of the benchmark learns one row of noise, which lies along `time` on all
devices there are. Prints what the compiler plans for a device and what they
exchange, the loss and the seconds of each update, and the most memory that the
process ever held, all its devices and the compiler together.
"""

import argparse
import resource
import time
from collections.abc import Iterator

import jax

from experiments import machine, pod
from experiments.benchmarks import zoo
from wm.nets import pieces
from wm.train import optimizer, sharding, stretches


def long_sequences(length: int, updates: int) -> Iterator[str]:
  """Yields what is found, line by line.

  Args:
    length: T, a multiple of the number of devices.
    updates: how many are taken, of one and the same row.
  """
  layout = sharding.layout(data=1, time=jax.device_count())
  member = zoo.zoo()['s5wm']
  model = zoo.model(member, length, framewise=pieces.recomputed())
  learn = member.learner(
    model=stretches.over_time(layout, model),
    optimizer=optimizer.adamw(warmup=0),
  )
  batch = zoo.batch(None, 1, length)

  plan = pod.compiled(layout, learn, batch)
  exchanged = {k: v for k, v in plan['bytes_exchanged_per_chip'].items() if v}
  yield f'T {length:,} on {jax.device_count()} devices'
  yield f'parameters            {plan["parameters"]:,}'
  yield f'planned for a device  {plan["bytes_per_chip"] / 1e9:.2f} GB'
  yield f'exchanged, in bytes   {exchanged or "nothing"}'

  state = sharding.init(layout, learn, 0, batch)()
  batch = sharding.place(layout, batch)
  lies = jax.tree.map(lambda x: x.sharding, state)
  update = jax.jit(learn.update, donate_argnums=0, out_shardings=(lies, None))
  update = update.lower(state, batch).compile()
  yield f'held before updates   {_most_held() / 1e9:.2f} GB'
  for number in range(1, updates + 1):
    start = time.perf_counter()
    state, measurements = update(state, batch)
    loss = float(measurements['loss'])
    seconds = time.perf_counter() - start
    yield f'update {number}: loss {loss:.2f} in {seconds:.1f} s'
  yield f'held at most          {_most_held() / 1e9:.2f} GB'


def _most_held():
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == '__main__':
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--length', type=int, default=8192)
  parser.add_argument('--updates', type=int, default=3)
  arguments = parser.parse_args()
  machine.keep_compiled()
  for line in long_sequences(arguments.length, arguments.updates):
    print(line, flush=True)
