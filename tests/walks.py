"""Recordings of a spot that walks as its actions say, and pays for them."""

import numpy as np

MOVES = np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]])
"""Where to each action goes: rows and columns."""


def walk(seed, frames=24, side=16, repeat=1):
  """Returns a record: `action[t]` is taken at frame t and pays `action[t]`.

  Args:
    seed: of the actions.
    frames: T.
    side: of a frame.
    repeat: how often each action is taken.
  """
  draw = np.random.default_rng(seed)
  action = np.repeat(draw.integers(0, 5, frames), repeat)[:frames]
  moved = np.cumsum(MOVES[action], 0)
  places = (np.concatenate([[[0, 0]], moved[:-1]]) + side // 2) % side
  image = np.zeros((frames, side, side, 3), np.uint8)
  image[np.arange(frames), places[:, 0], places[:, 1]] = 255
  image[:, 0, 0, 2] = np.arange(frames)
  return {'image': image, 'action': action, 'reward': np.float32(action)}


def late(record):
  """Returns the same record with what led to each frame beside it."""
  return record | {
    name: np.concatenate([0 * record[name][:1], record[name][:-1]])
    for name in ('action', 'reward')
  }


def between(record):
  """Returns the same record with one action less than frames."""
  return record | {name: record[name][:-1] for name in ('action', 'reward')}


def move(image):
  """Returns the moves from each frame to the next, `[T - 1, 2]`."""
  side = image.shape[1]
  bright = (image[..., 0] > 0).reshape(len(image), -1).argmax(1)
  steps = np.diff(np.stack(np.divmod(bright, side), 1), axis=0)
  return (steps + side // 2) % side - side // 2


def spots(episodes):
  """Returns the numbers of the frames in each episode."""
  return [e['observation']['image'][:, 0, 0, 2].tolist() for e in episodes]


def write(folder, records):
  """Writes records, by name or numbered, into a folder, and returns its name.

  Args:
    folder: a path, made if it is missing.
    records: dicts of arrays, in a list or by file name.
  """
  if not isinstance(records, dict):
    records = {f'{number:03}': x for number, x in enumerate(records)}
  for name, record in records.items():
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / f'{name}.npz', **record)
  return f'folder:{folder}'
