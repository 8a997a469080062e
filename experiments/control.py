"""The control program: a policy learned in imagination, judged in the world.

    python -m experiments.launch --program=control --workdir=RUN

The model of a run folder is an environment: brax's PPO or SAC learns in it,
from what the model remembers of training episodes, and never sees the world.
Every so often, and at the end, the policy acts in the true world, where it
observes what the model remembers; random actions and the data set's script are
judged beside it. Fills `workdir/control`: `policy`, `metrics.json`, `curve.png`
and `episodes.mp4`, or `episodes.png` of states: true episodes beside what the
model imagines of the same actions.
"""

import functools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments import (
  acting,
  beginnings,
  learning,
  provenance,
  restoring,
)
from experiments.figures import frames as pictures
from experiments.figures import returns
from experiments.judging import Frames
from wm import sizes
from wm.control import actions as kinds
from wm.control import memory
from wm.data.task import Task
from wm.train import checkpoint
from wm.types import Array, Params, Rollout, WorldModel

_AGAIN = 4
"""Episodes of a policy from each true start."""

_FILMED = 3


def control(
  task: Task,
  environment: Callable[[], Any],
  start_key: Callable[..., Array],
  algorithm: learning.Algorithm,
  episodes: int = 512,
  starts: int = 4,
  between: tuple[int, int] | None = None,
  true_episodes: int = 256,
  batch: int = 32,
  context: int | None = None,
  horizon: int | None = None,
  ahead: int | None = None,
  seed: int = 0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
  actions: Callable[[int], kinds.Actions] = kinds.integers,
  enough: float = 1.0,
  figures: Callable[[Path, Frames], None] = pictures.episodes,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model.
    environment: `() -> env`, the world of the data set.
    start_key: `(split=..., number=...) -> key`, what the world is reset with
      to begin an episode.
    algorithm: `learning.ppo()`, or `learning.sac()` of actions that are
      vectors.
    episodes: Of the training split, at most, which imagined ones start in.
    starts: In each of them.
    between: Steps that these are drawn from, the first and the last; by
      default from the end of the context to the end of the episode.
    true_episodes: Of the test split, at most, which the policy is judged in
      where they are not over by then, four times each.
    batch: Episodes observed at a time.
    context: Frames before an episode starts, at least; by default as the data
      set says.
    horizon: Steps of a true episode; by default to the end of those of the
      data set.
    ahead: Steps of an imagined one, after which it is cut off and what would
      follow is estimated; by default as many.
    seed: Of all draws.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.
    actions: `(A) -> Actions`, their kind: `actions.integers` or
      `actions.vectors`.
    enough: The least return of an episode that is a success.
    figures: `(folder, frames) -> None`, draws a few episodes:
      `frames.episodes`, or `trajectories.episodes` of states.
  """
  metadata = task.metadata
  length, count = metadata['length'], metadata['num_actions']
  context = metadata['context'] if context is None else context
  horizon = length - context if horizon is None else horizon
  ahead = horizon if ahead is None else ahead
  kind, observation = actions(count), metadata['observation']
  if kind.discrete and not algorithm.integers:
    raise ValueError(
      f'control: {algorithm.name} learns actions that are vectors; those of '
      f'{metadata["name"]} are integers; change ALGORITHM to @learning.ppo()'
    )
  sizes.positive(
    'control.control',
    episodes=episodes,
    starts=starts,
    true_episodes=true_episodes,
    batch=batch,
  )
  episodes = min(episodes, metadata['splits']['train'])
  true_episodes = min(true_episodes, metadata['splits']['test'])
  if not true_episodes:
    raise ValueError(
      'control: a policy is judged in test episodes; got a data set without; '
      "change its ARGUMENTS, such as {'test': 0.1}"
    )
  first, last = (context - 1, length - 2) if between is None else between
  if not 0 <= first <= last < length:
    raise ValueError(
      f'control: episodes have {length} steps; got starts between {first} and '
      f'{last}, need 0 to {length - 1}; change control.control.between'
    )
  beginnings.check('control.control', length, context, horizon)
  if ahead < 1:
    raise ValueError(
      f'control: imagined episodes have a step or more; got {ahead}; change '
      'control.control.ahead'
    )

  def run(workdir: Path) -> None:
    # What loads physics engines is loaded when it is needed.
    from wm.control import environment as environments
    from wm.control import remembering, resets

    step, params = restoring.params(task, workdir, pick)
    env = environment()
    draw = np.random.default_rng(seed)
    anywhere = draw.integers(first, last + 1, (episodes, starts))
    known = beginnings.starts(task, params, 'train', anywhere, batch, seed)
    imagined = environments.Imagined(
      task.model, params, known, kind.vector, count
    )
    numbers, true = beginnings.true_starts(
      task, params, env, start_key, 'test', true_episodes, context, batch, seed
    )
    remembered = remembering.Remembering(
      env, task.model, params, true, kind.vector
    )
    folder, curve = Path(workdir) / 'control', _Curve()
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / 'policy'
    (folder / 'metrics.json').unlink(missing_ok=True)
    shutil.rmtree(found, ignore_errors=True)
    algorithm.learn(
      resets.batched(imagined, ahead),
      resets.batched(remembered, horizon),
      horizon,
      kind.discrete,
      seed,
      found,
      curve.add,
    )
    policy = algorithm.load(found, kind.discrete)
    where = np.tile(np.arange(len(numbers)), _AGAIN)
    keys = jax.random.split(jax.random.PRNGKey(seed), len(where))
    judge = acting.judge(remembered, horizon)
    script = acting.scripted(
      task.load(split='test'), numbers, context, horizon
    )
    metrics = {
      'algorithm': algorithm.name,
      'step': step,
      'starts': len(numbers),
      'episodes': len(where),
      'horizon': horizon,
      'ahead': ahead,
      **_numbers('', judge(policy, where, keys), enough),
      **_numbers(
        'random_', judge(acting.random(kind), where, keys), enough
      ),
      **_numbers('script_', script, enough),
      'curve': curve.points,
    }
    bounds = {who: metrics[f'{who}_return'] for who in ('random', 'script')}
    lines = {
      f'{name}, {steps} steps': curve.points[name]
      for name, steps in (('imagined', ahead), ('true', horizon))
    }
    returns.write(folder / 'curve.png', lines, bounds)
    film = acting.film(remembered, policy, horizon)(
      where[:_FILMED], keys[:_FILMED]
    )
    seen, dreamt = _dream(task.model, kind.vector, observation)(
      params, film.memories, film.actions
    )
    truth = film.observed[observation]
    figures(folder, Frames(*map(np.asarray, (truth, seen, dreamt))))
    provenance.write_whole(
      folder / 'metrics.json', json.dumps(metrics, indent=2) + '\n'
    )
    print(json.dumps({k: v for k, v in metrics.items() if k != 'curve'}))

  return run


def _dream(
  model: WorldModel, vector: memory.Vector, observation: str
) -> Callable[..., tuple[Array, Array]]:
  """Returns the frames at starts, and what is imagined to follow actions."""

  @jax.jit
  @functools.partial(jax.vmap, in_axes=(None, 0, 0))
  def dream(
    params: Params, memory: memory.Memory, actions: Array
  ) -> tuple[Array, Array]:
    state = memory.state
    here = Rollout(memory.h[None], state.z[None], None, None)
    _, ahead = model.imagine(params, memory.key, state, vector(actions)[None])
    first, rest = (model.predict(params, x) for x in (here, ahead))
    return first[observation][0], rest[observation][0]

  return dream


class _Curve:
  """What the policy brought in while it learned."""

  def __init__(self):
    self.points = {'imagined': [], 'true': []}

  def add(self, steps: int, measured: dict[str, float]) -> None:
    for name, key in (
      ('imagined', 'episode/sum_reward'), ('true', 'eval/episode_reward')
    ):
      if key in measured:
        value = float(measured[key])
        self.points[name].append((int(steps), value))
        print(f'{int(steps):>9,} steps: {name} return {value:.3f}', flush=True)


def _numbers(
  prefix: str, returns: np.ndarray, enough: float
) -> dict[str, float]:
  return {
    f'{prefix}return': float(np.mean(returns)),
    f'{prefix}success': float(np.mean(returns >= enough)),
  }
