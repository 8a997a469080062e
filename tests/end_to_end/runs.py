"""Runs of the main command, stopped or not, and what they leave behind."""

import contextlib
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import orbax.checkpoint as ocp

ROOT = pathlib.Path(__file__).parents[2]
SMALL_PPO = (
  'learning.ppo.evaluations = 2',
  'learning.ppo.environments = 16',
  'learning.ppo.unroll = 4',
  'learning.ppo.batch = 16',
  'learning.ppo.minibatches = 1',
)


def command(workdir, *flags):
  return [
    sys.executable, '-m', 'experiments.launch', *flags, f'--workdir={workdir}'
  ]  # fmt: skip


def run(workdir, *flags):
  return subprocess.run(
    command(workdir, *flags), cwd=ROOT, capture_output=True, text=True
  )


@contextlib.contextmanager
def playing(workdir):
  """The port of the play program, until it is interrupted."""
  process = subprocess.Popen(
    command(workdir, '--program=play', '--gin_bindings=play.play.port = 0'),
    cwd=ROOT,
    stdout=subprocess.PIPE,
    text=True,
    # What a shell starts in the background would ignore the interrupt.
    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
  )
  said = (re.search(r'http://127.0.0.1:(\d+)/', x) for x in process.stdout)
  yield int(next(found for found in said if found)[1])
  process.send_signal(signal.SIGINT)
  assert process.wait(60) == 130


def measurements(workdir):
  path = workdir / 'measurements.jsonl'
  if not path.exists():
    return []
  return [
    json.loads(line)
    for line in path.read_text().splitlines(keepends=True)
    if line.endswith('\n')
  ]


def stop_after(workdir, step, number, *flags):
  """Starts a run, sends a signal once a step is measured, and waits."""
  process = subprocess.Popen(
    command(workdir, *flags),
    cwd=ROOT,
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
  )
  while process.poll() is None:
    done = [m['step'] for m in measurements(workdir)]
    if done and max(done) >= step:
      process.send_signal(number)
      break
    time.sleep(0.01)
  output, _ = process.communicate(timeout=300)
  return process.returncode, output


def final_parameters(workdir):
  steps = [int(p.name) for p in (workdir / 'checkpoints').glob('[0-9]*')]
  path = (workdir / 'checkpoints' / str(max(steps)) / 'params').absolute()
  here = jax.sharding.SingleDeviceSharding(jax.devices()[0])
  with ocp.StandardCheckpointer() as reader:
    like = jax.tree.map(
      lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=here),
      reader.metadata(path).item_metadata.tree,
    )
    return reader.restore(path, like)


def assert_same_parameters(one, other):
  jax.tree.map(
    np.testing.assert_array_equal,
    final_parameters(one),
    final_parameters(other),
  )


def assert_same_run(one, other):
  assert_same_parameters(one, other)
  losses = [
    [(m['step'], m['loss']) for m in measurements(w) if 'loss' in m]
    for w in (one, other)
  ]
  assert losses[0] == losses[1]
