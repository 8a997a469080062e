"""Data sets of episodes, built by simulators on first use.

`load` gives episodes, `describe` says what they are like, `environment` is the
world that they come from, `chart` a map of it.
"""

from datasets.catalogue import chart, describe, environment
from datasets.episodes import Episodes, load

__all__ = ['Episodes', 'chart', 'describe', 'environment', 'load']
