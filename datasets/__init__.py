"""Data sets of episodes, built by simulators on first use.

`load` gives episodes, `preview` the first of them at once, `describe` says what
they are like, `environment` is the world that they come from, `chart` a map.
"""

from datasets.catalogue import chart, describe, environment
from datasets.episodes import Episodes, load, preview

__all__ = ['Episodes', 'chart', 'describe', 'environment', 'load', 'preview']
