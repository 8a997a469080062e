"""The first example of the page on backbones runs as it is written."""

import pathlib
import re

import jax

PAGE = pathlib.Path(__file__).parents[2] / 'docs/backbones.md'


def test_the_example_runs():
  names = {}
  example = re.findall(r'```python\n(.*?)```', PAGE.read_text(), re.DOTALL)[0]
  exec(compile(example, str(PAGE), 'exec'), names)
  assert names['h'].shape == (8, 100, 64)
  for leaf in jax.tree.leaves(names['carries']):
    assert leaf.shape[:2] == (8, 3)
