"""Two processes of four virtual devices each, as one program."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

from tests.end_to_end import runs

FLAGS = (
  '--gin_file=s4wm_fourrooms.gin',
  '--gin_file=smoke.gin',
  '--gin_bindings=BATCH = 4',
  # Losses are means since the last line, of which a stop makes one more.
  '--gin_bindings=train.train.log_every = 1',
  '--gin_bindings=sharding.layout.model = %MODEL',
)
ROOT = pathlib.Path(__file__).parents[2]


def flags(model):
  """Returns flags for a layout with that many devices along `model`."""
  return [flag.replace('%MODEL', str(model)) for flag in FLAGS]


def start(workdir):
  """Starts two processes; returns them."""
  with socket.socket() as free:
    free.bind(('localhost', 0))
    port = free.getsockname()[1]
  devices = {
    'XLA_FLAGS': '--xla_force_host_platform_device_count=4',
    'NPROC': '16',  # With fewer threads, devices wait for each other.
  }
  return [
    subprocess.Popen(
      [
        sys.executable, '-m', 'experiments.launch', *flags(2),
        f'--workdir={workdir}', f'--coordinator=localhost:{port}',
        '--processes=2', f'--process_id={number}',
      ],
      cwd=ROOT,
      env={**os.environ, **devices},
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
    )
    for number in range(2)
  ]  # fmt: skip


def together(workdir, meanwhile=lambda processes: None, tries=4):
  """Runs two processes to their end; returns exit codes and what was printed.

  On a busy machine Gloo's connections can time out before both are there; then
  the command is repeated, as it may always be.
  """
  for _ in range(tries):
    processes = start(workdir)
    meanwhile(processes)
    codes, outputs = finish(processes)
    if not any('Gloo context' in output for output in outputs):
      break
  return codes, outputs


def finish(processes):
  """Returns exit codes and what was printed."""
  try:
    outputs = [p.communicate(timeout=500)[0] for p in processes]
  finally:
    for process in processes:
      process.kill()
  return [p.returncode for p in processes], outputs


@pytest.fixture(scope='module')
def alone(tmp_path_factory):
  """The run of one process with one device."""
  workdir = tmp_path_factory.mktemp('alone')
  done = runs.run(workdir, *flags(1))
  assert done.returncode == 0, done.stderr
  return workdir


def assert_near(one, other):
  """Losses and parameters agree up to the order of sums.

  Losses tell which rows were learned from: Adam's steps are about as long
  whatever the gradients are, so that parameters of few updates are near anyway.
  """
  ours, theirs = (
    {m['step']: m['loss'] for m in runs.measurements(w) if 'loss' in m}
    for w in (one, other)
  )
  assert theirs.keys() == ours.keys()
  assert len(ours) > 1
  for step, loss in ours.items():
    np.testing.assert_allclose(theirs[step], loss, rtol=1e-4)
  for x, y in zip(
    *map(jax.tree.leaves, map(runs.final_parameters, (one, other))), strict=True
  ):
    np.testing.assert_allclose(x, y, rtol=1e-2, atol=2e-3)
  losses = [
    runs.measurements(w)[-1]['validation_loss']
    for w in (one, other)
  ]
  np.testing.assert_allclose(*losses, rtol=1e-3)


def test_two_processes_do_what_one_does(alone, tmp_path):
  codes, outputs = together(tmp_path)
  assert codes == [0, 0], outputs
  assert_near(alone, tmp_path)
  assert 'squared error per frame' in outputs[0]
  assert 'squared error per frame' not in outputs[1]
  for name in ('metrics.json', 'strip.png', 'imagination.mp4'):
    assert (tmp_path / 'evaluation' / name).stat().st_size > 0


def test_all_stop_when_one_is_asked_and_one_alone_goes_on(alone, tmp_path):
  def ask_one(processes):
    while all(p.poll() is None for p in processes):
      if runs.measurements(tmp_path):
        processes[1].send_signal(signal.SIGTERM)
        break
      time.sleep(0.05)

  codes, outputs = together(tmp_path, ask_one)
  assert codes == [143, 143], outputs
  stopped = max(m['step'] for m in runs.measurements(tmp_path))
  assert stopped < 6
  # Another number of processes and devices, and another layout: a new folder
  # would say so; the run's own configuration is kept but for that line.
  config = tmp_path / 'config.gin'
  text = config.read_text().replace(
    'sharding.layout.model = 2', 'sharding.layout.model = 1'
  )
  config.write_text(text)
  done = runs.run(tmp_path, *flags(1))
  assert done.returncode == 0, done.stderr
  assert_near(alone, tmp_path)


def test_who_leaves_out_where_the_others_are_is_told(tmp_path):
  done = runs.run(tmp_path, *flags(1), '--processes=2')
  assert done.returncode == 2
  assert '--coordinator=HOST:PORT' in done.stderr
  assert not (tmp_path / 'config.gin').exists()
