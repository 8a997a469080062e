"""The tables of docs/worlds.md say what the code says."""

import json
import pathlib
import re

import numpy as np
import pytest

from datasets import catalogue

ROOT = pathlib.Path(__file__).parents[2]
PAGE = (ROOT / 'docs/worlds.md').read_text()
CARDS = dict(re.findall(r'^## (.*?)\n(.*?)(?=^## |\Z)', PAGE, re.S | re.M))
TITLES = {
  'rooms': '3D rooms',
  'distracting_memory': 'Distracting Memory',
  'multi_doors_keys': 'Multi Doors Keys',
  'memory_maze': 'Memory Maze',
  'brax_states': 'Balanced pole',
}
NAMES = [name for name in catalogue.names() if not name.endswith('_smoke')]


def rows(name):
  """Returns the cells of all rows of the card of a data set, by the first."""
  text = CARDS[TITLES[name.partition('/')[0]]]
  lines = (x for x in text.splitlines() if x.startswith('|'))
  cells = ([c.strip() for c in re.split(r'(?<!\\)\|', x)[1:-1]] for x in lines)
  return {row[0].strip('`'): row[1:] for row in cells}


@pytest.mark.parametrize('name', NAMES)
def test_a_size_is_the_documented_one(name):
  about = catalogue.describe(name)
  episodes = ' / '.join(f'{n:,}' for n in about['splits'].values())
  assert rows(name)[name][:4] == [
    rf'{about["context"]} \| {about["query"]}',
    'x'.join(map(str, about['frame'])),
    str(about['num_actions']),
    episodes,
  ]


@pytest.mark.parametrize('name', NAMES)
def test_the_golden_hash_is_the_documented_one(name):
  builder, _, config = name.removesuffix('_laptop').partition('/')
  path = ROOT / f'tests/golden/{builder}.json'
  golden = json.loads(path.read_text()).get(f'{config}_smoke', '')
  assert rows(name)[name][6].strip('`') == (golden[:12] or 'none')


@pytest.mark.parametrize('name', [
  'rooms/four_rooms_teleport',
  'distracting_memory/width_100+movers-2',
  'multi_doors_keys/keys_3+movers-2',
  'memory_maze/9x9',
  'memory_maze/jax_9x9',
  'brax_states/inverted_pendulum',
])  # fmt: skip
def test_oracle_fields_are_the_documented_ones(name):
  builder, config = catalogue.find(name)
  card = rows(name)
  for field, feature in builder.oracle(config).items():
    shape, dtype, meaning = card[field]
    assert len(re.findall(r'\w+', shape)) == len(feature.shape), field
    assert np.dtype(dtype) == feature.np_dtype, field
    assert meaning
