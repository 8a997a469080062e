"""The control program: a policy learned in imagination, judged in the world.

    python -m experiments.launch --program=control --workdir=RUN

The model of a run folder is an environment: brax's PPO learns in it, from what
the model remembers of training episodes, and never sees the world. Every so
often, and at the end, the policy acts in the true world, where it observes what
the model remembers. Fills `workdir/control`: `metrics.json`, `curve.png` and
`episodes.mp4`, true episodes beside what the model imagines of the same
actions.
"""

import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments import acting, restoring
from experiments.figures import returns, video
from wm.control import memory
from wm.data import loader as loading
from wm.data.task import Task
from wm.train import checkpoint
from wm.types import Array, Params, Rollout, WorldModel

_FILMED = 3


def control(
  task: Task,
  environment: Callable[[], Any],
  start_key: Callable[..., Array],
  learn: Callable[..., memory.Policy],
  episodes: int = 512,
  starts: int = 4,
  between: tuple[int, int] | None = None,
  true_episodes: int = 256,
  batch: int = 32,
  context: int | None = None,
  horizon: int | None = None,
  seed: int = 0,
  pick: Callable[[checkpoint.Checkpoints], int] = checkpoint.last_step,
) -> Callable[[Path], None]:
  """Returns the program `(workdir) -> None`.

  Args:
    task: Data set and model.
    environment: `() -> env`, the world of the data set; its actions are
      integers.
    start_key: `(split=..., number=...) -> key`, what the world is reset with
      to begin an episode.
    learn: What `learning.ppo` returns.
    episodes: Of the training split, which imagined ones start in.
    starts: In each of them.
    between: Steps that these are drawn from, the first and the last; by
      default from the end of the context to the end of the episode.
    true_episodes: Of the test split, which the policy is judged in where they
      are not over by then.
    batch: Episodes observed at a time.
    context: Frames before an episode starts, at least; by default as the data
      set says.
    horizon: Steps of an episode; by default to the end of those of the data
      set.
    seed: Of all draws.
    pick: Which checkpoint: `checkpoint.last_step` or `checkpoint.best_step`.
  """
  metadata = task.metadata
  length, count = metadata['length'], metadata['num_actions']
  context = metadata['context'] if context is None else context
  horizon = length - context if horizon is None else horizon
  vector = memory.one_hot(count)
  first, last = (context - 1, length - 2) if between is None else between
  if not 0 <= first <= last < length:
    raise ValueError(
      f'control: episodes have {length} steps; got starts between {first} and '
      f'{last}, need 0 to {length - 1}; change control.control.between'
    )

  def run(workdir: Path) -> None:
    # What loads physics engines is loaded when it is needed.
    from wm.control import environment as environments
    from wm.control import remembering

    step, params = restoring.params(task, workdir, pick)
    env = environment()
    draw = np.random.default_rng(seed)
    anywhere = draw.integers(first, last + 1, (episodes, starts))
    cut = np.full((true_episodes, 1), context - 1)
    known = _starts(task, params, 'train', anywhere, batch, seed)
    true = _starts(task, params, 'test', cut, batch, seed)
    data = task.load(split='test')
    world = acting.worlds(env, data, start_key, context, true_episodes)
    goes_on = np.flatnonzero(world.done == 0)
    imagined = environments.Imagined(task.model, params, known, vector, count)
    true = jax.tree.map(
      lambda x: x[goes_on] if x.ndim else x, true._replace(world=world)
    )
    remembered = remembering.Remembering(env, task.model, params, true, vector)
    curve = _Curve()
    policy = learn(imagined, remembered, horizon, True, seed, curve.add)
    keys = jax.random.split(jax.random.PRNGKey(seed), 4 * true_episodes)
    judge = acting.judge(remembered, horizon)
    metrics = {
      'step': step,
      'episodes': len(keys),
      'horizon': horizon,
      **_numbers('', judge(policy, keys)),
      **_numbers('random_', judge(acting.random(count), keys)),
      'curve': curve.points,
    }
    folder = Path(workdir) / 'control'
    folder.mkdir(parents=True, exist_ok=True)
    bounds = {'random': metrics['random_return']}
    returns.write(folder / 'curve.png', curve.points, bounds)
    memories, frames, actions = acting.film(remembered, horizon)(
      policy, keys[:_FILMED]
    )
    seen, dreamt = _dream(task.model, vector)(params, memories, actions)
    column = video.dream(np.asarray(seen), np.asarray(dreamt), 'imagined')
    path = folder / 'episodes.mp4'
    video.write_columns(path, np.asarray(frames), [column], 1)
    (folder / 'metrics.json').write_text(json.dumps(metrics, indent=2) + '\n')
    print(json.dumps({k: v for k, v in metrics.items() if k != 'curve'}))

  return run


def _dream(
  model: WorldModel, vector: memory.Vector
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
    first, rest = (model.predict(params, x)['image'][0] for x in (here, ahead))
    return first, rest

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


def _numbers(prefix: str, returns: np.ndarray) -> dict[str, float]:
  return {
    f'{prefix}return': float(np.mean(returns)),
    f'{prefix}success': float(np.mean(returns >= 1)),
  }


def _starts(
  task: Task,
  params: Params,
  split: str,
  steps: np.ndarray,
  batch: int,
  seed: int,
) -> memory.Starts:
  """Returns what a model remembers after steps `[N, K]` of a split."""
  encode = jax.jit(
    lambda params, key, rows, steps: memory.starts(
      task.model, params, key, rows, steps
    )
  )
  key, found = jax.random.key(seed), []
  rows = loading.in_order(
    task.load(split=split),
    task.metadata['num_actions'],
    batch=batch,
    count=len(steps),
  )
  for number, part in enumerate(rows):
    here = np.take(
      steps, range(number * batch, (number + 1) * batch), axis=0, mode='clip'
    )
    draw = jax.random.fold_in(key, number)
    one = encode(params, draw, part, here)
    found.append(one._replace(t=one.t[None]))
  joined = jax.tree.map(lambda *x: jnp.concatenate(x)[: steps.size], *found)
  return joined._replace(t=joined.t[0])
