"""The play program: a page on which keys go to the world and to the model."""

import base64
import functools
import http.client
import io
import json
import re
import socket
import time

import jax
import numpy as np
import pytest
from PIL import Image

import datasets
from datasets import catalogue
from experiments import launch, restoring
from tests import walks
from tests.end_to_end import runs
from wm.data import batch as batching
from wm.data import loader

FILES = [
  'base.gin',
  'models/s5wm.gin',
  'data/distracting_memory_100.gin',
  'smoke.gin',
]
NAME = 'distracting_memory/width_100'
WORLDS = (
  NAME,
  'rooms/four_rooms',
  'rooms/four_rooms_teleport',
  'multi_doors_keys/keys_3',
  'memory_maze/jax_9x9',
)


@pytest.fixture(scope='module')
def run(tmp_path_factory):
  workdir = tmp_path_factory.mktemp('runs') / 'one'
  launch.launch(FILES, [], str(workdir), 'train')
  return workdir


@pytest.fixture(scope='module')
def port(run):
  """The program's port, until it is interrupted."""
  with runs.playing(run) as port:
    yield port


def request(port, method, path, body='', **headers):
  """Returns the status and the text of an answer."""
  connection = http.client.HTTPConnection('127.0.0.1', port, timeout=60)
  connection.request(method, path, body, headers)
  answer = connection.getresponse()
  return answer.status, answer.read().decode()


def post(port, path, **given):
  status, text = request(port, 'POST', path, json.dumps(given))
  assert status == 200, text
  return json.loads(text)


def frame(png):
  return np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))).astype(int)


@functools.cache
def record(number):
  return datasets.preview(NAME, 'test', 4, 'smoke')[number]


def names(actions):
  names = datasets.describe(NAME)['actions']
  return [names[action] for action in actions]


def imagined(run, number, actions, draw=0):
  """Returns predictions by the model's own functions, from the data set."""
  task, params = restoring.trained(run)
  model, context = task.model, task.metadata['context']
  rows = next(loader.in_order([record(number)], 3, batch=1, count=1))
  before, _ = batching.split_time(rows, context)
  key = jax.random.key(0)
  first = jax.random.fold_in(key, 0)
  state, rollout = model.observe(params, first, None, before)
  last = jax.tree.map(lambda x: x[:, -1:], rollout)
  found = [model.predict(params, last)]
  ready, key = model.prepare(params), jax.random.fold_in(key, draw)
  for action in actions:
    one_hot = jax.nn.one_hot(np.array([action]), 3)
    state, now = model.step(ready, key, state, one_hot)
    now = jax.tree.map(lambda x: x[:, None], now)
    found.append(model.predict(params, now))
  return [{k: np.asarray(x)[0, 0] for k, x in one.items()} for one in found]


def assert_shows(scene, prediction):
  image = np.clip(prediction['image'], 0, 1)
  np.testing.assert_allclose(frame(scene['dream']), image * 255, atol=1)
  np.testing.assert_allclose(scene['guess'], prediction['reward'], atol=1e-4)
  error = np.sum((frame(scene['truth']) / 255 - prediction['image']) ** 2)
  np.testing.assert_allclose(scene['error'], error, rtol=1e-3)


@pytest.mark.parametrize('name', WORLDS)
def test_a_world_begins_as_an_episode_did(name):
  env = datasets.environment(name, 'smoke')
  move = jax.jit(env.step)
  episode = datasets.preview(name, 'test', 3, 'smoke')[2]
  world = env.reset(catalogue.start_key(name, 'test', 2, 'smoke'))
  for t, image in enumerate(episode['observation']['image']):
    np.testing.assert_array_equal(world.obs['image'], image)
    if t:
      assert world.reward == episode['reward'][t - 1]
    world = move(world, episode['action'][t])


def test_the_page_asks_nothing_of_a_network(port):
  status, page = request(port, 'GET', '/')
  assert status == 200
  assert '<kbd>' in page
  assert 'image-rendering: pixelated' in page
  assert not re.search(r'(?i)https?:|src="|@import|url\(|import\(', page)


def test_facts_are_of_the_data_set_and_the_run(port):
  facts = json.loads(request(port, 'GET', '/facts')[1])
  about = datasets.describe(NAME, 'smoke')
  assert facts['actions'] == list(about['actions'])
  assert facts['length'] == about['length']
  assert facts['episodes'] == 4
  assert facts['model'] == 'one, step 6'


def test_an_episode_goes_on_as_it_did_and_as_the_model_says(run, port):
  context = datasets.describe(NAME, 'smoke')['context']
  actions = record(2)['action'][context - 1 : -1]
  scene = post(port, '/episode', number=2)
  scenes = [scene, *(post(port, '/step', action=x) for x in names(actions))]
  assert scenes[-1]['over']
  predictions = imagined(run, 2, actions)
  images = record(2)['observation']['image'][context - 1 :]
  rewards = record(2)['reward'][context - 2 : -1]
  for i, scene in enumerate(scenes):
    assert scene['episode'] == 2
    assert scene['step'] == context - 1 + i
    assert scene['imagined'] == i
    np.testing.assert_array_equal(frame(scene['truth']), images[i])
    assert scene['reward'] == rewards[i]
    assert_shows(scene, predictions[i])
  assert json.loads(request(port, 'GET', '/scene')[1]) == scenes[-1]


