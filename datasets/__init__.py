"""Data sets of episodes, built by simulators on first use.

`load` gives episodes, `describe` says what they are like.
"""

from datasets.episodes import Episodes, describe, load

__all__ = ['Episodes', 'describe', 'load']
