"""The play program: the imagined world beside the true one, by keyboard.

    python -m experiments.launch --program=play --workdir=runs/s4wm_fourrooms

Serves a page at `http://127.0.0.1:8000/` until it is stopped. Each key is an
action, taken in the true world and imagined by the model. It needs a run
folder, or one of `export`, and writes nothing into it; episodes begin as those
of the data set do, and it makes only a few of them.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets import catalogue
from experiments import playing, restoring, serving
from wm.data import task as tasks
from wm.data.task import Task
from wm.train import checkpoint
from wm.types import Array


def play(
  task: Task,
  preview: Callable[..., Sequence[Mapping[str, Any]]],
  environment: Callable[[], Any],
  start_key: Callable[..., Array],
  split: str = 'test',
  episodes: int = 8,
  context: int | None = None,
  seed: int = 0,
  host: str = '127.0.0.1',
  port: int = 8000,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model.
    preview: `(split=..., count=...) -> episodes`, the first of the data set.
    environment: `() -> env`, the world of the data set, of brax.
    start_key: `(split=..., number=...) -> key`, what the world is reset with
      to begin an episode.
    split: Of the data set.
    episodes: How many of the split there are to play in.
    context: Frames that the model sees first; by default as the data set says.
    seed: Of the latents' draws.
    host: Address to listen at; others than this machine's own open the page to
      everyone who can reach it.
    port: To listen at; 0 for any that is free.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.

  Raises:
    ValueError: If the data set has no world, or a number does not fit; when it
      runs, if there is no checkpoint or the port is taken.
  """
  metadata = task.metadata
  context = metadata['context'] if context is None else context
  _check(episodes, context, metadata['length'])
  tasks.check_frames(metadata, 'play')
  env = _world(environment, metadata['name'])

  def run(workdir: Path) -> None:
    step, params = restoring.params(task, workdir, pick)
    data = preview(split=split, count=episodes)

    def episode(number: int) -> tuple[Array, Mapping[str, Any]]:
      return start_key(split=split, number=number), data[number]

    game = playing.game(task.model, params, env, episode, context, seed)
    scene = game.begin(0)
    game.look(game.act(scene, 0))  # Compiles, so that no key has to wait.
    facts = {
      'name': metadata['name'],
      'model': f'{Path(workdir).name}, step {step}',
      'actions': list(metadata['actions']),
      'episodes': len(data),
      'length': metadata['length'],
    }
    with _listen(game, scene, facts, host, port) as server:
      print(f'Play at http://{host}:{server.server_port}/', flush=True)
      server.serve_forever()

  return run


def _listen(game, scene, facts, host, port):
  try:
    server = serving.server(game, scene, facts, host, port)
  except (OSError, OverflowError, TypeError) as error:
    raise ValueError(
      f'play: cannot listen at {host}:{port} ({error}); change play.play.host '
      'or play.play.port'
    ) from error
  if not serving.is_loopback(host):
    print(f'play: everyone who can reach {host} can play', file=sys.stderr)
  return server


def _world(environment: Callable[[], Any], name: str) -> Any:
  """Returns the true world of a data set."""
  reason = None
  try:
    if not catalogue.is_recorded(name):
      return environment()
  except ValueError as error:
    reason = error
  raise ValueError(
    f'play: no world to play in; got {name!r}, need a data set that is made '
    'here, such as distracting_memory/width_100; change the gin macro DATA'
  ) from reason


def _check(episodes: int, context: int, length: int) -> None:
  if episodes < 1:
    raise ValueError(
      f'play: nothing to play in; got {episodes} episodes, need 1 or more; '
      'change play.play.episodes'
    )
  if not 2 <= context <= length:
    raise ValueError(
      f'play: episodes have {length} steps; got a context of {context}, need '
      f'2 to {length}; change play.play.context'
    )