def test_another_draw_imagines_the_same_steps_again(run, port):
  post(port, '/episode', number=1)
  for name in names([2, 0, 2]):
    before = post(port, '/step', action=name)
  after = post(port, '/resample')
  assert after['draw'] == before['draw'] + 1
  assert after['truth'] == before['truth']
  assert after['imagined'] == 3
  assert_shows(after, imagined(run, 1, [2, 0, 2], draw=1)[-1])


def test_a_look_is_as_if_the_context_had_been_longer(run, port):
  context = datasets.describe(NAME, 'smoke')['context']
  actions = record(3)['action'][context - 1 :][:2]
  post(port, '/episode', number=3)
  for name in names(actions):
    post(port, '/step', action=name)
    scene = post(port, '/look')
    assert scene['imagined'] == 0
  task, params = restoring.trained(run)
  rows = next(loader.in_order([record(3)], 3, batch=1, count=1))
  rows, _ = batching.split_time(rows, context + 2)
  key = jax.random.fold_in(jax.random.key(0), 0)
  _, rollout = task.model.observe(params, key, None, rows)
  prediction = task.model.predict(params, rollout)
  assert_shows(scene, {k: np.asarray(x)[0, -1] for k, x in prediction.items()})
  assert post(port, '/look') == scene


def test_ten_steps_a_second_are_played(port):
  post(port, '/episode', number=0)
  start = time.monotonic()
  for _ in range(30):
    post(port, '/step', action='left')
  assert time.monotonic() - start < 3


@pytest.mark.parametrize(
  ('method', 'path', 'body', 'status', 'words'),
  [
    ('POST', '/step', '{"action": "fly"}', 400, 'left, right, forward'),
    ('POST', '/step', '{"action": 0}', 400, 'left, right, forward'),
    ('POST', '/step', '{}', 400, 'left, right, forward'),
    ('POST', '/step', '["left"]', 400, 'JSON object'),
    ('POST', '/step', '{', 400, 'JSON object'),
    ('POST', '/step', ' ' * 2000, 400, '1000 at most'),
    ('POST', '/episode', '{"number": 4}', 400, '0, 1, 2, 3'),
    ('POST', '/episode', '{"number": true}', 400, '0, 1, 2, 3'),
    ('POST', '/steps', '{}', 404, '/step'),
    ('GET', '/../play.py', '', 404, '/facts'),
    ('GET', '/figures/play.html', '', 404, '/facts'),
  ],
)
def test_what_is_not_known_is_refused(port, method, path, body, status, words):
  before = request(port, 'GET', '/scene')
  found, text = request(port, method, path, body)
  assert found == status
  assert words in json.loads(text)['error']
  assert request(port, 'GET', '/scene') == before


@pytest.mark.parametrize(
  ('headers', 'status'),
  [
    ({'Host': 'elsewhere.example'}, 403),
    ({'Host': '127.0.0.1.elsewhere.example:80'}, 403),
    ({'Host': ''}, 403),
    ({'Host': 'localhost:80'}, 200),
    ({'Origin': 'http://elsewhere.example'}, 403),
    ({'Origin': 'null'}, 403),
    ({'Host': 'localhost:80', 'Origin': 'http://localhost:80'}, 200),
  ],
)
def test_pages_of_other_sites_are_refused(port, headers, status):
  assert request(port, 'POST', '/look', **headers)[0] == status
  assert request(port, 'GET', '/', **headers)[0] == status


@pytest.mark.parametrize(
  ('binding', 'words'),
  [
    ('episodes = 0', 'play.play.episodes'),
    ('context = 1', 'play.play.context'),
    ('context = 999', 'play.play.context'),
    ('port = 70000', 'play.play.port'),
    ("port = 'high'", 'play.play.port'),
    ("host = '203.0.113.1'", 'play.play.host'),
  ],
)
def test_numbers_that_do_not_fit_are_explained(run, binding, words):
  with pytest.raises(ValueError, match=words):
    launch.launch([], [f'play.play.{binding}'], str(run), 'play')


def test_a_port_that_is_taken_is_explained(run):
  with socket.create_server(('127.0.0.1', 0)) as other:
    binding = f'play.play.port = {other.getsockname()[1]}'
    with pytest.raises(ValueError, match=r'change play\.play\.host or'):
      launch.launch([], [binding], str(run), 'play')


def test_a_run_that_has_learned_nothing_is_explained(tmp_path):
  with pytest.raises(ValueError, match='train first'):
    launch.launch(FILES, [], str(tmp_path), 'play')


@pytest.mark.parametrize('kind', ['recordings', 'the real maze'])
def test_data_without_a_world_are_explained(kind, tmp_path):
  name = 'memory_maze/9x9'
  if kind == 'recordings':
    name = walks.write(tmp_path / 'walks', [walks.walk(0)] * 5)
  with pytest.raises(ValueError, match='no world.*change the gin macro DATA'):
    launch.launch(FILES[:2], [f"DATA = '{name}'"], str(tmp_path), 'play')
