"""Parameters by name."""

import jax


def name(path: tuple) -> str:
  """Returns a path of a tree as text, such as `/backbone/block_0/ssm/B`.

  Args:
    path: As `jax.tree.map_with_path` gives it.
  """
  return '/' + jax.tree_util.keystr(path, simple=True, separator='/')
