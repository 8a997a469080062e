"""Algorithms that learn a policy in an environment."""

from collections.abc import Callable
from typing import Any

from wm.control.memory import Policy


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
) -> Callable[..., Policy]:
  """Returns `learn(env, true_env, ...) -> policy`, brax's PPO.

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
  """

  def learn(
    env: Any,
    true_env: Any,
    horizon: int,
    discrete: bool,
    seed: int,
    progress: Callable[[int, dict[str, float]], None],
  ) -> Policy:
    from third_party import brax_ppo
    from wm.control import resets

    make_policy, params = brax_ppo.train(
      env,
      true_env,
      resets.batched,
      discrete=discrete,
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
    return make_policy(params, deterministic=True)

  return learn
