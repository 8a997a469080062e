"""Algorithms that learn a policy in an environment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax

from wm import sizes
from wm.control.memory import Policy


class Algorithm(NamedTuple):
  """How a policy is learned.

  Attributes:
    name: What it is called.
    learn: `(env, true_env, horizon, discrete, seed, folder, progress)`, leaves
      a policy in a folder. It learns in the first batch of environments and is
      evaluated in the second, whose episodes have `horizon` steps; then
      `progress(steps, measured)` is called.
    load: `(folder, discrete, deterministic) -> policy`.
    integers: Whether actions may be integers.
  """

  name: str
  learn: Callable[..., None]
  load: Callable[..., Policy]
  integers: bool = True


def ppo(
  steps: int = 500_000,
  evaluations: int = 6,
  environments: int = 128,
  unroll: int = 16,
  batch: int = 128,
  minibatches: int = 8,
  epochs: int = 4,
  learning_rate: float = 1e-3,
  entropy: float = 1e-2,
  discount: float = 0.97,
  hidden: tuple[int, ...] = (128, 128),
) -> Algorithm:
  """Returns brax's PPO.

  The numbers are this project's choice.

  Args:
    steps: Of all environments together.
    evaluations: How often the policy is judged in the true environment.
    environments: That are imagined at a time.
    unroll: Steps between two bootstraps of the return.
    batch: Unrolls in a minibatch.
    minibatches: In an epoch; `batch * minibatches` is a multiple of
      `environments`.
    epochs: Over what was collected.
    learning_rate: Of Adam.
    entropy: Weight of the policy's entropy.
    discount: Of a reward one step later.
    hidden: Widths of the hidden layers of policy and value.

  Raises:
    ValueError: If a number is none, or if environments do not share out to
      minibatches or devices.
  """
  sizes.positive(
    'learning.ppo',
    steps=steps,
    evaluations=evaluations,
    environments=environments,
    unroll=unroll,
    batch=batch,
    minibatches=minibatches,
    epochs=epochs,
  )
  if batch * minibatches % environments:
    raise ValueError(
      f'ppo: {minibatches} minibatches of {batch} are no multiple of '
      f'{environments} environments; change learning.ppo.environments, '
      'learning.ppo.batch or learning.ppo.minibatches'
    )
  _share_out('ppo', environments=environments)

  def learn(
    env: Any,
    true_env: Any,
    horizon: int,
    discrete: bool,
    seed: int,
    folder: Path,
    progress: Callable[[int, dict[str, float]], None],
  ) -> None:
    from third_party import brax_agents

    brax_agents.train_ppo(
      env,
      true_env,
      discrete=discrete,
      folder=folder,
      hidden=hidden,
      num_timesteps=steps,
      num_evals=evaluations,
      episode_length=horizon,
      num_envs=environments,
      unroll_length=unroll,
      batch_size=batch,
      num_minibatches=minibatches,
      num_updates_per_batch=epochs,
      learning_rate=learning_rate,
      entropy_cost=entropy,
      discounting=discount,
      normalize_observations=True,
      log_training_metrics=True,
      training_metrics_steps=max(1, steps // 50),
      progress_fn=progress,
      seed=seed,
    )

  def load(folder: Path, discrete: bool, deterministic: bool = True) -> Policy:
    from third_party import brax_agents

    return brax_agents.load_ppo(folder, discrete, hidden, deterministic)

  return Algorithm('PPO', learn, load)


def sac(
  steps: int = 50_000,
  evaluations: int = 6,
  environments: int = 64,
  updates: int = 32,
  batch: int = 256,
  before: int = 2_000,
  learning_rate: float = 1e-3,
  tau: float = 0.005,
  discount: float = 0.97,
  reward_scale: float = 1.0,
  hidden: tuple[int, ...] = (128, 128),
) -> Algorithm:
  """Returns brax's SAC, for actions that are vectors.

  The numbers are this project's choice.

  Args:
    steps: Of all environments together.
    evaluations: How often the policy is judged in the true environment.
    environments: That are imagined at a time.
    updates: After each of their steps.
    batch: Transitions in an update.
    before: Steps before the first update.
    learning_rate: Of Adam, for policy and critics.
    tau: How far target critics follow the critics at each update.
    discount: Of a reward one step later.
    reward_scale: What rewards are multiplied with, against the entropy.
    hidden: Widths of the hidden layers of policy and critics.

  Raises:
    ValueError: If a number is none, if no step is left after `before`, or if
      environments or batches do not share out to devices.
  """
  sizes.positive(
    'learning.sac',
    steps=steps,
    evaluations=evaluations,
    environments=environments,
    updates=updates,
    batch=batch,
    before=before,
  )
  if steps <= before:
    raise ValueError(
      f'sac: no update comes after {before} of {steps} steps; change '
      'learning.sac.steps or learning.sac.before'
    )
  _share_out('sac', environments=environments, batch=batch)

  def learn(
    env: Any,
    true_env: Any,
    horizon: int,
    discrete: bool,
    seed: int,
    folder: Path,
    progress: Callable[[int, dict[str, float]], None],
  ) -> None:
    from third_party import brax_agents

    brax_agents.train_sac(
      env,
      true_env,
      folder,
      progress,
      hidden,
      num_timesteps=steps,
      num_evals=evaluations,
      episode_length=horizon,
      num_envs=environments,
      grad_updates_per_step=updates,
      batch_size=batch,
      min_replay_size=before,
      learning_rate=learning_rate,
      tau=tau,
      discounting=discount,
      reward_scaling=reward_scale,
      seed=seed,
    )

  def load(folder: Path, discrete: bool, deterministic: bool = True) -> Policy:
    from third_party import brax_agents

    return brax_agents.load_sac(folder, hidden, deterministic)

  return Algorithm('SAC', learn, load, integers=False)


def _share_out(owner: str, **numbers: int) -> None:
  devices = jax.local_device_count()
  for name, number in numbers.items():
    if number % devices:
      raise ValueError(
        f'{owner}: {number} {name} do not share out to {devices} devices; '
        f'change learning.{owner}.{name}'
      )
