"""The collect program: what a policy meets in the world, as a data set.

    python -m experiments.launch --program=collect --workdir=RUN

The policy that the control program left in a run folder acts in the true world,
from the ends of contexts of each split on, and observes it through the model's
memory. Its episodes, contexts included, become the TFDS data set
`workdir/collected/collected/1.0.0`, on which any model can be trained:
`DATA = 'tfds:RUN/collected/collected/1.0.0'`.
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from datasets import collected, rlds
from experiments import acting, beginnings, learning, restoring
from wm import sizes
from wm.control import actions as kinds
from wm.data.task import Task
from wm.train import checkpoint
from wm.types import Array


def collect(
  task: Task,
  environment: Callable[[], Any],
  start_key: Callable[..., Array],
  algorithm: learning.Algorithm,
  episodes: Mapping[str, int] | None = None,
  scripted: Mapping[str, int] | None = None,
  deterministic: bool = False,
  batch: int = 32,
  context: int | None = None,
  horizon: int | None = None,
  seed: int = 0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
  actions: Callable[[int], kinds.Actions] = kinds.integers,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model.
    environment: `() -> env`, the world of the data set.
    start_key: `(split=..., number=...) -> key`, what the world is reset with
      to begin an episode.
    algorithm: Of which there is a policy.
    episodes: How many of each split, from the first; by default all. Those that
      are over before the policy acts are left out.
    scripted: How many of each split, from the first, are put beside these as
      the data set has them; by default none.
    deterministic: Whether the policy takes its likeliest action, or else draws.
    batch: Episodes at a time.
    context: Frames before the policy acts; by default as the data set says.
    horizon: Steps that it acts, at most; by default to the end of the data
      set's episodes.
    seed: Of all draws.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.
    actions: `(A) -> Actions`, their kind: `actions.integers` or
      `actions.vectors`.
  """
  metadata = task.metadata
  context = metadata['context'] if context is None else context
  horizon = metadata['length'] - context if horizon is None else horizon
  beginnings.check('collect.collect', metadata['length'], context, horizon)
  counts = dict(metadata['splits'] if episodes is None else episodes)
  kept = dict(scripted or {})
  sizes.positive('collect.collect', batch=batch)
  for name, asked, least in (('episodes', counts, 1), ('scripted', kept, 0)):
    for split, count in asked.items():
      if split not in counts or not (
        least <= count <= metadata['splits'].get(split, 0)
      ):
        raise ValueError(
          f'collect: {count} episodes of {split!r}; the data set has '
          f'{dict(metadata["splits"])}; change collect.collect.{name}'
        )

  def run(workdir: Path) -> None:
    # What loads physics engines is loaded when it is needed.
    from wm.control import remembering

    step, params = restoring.params(task, workdir, pick)
    _check_policy(Path(workdir) / 'control' / 'metrics.json', step)
    env = environment()
    kind = actions(metadata['num_actions'])
    policy = algorithm.load(
      Path(workdir) / 'control' / 'policy', kind.discrete, deterministic
    )
    key = jax.random.PRNGKey(seed)

    def maker(split: str, count: int) -> tuple[Callable[[int], list], int]:
      data = task.load(split=split)
      numbers, starts = beginnings.true_starts(
        task, params, env, start_key, split, count, context, batch, seed
      )
      world = remembering.Remembering(
        env, task.model, params, starts, kind.vector
      )
      play = acting.film(world, policy, horizon)
      keys = jax.random.split(
        jax.random.fold_in(key, rlds.SPLITS.index(split)), len(numbers)
      )

      acted = -(-len(numbers) // batch)

      def make(part: int) -> list[dict[str, Any]]:
        here = np.arange(part * batch, (part + 1) * batch)
        if part >= acted:
          here = here - acted * batch
          return [_told(data[int(n)]) for n in here[here < kept.get(split, 0)]]
        rows = np.minimum(here, len(numbers) - 1)  # Of one shape.
        film = jax.device_get(play(rows, keys[rows]))
        return [
          _record(data[int(numbers[row])], context, film, place)
          for place, row in enumerate(here[here < len(numbers)])
        ]

      return make, acted - (-kept.get(split, 0) // batch)

    path = collected.write(
      Path(workdir) / 'collected',
      f'{metadata["name"]} by a policy of {algorithm.name}.',
      _fields(task.load(split=next(iter(counts)))[0]),
      {
        split: functools.partial(maker, split, count)
        for split, count in counts.items()
      },
    )
    print(f"DATA = 'tfds:{path}'")

  return run


def _check_policy(path: Path, step: int) -> None:
  """Raises a ValueError but where a policy was learned to its end, and here."""
  if not path.is_file():
    raise ValueError(
      f'collect: no finished policy in {path.parent}; run --program=control in '
      'this run folder first, or again if it was stopped'
    )
  learned = json.loads(path.read_text())['step']
  if learned != step:
    raise ValueError(
      f'collect: the policy was learned in the model of step {learned}, got '
      f'step {step}; run --program=control again, or change '
      'collect.collect.pick'
    )


def _fields(episode: Mapping[str, Any]) -> Any:
  """Returns the features of episodes of any length that are like one."""
  observation, action = jax.tree.map(
    lambda x: (x.shape[1:], x.dtype),
    (episode['observation'], episode['action']),
  )
  return rlds.features(None, observation, action, {})


def _told(episode: Mapping[str, Any]) -> dict[str, Any]:
  """Returns an episode as the data set has it, but for its hidden state."""
  return {**episode, 'oracle': {}}


def _record(
  episode: Mapping[str, Any], context: int, film: acting.Film, row: int
) -> dict[str, Any]:
  """Returns an episode: its context as recorded, then what was acted."""
  ends = film.ends[row]
  steps = int(np.argmax(ends)) + 1 if ends.any() else len(ends)
  terminal = np.zeros(context + steps, bool)
  terminal[-1] = film.terminal[row, steps - 1]

  def joined(before: Sequence[Any], after: Sequence[Any]) -> np.ndarray:
    return np.concatenate([np.asarray(before)[: context - 1], after])

  acted, paid = film.actions[row, :steps], film.rewards[row, :steps]
  nothing = np.zeros_like(acted[:1])  # Follows the last step.
  return rlds.episode(
    {
      name: joined(x, film.observed[name][row, : steps + 1])
      for name, x in episode['observation'].items()
    },
    joined(episode['action'], np.concatenate([acted, nothing])),
    joined(episode['reward'], np.append(paid, np.float32(0))),
    terminal,
  )
