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
  """

  name: str
  learn: Callable[..., None]
  load: Callable[..., Policy]


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
  devices = jax.local_device_count()
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
  if environments % devices:
    raise ValueError(
      f'ppo: {environments} environments do not share out to {devices} '
      'devices; change learning.ppo.environments'
    )

  def learn(
    env: Any,
    true_env: Any,
    horizon: int,
    discrete: bool,
    seed: int,
    folder: Path,
    progress: Callable[[int, dict[str, float]], None],
  ) -> None:
    from third_party import brax_ppo

    brax_ppo.train(
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
    from third_party import brax_ppo

    return brax_ppo.load(folder, discrete, hidden, deterministic)

  return Algorithm('PPO', learn, load)
