"""The data path: batches, beside the training that consumes them, and building.

The loader is measured as training uses it, with its threads and from the files;
what it reads comes from the page cache of the system.
"""

import itertools
import os
import resource
import tempfile
import time

import numpy as np

import datasets
from datasets import catalogue
from experiments.benchmarks import clock, updates, zoo
from wm.data import loader


def loading(
  name: str = 'rooms/four_rooms_laptop',
  batch: int = 8,
  batches: int = 32,
  repetitions: int = 5,
) -> clock.Report:
  """Measures batches of whole episodes, and an update of S5WM on as many.

  Args:
    name: of a data set, which is built if it is missing.
    batch: B.
    batches: of a repetition.
    repetitions: rounds.
  """
  episodes = datasets.load(name, split='train')
  load = loader.whole_episodes(episodes, zoo.ACTIONS, batch=batch, seed=0)
  described = catalogue.describe(name)
  update, row = updates.update(
    zoo.zoo()['s5wm'], batch, described['length'], described['frame']
  )

  def read():
    for _ in itertools.islice(loader.prefetch(load, 0), batches):
      pass

  seconds = clock.take_turns({'load': read, 'train': update.call}, repetitions)
  frames = {'load': batches * row['frames'], 'train': row['frames']}
  rows = [
    {'part': 'data', 'what': what, 'frames': n, 'seconds': seconds[what]}
    for what, n in frames.items()
  ]
  each = {what: np.asarray(seconds[what]) / n for what, n in frames.items()}
  ratios = {'train_s5wm_over_load': clock.over(each['train'], each['load'])}
  return clock.Report(rows, ratios)


def building(name: str = 'rooms/four_rooms_laptop') -> clock.Report:
  """Measures the building of a data set, once, and how busy the cores are.

  Args:
    name: of the data set.
  """
  described = catalogue.describe(name)
  frames = described['length'] * sum(described['splits'].values())
  with tempfile.TemporaryDirectory() as folder:
    start, before = time.perf_counter(), _processor_seconds()
    datasets.load(name, split='train', data_dir=folder)
    seconds = time.perf_counter() - start
    busy = (_processor_seconds() - before) / seconds
  row = {
    'part': 'data',
    'what': f'build {name}',
    'frames': frames,
    'seconds': [seconds],
  }
  share = busy / len(os.sched_getaffinity(0))
  return clock.Report([row], {'build_busy_share_of_cores': [share]})


def _processor_seconds():
  used = resource.getrusage(resource.RUSAGE_SELF)
  return used.ru_utime + used.ru_stime
