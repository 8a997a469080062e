"""The view program: what it shows is what the episodes hold."""

import json
import re

import imageio.v2 as iio
import numpy as np
import pytest

import datasets
from experiments import launch
from experiments.figures import sprites
from tests import walks

pytestmark = pytest.mark.filterwarnings(r'ignore:.*os\.fork')  # Of ffmpeg.
DATA = (
  'four_rooms_teleport',
  'distracting_memory_100',
  'multi_doors_keys_3',
  'memory_maze_9x9',
)
JAX = {'memory_maze_9x9': ["DATA = 'memory_maze/jax_9x9'"]}
"""The real Memory Maze is not installed everywhere."""


def view(files, bindings, folder):
  launch.launch(['base.gin', *files], bindings, str(folder), 'view')
  return folder / 'view'


def held(folder):
  """Returns what the page holds, and the page."""
  page = (folder / 'index.html').read_text()
  found = re.search('<script type="application/json" id="data">(.*)<', page)
  return json.loads(found[1]), page


def unfold(runs, shape):
  return np.repeat(runs['value'], runs['run']).reshape(shape)


@pytest.mark.parametrize('data', DATA)
def test_the_page_and_the_video_hold_every_step(data, tmp_path):
  folder = view(
    [f'data/{data}.gin', 'smoke.gin'],
    ['view.view.episodes = (0, 2)', *JAX.get(data, ())],
    tmp_path,
  )
  content, _ = held(folder)
  train = datasets.load(content['name'], 'train')
  assert content['actions'] == list(train.metadata['actions'])
  assert content['context'] == train.metadata['context']
  assert [one['number'] for one in content['episodes']] == [0, 2]
  for one in content['episodes']:
    episode = train[one['number']]
    chart = datasets.chart(train.name, episode)
    image, world = episode['observation']['image'], one['map']
    steps = len(image)
    frames = sprites.unpack(one['frames'])[:steps]
    np.testing.assert_array_equal(frames, image)
    assert one['action'] == episode['action'].tolist()
    np.testing.assert_allclose(one['reward'], episode['reward'], atol=1e-6)
    np.testing.assert_allclose(world['path'], chart.path, atol=0.006)
    np.testing.assert_allclose(world['heading'], chart.heading, atol=6e-4)
    assert world['cue'] == list(chart.cue)
    seen = unfold(world['seen'], chart.seen.shape)
    np.testing.assert_array_equal(seen, chart.seen)
    pictures = sprites.unpack(world['pictures'])
    for t in range(steps):
      np.testing.assert_array_equal(pictures[world['at'][t]], chart.draw(t))
    video = iio.mimread(folder / f'episode_{one["number"]:04d}.mp4')
    assert len(video) == steps
    assert all(x.std() > 20 for x in video)
    assert all((a != b).any() for a, b in zip(video, video[1:], strict=False))


@pytest.mark.parametrize('kind', ['numbers', 'vectors', 'grey'])
def test_recordings_are_shown_without_a_map(kind, tmp_path):
  records = [walks.walk(seed) for seed in range(10)]
  for record in records:
    if kind == 'vectors':
      record['action'] = np.float32(walks.MOVES[record['action']]) / 3
    if kind == 'grey':
      record['image'] = record['image'][..., :1]
  name = walks.write(tmp_path / 'walks', records)
  folder = view(
    [], [f"DATA = '{name}'", 'view.view.episodes = (1,)'], tmp_path / 'run'
  )
  content, _ = held(folder)
  [one] = content['episodes']
  episode = datasets.load(name)[1]
  assert one['map'] is None
  np.testing.assert_allclose(one['action'], episode['action'], atol=1e-6)
  np.testing.assert_array_equal(
    sprites.unpack(one['frames'])[:24], episode['observation']['image']
  )
  video = iio.mimread(folder / 'episode_0001.mp4')
  assert len(video) == 24
  assert all(x.std() > 20 for x in video)


def test_the_page_asks_nothing_of_a_network(tmp_path):
  name = walks.write(tmp_path / 'walks', [walks.walk(0)] * 5)
  folder = view(
    [], [f"DATA = '{name}'", 'view.view.episodes = (0,)'], tmp_path / 'run'
  )
  _, page = held(folder)
  assert not re.search(r'(?i)https?:|src=|@import|url\(|<link|fetch\(', page)


def test_a_name_cannot_end_the_script(tmp_path):
  name = walks.write(tmp_path / '<script>', [walks.walk(0)] * 5)
  folder = view(
    [], [f"DATA = '{name}'", 'view.view.episodes = (0,)'], tmp_path / 'run'
  )
  content, page = held(folder)
  assert content['name'] == name
  assert page.count('<script') == 2


@pytest.mark.parametrize('episodes', ['(0, 8)', '(-1,)', '()', '(0.5,)'])
def test_wrong_numbers_of_episodes_are_explained(episodes, tmp_path):
  with pytest.raises(ValueError, match=r'change view\.view\.episodes'):
    view(
      ['data/four_rooms.gin', 'smoke.gin'],
      [f'view.view.episodes = {episodes}'],
      tmp_path,
    )
  assert not (tmp_path / 'view').exists()


def test_a_video_that_stands_still_is_explained(tmp_path):
  with pytest.raises(ValueError, match=r'change view\.view\.frames_per_second'):
    view(
      ['data/four_rooms.gin', 'smoke.gin'],
      ['view.view.frames_per_second = 0'],
      tmp_path,
    )


def test_a_wrong_split_is_explained(tmp_path):
  with pytest.raises(ValueError, match=r"got 'training'.*change load\.split"):
    view(
      ['data/four_rooms.gin', 'smoke.gin'],
      ["view.view.split = 'training'"],
      tmp_path,
    )
  assert not (tmp_path / 'view').exists()
