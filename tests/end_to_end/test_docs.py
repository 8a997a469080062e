"""Examples of the documentation run as they are written."""

import pathlib
import re

import jax

DOCS = pathlib.Path(__file__).parents[2] / 'docs'


def run_example(page, **replaced):
  """Runs the first example of a page and returns its names."""
  names = {}
  path = DOCS / page
  example = re.findall(r'```python\n(.*?)```', path.read_text(), re.DOTALL)[0]
  for old, new in replaced.items():
    assert old in example
    example = example.replace(old, new)
  exec(compile(example, str(path), 'exec'), names)
  return names


def test_the_example_on_backbones_runs():
  names = run_example('backbones.md')
  assert names['h'].shape == (8, 100, 64)
  for leaf in jax.tree.leaves(names['carries']):
    assert leaf.shape[:2] == (8, 3)


def test_the_example_on_memory_runs(capsys):
  run_example('performance.md', laptop='smoke')
  assert float(capsys.readouterr().out.split()[0]) < 0.1


def test_the_example_on_checkpoints_runs():
  names = run_example('checkpoints.md')
  image, truth = names['found']['image'], names['query']['image'] / 255
  assert image.shape == truth.shape
  error = ((image - truth) ** 2).sum((-3, -2, -1)).mean()
  assert error < 60  # The mean frame has 136.
  assert names['best'].shape == (20, names['about']['num_actions'])
