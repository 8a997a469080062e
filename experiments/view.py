"""The view program: episodes of a data set as videos and as a page to watch.

    python -m experiments.launch --program=view --gin_file=base.gin \
      --gin_file=data/four_rooms.gin --gin_file=laptop.gin --workdir=runs/view

Fills `workdir/view`: `index.html`, a page that needs no network, and an
`episode_0000.mp4` for each episode.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import catalogue
from experiments.figures import filmstrip, page
from wm.data import task as tasks


def view(
  load: Callable[..., Sequence[Mapping[str, Any]]],
  describe: Callable[[], Mapping[str, Any]],
  split: str = 'train',
  episodes: Sequence[int] = (0, 1, 2),
  frames_per_second: float = 10,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    load: `(split=...) -> episodes`, builds the data set if it is missing.
    describe: `() -> metadata` of the same data set.
    split: Of the data set.
    episodes: Their numbers in the split.
    frames_per_second: Of the videos, and at which the page plays first.

  Raises:
    ValueError: If there is nothing to show, or no such split or episode; the
      latter two when it runs, for then the data set is there.
  """
  if not episodes or not all(isinstance(n, int) and n >= 0 for n in episodes):
    raise ValueError(
      f'view: nothing to show; got episodes {tuple(episodes)}, need one or '
      'more numbers, 0 or more; change view.view.episodes'
    )
  if not frames_per_second > 0:
    raise ValueError(
      f'view: a video must move; got {frames_per_second} frames per second, '
      'need more than 0; change view.view.frames_per_second'
    )
  metadata = describe()
  tasks.check_frames(metadata, 'view')

  def run(workdir: Path) -> None:
    data = load(split=split)
    if max(episodes) >= len(data):
      raise ValueError(
        f'view: no such episode; got {max(episodes)}, need 0 to '
        f'{len(data) - 1}, for {split} of {metadata["name"]} has {len(data)}; '
        'change view.view.episodes'
      )
    folder = Path(workdir) / 'view'
    folder.mkdir(parents=True, exist_ok=True)
    shown = []
    for number in episodes:
      record = data[number]
      chart = catalogue.chart(metadata['name'], record)
      shown.append(page.Shown(number, record, chart))
    path = folder / 'index.html'
    page.write(path, metadata, split, len(data), shown, frames_per_second)
    _tell(path)
    for one in shown:
      path = folder / f'episode_{one.number:04d}.mp4'
      filmstrip.write(path, metadata, one, frames_per_second)
      _tell(path)

  return run


def _tell(path):
  print(f'{path}  {path.stat().st_size / 1e6:.1f} MB', flush=True)
