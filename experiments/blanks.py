"""Episodes of zeros, where shapes are all that matters."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wm.data import batch as batching


class Episodes(Sequence):
  """The training episodes of a data set, all zeros.

  Args:
    metadata: Of the data set.
  """

  def __init__(self, metadata: Mapping[str, Any]):
    self._metadata = metadata

  def __len__(self) -> int:
    return self._metadata['splits']['train']

  def __getitem__(self, index: int) -> dict[str, Any]:
    length = self._metadata['length']
    return {
      'observation': batching.blank(self._metadata, (length,)),
      'action': np.zeros(length, np.int32),
      'reward': np.zeros(length, np.float32),
      'discount': np.ones(length, np.float32),
      'is_first': np.arange(length) == 0,
    }
