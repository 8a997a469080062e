"""The batch job of a TPU slice, against a cloud that is played."""

import os
import pathlib
import subprocess

import pytest

JOB = pathlib.Path(__file__).parents[2] / 'experiments' / 'jobs' / 'tpu_vm.sh'
PLAYED = {
  # A request has a state in a file, and is served as soon as it is asked for.
  'gcloud': """
    echo "$@" >>"$CLOUD/calls"
    case "$*" in
    *describe*) cat "$CLOUD/state" ;;
    *delete*) rm "$CLOUD/state" ;;
    *create*) echo ACTIVE >"$CLOUD/state" ;;
    *ssh*) for last; do :; done; bash -c "${last#--command=}" ;;
    esac""",
  'gcsfuse': 'echo "$@" >"$CLOUD/mounted"',
  'mountpoint': 'test -f "$CLOUD/mounted"',
  'git': 'case "$1" in clone) mkdir -p "$3" ;; esac',
  'sleep': 'exec /bin/sleep 0.2',
  'python3': """
    case "$*" in *experiments.launch*)
      echo x >>"$CLOUD/started"
      printf '%s\\n' "$@"
      echo "data in $TFDS_DATA_DIR"
      /bin/sleep 1
      exit "$(cat "$CLOUD/code")" ;;
    esac""",
}


@pytest.fixture
def cloud(tmp_path):
  for name, script in PLAYED.items():
    file = tmp_path / 'bin' / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f'#!/usr/bin/env bash\n{script}\n')
    file.chmod(0o755)
  (tmp_path / 'code').write_text('0')
  return tmp_path


def start(cloud, **how):
  environment = os.environ | {
    'PATH': f'{cloud / "bin"}:{os.environ["PATH"]}', 'HOME': str(cloud),
    'CLOUD': str(cloud), 'PROJECT': 'p', 'ZONE': 'z', 'BUCKET': 'gs://mine',
    'REPOSITORY': 'url',
  }  # fmt: skip
  words = ['s5wm_fourrooms', 'v5litepod-16', 'v2', '--gin_bindings=BATCH = 16']
  return subprocess.Popen(
    ['bash', JOB, *words], env=environment, text=True,
    stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how,
  )  # fmt: skip


def run(cloud):
  process = start(cloud)
  out, err = process.communicate(timeout=60)
  return process.returncode, out, err


def count(cloud, word):
  return (cloud / 'calls').read_text().count(f'queued-resources {word}')


def test_a_run_is_launched_and_followed_to_its_end(cloud):
  code, out, _ = run(cloud)
  assert code == 0
  assert count(cloud, 'create') == 1
  words = out.splitlines()
  assert '--gin_bindings=BATCH = 16' in words
  assert '--workdir=../bucket/runs/s5wm_fourrooms' in words
  assert f'data in {cloud}/bucket/data' in words
  assert (cloud / 'mounted').read_text().split()[1:] == [
    'mine',
    f'{cloud}/bucket',
  ]


def test_its_exit_code_is_that_of_the_run(cloud):
  (cloud / 'code').write_text('143')
  assert run(cloud)[0] == 143


@pytest.mark.parametrize('state', ['SUSPENDED', 'FAILED'])
def test_what_was_preempted_is_asked_for_again(cloud, state):
  (cloud / 'state').write_text(state)
  assert run(cloud)[0] == 0
  assert count(cloud, 'delete') == count(cloud, 'create') == 1


def test_a_lost_connection_stops_nothing(cloud):
  first = start(cloud, start_new_session=True)
  while not (cloud / 'started').exists():
    assert first.poll() is None
  os.killpg(first.pid, 9)
  first.communicate()
  code, out, _ = run(cloud)
  assert code == 0
  assert '--distributed' in out
  assert (cloud / 'started').read_text() == 'x\n'
