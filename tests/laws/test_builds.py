"""Laws of building: on all cores, whole or not at all, and again if need be."""

import pathlib
import shutil
import signal
import subprocess
import sys
from unittest import mock

import pytest

import datasets
from datasets import catalogue, shards
from tests.records import exact

ROOT = pathlib.Path(__file__).parents[2]
FIRST = 'rooms/two_rooms_smoke'
KINDS = (
  'rooms/four_rooms_teleport_smoke',
  'distracting_memory/width_100_smoke',
  'multi_doors_keys/keys_3_smoke',
  'memory_maze/jax_9x9_smoke',
)


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  return str(tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='module')
def train(data_dir):
  return datasets.load(FIRST, data_dir=data_dir)


def built(name, folder, workers):
  """Builds a data set in several shards; returns its files by name."""
  about, config = catalogue.find(name)
  builder = about(
    config=config.name, data_dir=str(folder), file_format='array_record'
  )
  builder.workers = workers
  with mock.patch.object(about, 'FRAMES', 75):
    builder.download_and_prepare()
  found = pathlib.Path(builder.data_dir).glob('*.array_record*')
  return {path.name: path.read_bytes() for path in found}


@pytest.mark.parametrize('name', KINDS)
def test_the_number_of_workers_changes_no_bit(name, tmp_path):
  alone, many = (built(name, tmp_path / str(n), n) for n in (1, 4))
  assert alone == many
  assert len(alone) == 3 + 2 + 2


@pytest.mark.parametrize('count', [1, 7, 200, 5000])
@pytest.mark.parametrize('size', [1, 4])
@pytest.mark.parametrize('weight', [10, 10**7, 10**9])
def test_shards_hold_every_episode_once_and_fit_into_memory(
  count, size, weight
):
  found = shards.shards(
    lambda first: [{'n': first + i} for i in range(size)], count, size, weight
  )
  held = [list(shard()) for shard in found]
  numbers = [index for part in held for index, _ in part]
  assert numbers == [record['n'] for part in held for _, record in part]
  assert numbers == list(range(count))
  largest = max(map(len, held))
  assert largest * weight <= shards.LARGE + size * weight
  if count * weight < shards.LARGE:
    assert len(found) <= shards.FEW


def test_what_goes_wrong_in_a_worker_stops_the_build(tmp_path):
  about, config = catalogue.find(FIRST)

  class Failing(about, skip_registration=True):
    name = 'failing'

    @staticmethod
    def maker(config, split, size):
      raise RuntimeError('no more')

  builder = Failing(config=config.name, data_dir=str(tmp_path))
  with pytest.raises(RuntimeError, match='no more'):
    builder.download_and_prepare()
  assert not builder.is_prepared()


@pytest.mark.parametrize('damage', ['flip', 'cut', 'remove'])
def test_a_damaged_record_is_explained(damage, train, data_dir, tmp_path):
  broken = tmp_path / 'data'
  shutil.copytree(data_dir, broken)
  file = next((broken / FIRST).glob('*/*-train.array_record*'))
  content = bytearray(file.read_bytes())
  content[2000:2100] = bytes(100)
  if damage == 'remove':
    file.unlink()
  else:
    file.write_bytes(content if damage == 'flip' else content[:3000])
  with pytest.raises(ValueError, match=f'datasets.build {FIRST} --overw'):
    list(datasets.load(FIRST, data_dir=str(broken)))


KILLED = """
import os, signal, sys
import numpy as np
import datasets
from datasets import rooms

def maker(config, split, size):
  def make(first):
    if first:
      os.kill(os.getpid(), signal.SIGKILL)
    info = rooms.Rooms(config=config.name, data_dir=sys.argv[2]).info
    empty = lambda f: {k: empty(v) for k, v in f.items()} if hasattr(
      f, 'items') else np.zeros(f.shape, f.np_dtype)
    return [empty(info.features)] * size
  return make

rooms.Rooms.maker = staticmethod(maker)
rooms.Rooms.FRAMES, rooms.Rooms.workers = 100, 1
datasets.load(sys.argv[1], data_dir=sys.argv[2])
"""


def test_a_killed_build_starts_again(tmp_path, train):
  where = str(tmp_path)
  command = [sys.executable, '-c', KILLED, FIRST, where]
  done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
  assert done.returncode == -signal.SIGKILL, done.stderr
  assert list(tmp_path.rglob('*incomplete*')), 'it was not killed in the middle'
  again = datasets.load(FIRST, data_dir=where)
  assert len(again) == len(train)
  assert exact(again[0]) == exact(train[0])


def test_the_command_line_explains_a_wrong_name():
  command = [sys.executable, '-m', 'datasets.build', 'rooms/five_rooms']
  done = subprocess.run(
    command, cwd=ROOT, capture_output=True, text=True, check=False
  )
  assert done.returncode == 1
  assert 'no such data set' in done.stderr
  assert 'Traceback' not in done.stderr
