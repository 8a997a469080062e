"""What is the same of an episode on every machine."""

import hashlib

import jax
import numpy as np


def exact(episode):
  """Returns a hash of all but what is seen, whose rounding may differ.

  Nor of actions that are vectors, for scripts choose them by what is seen.
  """
  digest = hashlib.sha256()
  rest = {k: v for k, v in episode.items() if k != 'observation'}
  if np.issubdtype(np.asarray(rest['action']).dtype, np.floating):
    del rest['action']
  for path, leaf in jax.tree_util.tree_leaves_with_path(rest):
    digest.update(jax.tree_util.keystr(path).encode())
    digest.update(np.asarray(leaf).tobytes())
  return digest.hexdigest()
