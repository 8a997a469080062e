"""Laws of what is asked of data sets: names, sizes, arguments, worlds."""

import pytest

import datasets
from datasets import catalogue
from tests.records import exact

FIRST = 'rooms/two_rooms_smoke'
WORLDS = (
  'rooms/two_rooms_smoke',
  'distracting_memory/width_100_smoke',
  'multi_doors_keys/keys_3_smoke',
  'memory_maze/jax_9x9_smoke',
  'brax_states/inverted_pendulum_smoke',
)


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  return str(tmp_path_factory.mktemp('data'))


@pytest.mark.parametrize('name', catalogue.names())
def test_a_size_is_named_by_a_suffix(name):
  base, _, scale = name.rpartition('_')
  if scale in catalogue.SCALES:
    assert datasets.describe(base, scale) == datasets.describe(name)


def test_an_argument_of_a_world_belongs_to_the_name(data_dir):
  noisy = datasets.load(
    FIRST, 'val', arguments={'action_noise': 0.25}, data_dir=data_dir
  )
  assert noisy.name == f'{FIRST}+action_noise-0.25'
  again = datasets.load(noisy.name, 'val', data_dir=data_dir)
  assert exact(again[0]) == exact(noisy[0])
  assert datasets.describe(FIRST, arguments={'movers': 0})['name'] == FIRST
  longer = datasets.describe('rooms/two_rooms', 'laptop', {'stretch': 30})
  assert longer['name'] == 'rooms/two_rooms_laptop+stretch-30'
  assert longer['context'] == 61 + 30


def test_one_world_has_one_name_and_a_name_one_world():
  def name(base, arguments):
    return datasets.describe(f'{FIRST}{base}', arguments=arguments)['name']

  both = f'{FIRST}+action_noise-0.1+movers-2'
  assert name('', {'movers': 2, 'action_noise': 0.1}) == both
  assert name('+movers-2', {'action_noise': 0.1}) == both
  assert name('+movers-2+action_noise-0.3', {'action_noise': 0.1}) == both
  assert name('+movers-2', {'movers': 0}) == FIRST
  for arguments in ({'movers': 1234567}, {'action_noise': 0.12345678}):
    _, config = catalogue.find(FIRST, arguments=arguments)
    _, again = catalogue.find(name('', arguments))
    assert again == config


@pytest.mark.parametrize('name', WORLDS)
def test_a_world_takes_no_argument_that_it_does_not_know(name):
  world = type(datasets.environment(name))
  with pytest.raises(TypeError, match="unexpected keyword argument 'plam'"):
    world(plam=None)


@pytest.mark.parametrize(
  ('arguments', 'expected'),
  [
    ({'name': 'rooms/five_rooms'}, 'rooms/four_rooms.*change load.name'),
    ({'name': 'nothing'}, 'rooms/four_rooms.*change load.name'),
    ({'split': 'valid'}, 'train, val, test.*change load.split'),
    ({'split': 'train[:x'}, 'change load.split'),
    ({'scale': 'huge'}, 'laptop.*change load.scale'),
    ({'arguments': {'noise': 1}}, 'action_noise.*change load.arguments'),
    ({'arguments': {'action_noise': 1}}, 'probability.*load.arguments'),
    ({'arguments': {'action_noise': 1 - 1e-9}}, 'probability.*load.arguments'),
    ({'arguments': {'movers': -1}}, 'integer.*change load.arguments'),
    ({'arguments': {'movers': float('inf')}}, 'integer, 0.*load.arguments'),
    ({'arguments': {'query': 0}}, 'integer, 1 or more.*load.arguments'),
    ({'name': f'{FIRST}+movers-x'}, "integer.*'x'.*load.arguments"),
  ],
)
def test_a_mistake_is_explained(arguments, expected, data_dir):
  given = {'name': FIRST, 'data_dir': data_dir} | arguments
  with pytest.raises(ValueError, match=expected):
    datasets.load(**given)


def test_what_has_no_world_or_split_is_explained():
  for name in ('folder:walks', 'tfds:walks'):
    with pytest.raises(ValueError, match='change catalogue.environment.name'):
      datasets.environment(name)
    with pytest.raises(ValueError, match='change catalogue.start_key.name'):
      catalogue.start_key(name, 'train', 0)
  with pytest.raises(ValueError, match="got 'valid', need one of train, val"):
    catalogue.start_key(FIRST, 'valid', 0)
