"""Memory Maze episodes as they were published, one NPZ file each.

Row t of a file is what one saw at step t, the action and the reward that led
there: the first row has none. A record here has the action taken at a frame and
the reward that follows it, so both are moved by one; what does not change is
told once.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from datasets import npz, rlds

ACTIONS = (
  'noop', 'forward', 'left', 'right', 'forward_left', 'forward_right',
)  # fmt: skip
SIDE = 64


def oracle(length: int, cells: int, targets: int) -> dict[str, Any]:
  """Returns the features of a maze's hidden state, named as published.

  Args:
    length: T, frames.
    cells: N of N x N cells.
    targets: O, their number.
  """
  shapes = {
    'agent_pos': (length, 2),
    'agent_dir': (length, 2),
    'targets_pos': (targets, 2),
    'targets_vec': (length, targets, 2),
    'target_pos': (length, 2),
    'target_vec': (length, 2),
    'target_color': (length, 3),
  }
  floats = {k: rlds.array(x, np.float32) for k, x in shapes.items()}
  return {'maze_layout': rlds.array((cells, cells), np.uint8)} | floats


def schema(length: int, cells: int, targets: int) -> npz.Schema:
  """Returns what a file must hold.

  Args:
    length: frames, at least; published files have 1001.
    cells: N of N x N cells.
    targets: O, their number.
  """
  number = (np.integer, np.floating, np.bool_)
  real = (np.floating,)
  inside = npz.within(0, cells)
  field = npz.Field
  return {
    'image': field(('T', SIDE, SIDE, 3), (np.uint8,), (npz.at_least(length),)),
    'action': field(('T', len(ACTIONS)), number, (_actions,)),
    'reward': field(('T',), number),
    'maze_layout': field(
      ('T', cells, cells), number, (npz.within(0, 1), _still)
    ),
    'agent_pos': field(('T', 2), real, (inside,)),
    'agent_dir': field(('T', 2), real, (_unit,)),
    'targets_pos': field(('T', targets, 2), real, (inside, _still)),
    'targets_vec': field(('T', targets, 2), real),
    'target_pos': field(('T', 2), real, (inside,)),
    'target_vec': field(('T', 2), real),
    'target_color': field(('T', 3), real, (npz.within(0, 1),)),
  }


def record(arrays: Mapping[str, np.ndarray], length: int) -> dict[str, Any]:
  """Returns the first frames of a published episode as a record.

  Args:
    arrays: by name, as `schema` says.
    length: T, frames of the record.
  """
  action = np.argmax(arrays['action'][1:length], -1)
  stays = {
    'maze_layout': arrays['maze_layout'][0].astype(np.uint8),
    'targets_pos': arrays['targets_pos'][0].astype(np.float32),
  }
  moves = (
    'agent_pos', 'agent_dir', 'targets_vec', 'target_pos', 'target_vec',
    'target_color',
  )  # fmt: skip
  return rlds.record(
    image=arrays['image'][:length],
    action=np.append(action, 0),
    reward=np.append(arrays['reward'][1:length], 0),
    **stays,
    **{name: arrays[name][:length].astype(np.float32) for name in moves},
  )


def splits(
  folder: pathlib.Path, episodes: Mapping[str, int]
) -> dict[str, list[pathlib.Path]]:
  """Returns the files of each split, in the order of their names.

  In a folder with the folders `train` and `eval`, as published, the last of
  train become val and eval becomes test; in any other the last become val and
  test. Where there are more files than a split needs, its first are taken;
  where there are fewer, the shares stay, with at least one file for each.

  Args:
    folder: of NPZ files.
    episodes: wanted, of train, val and test.

  Raises:
    ValueError: fewer files than splits.
  """
  parts = {'': sorted(folder.glob('*.npz'))}
  named = {name: sorted(folder.glob(f'{name}/*.npz')) for name in _PARTS}
  if all(named.values()):
    parts = named
  found = {}
  for part, files in parts.items():
    wanted = {k: n for k, n in episodes.items() if k in _PARTS.get(part, _ALL)}
    if len(files) < len(wanted):
      raise ValueError(
        f'memory_maze: too few files in {folder / part}; got {len(files)}, '
        f'need {len(wanted)} *.npz, one for each of {", ".join(wanted)}; or '
        'the folders train and eval, as published; change load.manual_dir'
      )
    found |= _deal(files, wanted)
  return {split: found[split] for split in episodes}


_PARTS = {'train': ('train', 'val'), 'eval': ('test',)}
_ALL = ('train', 'val', 'test')


def _deal(files, wanted):
  """Deals files to splits: the first split has what the others leave."""
  total = sum(wanted.values())
  shares = {
    name: max(1, min(count, len(files) * count // total))
    for name, count in wanted.items()
  }
  first, *others = wanted
  dealt, end = {}, len(files)
  for name in reversed(others):
    dealt[name] = files[end - shares[name] : end]
    end -= shares[name]
  return {first: files[: min(end, wanted[first])]} | dealt


def _actions(array):
  """Checks all but the first, which nothing led to."""
  return npz.one_hot(np.insert(array[1:], 0, np.eye(len(ACTIONS))[0], 0))


def _unit(array):
  length = np.linalg.norm(array, axis=-1)
  wrong = np.abs(length - 1) > 0.01
  return f'not unit vectors at step {np.argmax(wrong)}' if wrong.any() else None


def _still(array):
  """Checks that all steps are as the first, rounding aside."""
  wrong = (np.abs(array - array[:1].astype(float)) > 0.01).any((-2, -1))
  return f'changes at step {np.argmax(wrong)}' if wrong.any() else None
