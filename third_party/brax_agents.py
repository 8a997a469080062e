"""brax's PPO and SAC, for this project's environments and versions.

What brax 0.14 lacks: actions that are integers; and it calls a function that
JAX has removed.
"""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from brax.envs import base
from brax.training import acting, checkpoint, distribution, networks, types
from brax.training.acme import running_statistics
from brax.training.agents.ppo import networks as ppo_networks
from brax.training.agents.ppo import train as ppo
from brax.training.agents.sac import networks as sac_networks
from brax.training.agents.sac import train as sac

Progress = Callable[[int, dict[str, Any]], None]
"""`(steps, measured)`, called after each evaluation."""


def train_ppo(
  env: base.Env,
  true_env: base.Env,
  discrete: bool,
  folder: Path,
  hidden: tuple[int, ...] = (128, 128),
  **arguments: Any,
) -> None:
  """Learns a policy by `brax.training.agents.ppo.train`; leaves checkpoints.

  Args:
    env: A batch of environments to learn in, which goes on when an episode is
      over.
    true_env: Such a batch to evaluate in.
    discrete: Whether actions are integers, or else vectors in [-1, 1].
    folder: Of the checkpoints, one after each evaluation.
    hidden: Widths of the hidden layers of policy and value.
    **arguments: Of brax's function.
  """
  _mend_jax()
  ppo.train(
    environment=env,
    eval_env=true_env,
    wrap_env=False,
    network_factory=_networks(discrete, hidden),
    save_checkpoint_path=Path(folder).absolute(),
    **arguments,
  )


def train_sac(
  env: base.Env,
  true_env: base.Env,
  folder: Path,
  progress: Progress,
  hidden: tuple[int, ...] = (128, 128),
  **arguments: Any,
) -> None:
  """Learns a policy by `brax.training.agents.sac.train`; leaves checkpoints.

  Args:
    env: As `train_ppo` takes it; actions are vectors in [-1, 1].
    true_env: As `train_ppo` takes it.
    folder: As `train_ppo` takes it.
    progress: Is told what brax's function measures and, as of PPO, the mean
      return `episode/sum_reward` of episodes in `env`.
    hidden: Widths of the hidden layers of policy and critics.
    **arguments: Of brax's function.
  """
  _mend_jax()
  evaluator = acting.Evaluator(
    env,
    sac_networks.make_inference_fn(
      _sac_networks(hidden)(
        env.observation_size, env.action_size, running_statistics.normalize
      )
    ),
    num_eval_envs=128,
    episode_length=env.episode_length,
    action_repeat=1,
    key=jax.random.PRNGKey(arguments.get('seed', 0)),
  )

  def with_returns(steps: int, measured: dict[str, Any]) -> None:
    if steps:
      params = checkpoint.load(_last(folder, 'SAC'))
      found = evaluator.run_evaluation(params, {})
      measured = measured | {'episode/sum_reward': found['eval/episode_reward']}
    progress(steps, measured)

  sac.train(
    environment=env,
    eval_env=true_env,
    # brax draws its keys only where it wraps.
    wrap_env_fn=lambda env, **_: env,
    network_factory=_sac_networks(hidden),
    normalize_observations=True,
    checkpoint_logdir=Path(folder).absolute(),
    progress_fn=with_returns,
    **arguments,
  )


def load_ppo(
  folder: Path, discrete: bool, hidden: tuple[int, ...], deterministic: bool
) -> Callable[[Any, jax.Array], tuple[jax.Array, Any]]:
  """Returns the policy of the last checkpoint, `(obs, key) -> (action, ...)`.

  Args:
    folder: As `train_ppo` takes it.
    discrete: As `train_ppo` takes it.
    hidden: As `train_ppo` takes it.
    deterministic: Whether it takes the likeliest action, or else draws one.

  Raises:
    ValueError: There is no checkpoint of PPO, or `hidden` was another.
  """
  params, sizes = _load(folder, 'PPO', hidden)
  found = _networks(discrete, hidden)(*sizes, running_statistics.normalize)
  return ppo_networks.make_inference_fn(found)(params, deterministic)


def load_sac(
  folder: Path, hidden: tuple[int, ...], deterministic: bool
) -> Callable[[Any, jax.Array], tuple[jax.Array, Any]]:
  """Returns a policy that `train_sac` left, as `load_ppo` does."""
  params, sizes = _load(folder, 'SAC', hidden)
  found = _sac_networks(hidden)(*sizes, running_statistics.normalize)
  return sac_networks.make_inference_fn(found)(params, deterministic)


def _load(
  folder: Path, algorithm: str, hidden: tuple[int, ...]
) -> tuple[Any, tuple[int, int]]:
  """Returns the last parameters, and the sizes of observations and actions."""
  last = _last(folder, algorithm)
  # brax's own way back does not read what it wrote of the observation's size.
  params = checkpoint.load(last)
  *inner, _ = sorted(params[1]['params'].items())
  learned = tuple(layer['kernel'].shape[-1] for _, layer in inner)
  if learned != tuple(hidden):
    raise ValueError(
      f'brax_agents: the policy in {folder} has hidden layers of {learned}; '
      f'got {tuple(hidden)}; change learning.{algorithm.lower()}.hidden'
    )
  (size,) = params[0].mean.shape
  config = checkpoint.load_config(last / _CONFIG[algorithm])
  return params, (size, config.action_size)


def _last(folder: Path, algorithm: str) -> Path:
  # brax writes the configuration last; what has none was not finished.
  written = Path(folder).absolute().glob(f'*/{_CONFIG[algorithm]}')
  steps = sorted(path.parent for path in written if path.parent.name.isdigit())
  if not steps:
    raise ValueError(
      f'brax_agents: no policy of {algorithm} in {folder}; run '
      '--program=control in this run folder first, with the same ALGORITHM'
    )
  return steps[-1]


_CONFIG = {
  'PPO': 'ppo_network_config.json',
  'SAC': 'sac_network_config.json',
}


def _sac_networks(hidden: tuple[int, ...]) -> Callable[..., Any]:
  return functools.partial(
    sac_networks.make_sac_networks, hidden_layer_sizes=hidden
  )


def _networks(
  discrete: bool, hidden: tuple[int, ...]
) -> Callable[..., ppo_networks.PPONetworks]:
  make = _integers if discrete else ppo_networks.make_ppo_networks

  def factory(*args: Any, **kwargs: Any) -> ppo_networks.PPONetworks:
    sizes = {
      'policy_hidden_layer_sizes': hidden,
      'value_hidden_layer_sizes': hidden,
    }
    return make(*args, **kwargs, **sizes)

  return factory


def _integers(
  observation_size: types.ObservationSize,
  action_size: int,
  preprocess_observations_fn: types.PreprocessObservationFn,
  policy_hidden_layer_sizes: tuple[int, ...],
  value_hidden_layer_sizes: tuple[int, ...],
) -> ppo_networks.PPONetworks:
  """Returns networks of a policy over integers."""
  return ppo_networks.PPONetworks(
    policy_network=networks.make_policy_network(
      action_size,
      observation_size,
      preprocess_observations_fn=preprocess_observations_fn,
      hidden_layer_sizes=policy_hidden_layer_sizes,
    ),
    value_network=networks.make_value_network(
      observation_size,
      preprocess_observations_fn=preprocess_observations_fn,
      hidden_layer_sizes=value_hidden_layer_sizes,
    ),
    parametric_action_distribution=Discrete(action_size),
  )


class Discrete(distribution.ParametricDistribution):
  """The categorical distributions over integers below a number.

  Args:
    count: That number; there are as many logits.
  """

  def __init__(self, count: int):
    super().__init__(
      param_size=count,
      postprocessor=distribution.IdentityPostprocessor(),
      event_ndims=0,
      reparametrizable=False,
    )

  def create_dist(self, parameters: jax.Array) -> '_Categorical':
    """Returns the distribution of logits `[..., count]`."""
    return _Categorical(parameters)


class _Categorical:
  """A distribution as brax's PPO asks of one."""

  def __init__(self, logits: jax.Array):
    self._log = jax.nn.log_softmax(logits)
    self.loc = jnp.argmax(logits, axis=-1)
    self.scale = jnp.ones(logits.shape[:-1])  # PPO reports it.

  def sample(self, seed: jax.Array) -> jax.Array:
    return jax.random.categorical(seed, self._log)

  def mode(self) -> jax.Array:
    return self.loc

  def log_prob(self, x: jax.Array) -> jax.Array:
    return jnp.take_along_axis(self._log, x[..., None], axis=-1)[..., 0]

  def entropy(self) -> jax.Array:
    return -jnp.sum(jnp.exp(self._log) * self._log, axis=-1)

  def kl_divergence(self, other: '_Categorical') -> jax.Array:
    return jnp.sum(jnp.exp(self._log) * (self._log - other._log), axis=-1)


def _mend_jax() -> None:
  if not hasattr(jax, 'device_put_replicated'):
    jax.device_put_replicated = _replicated


def _replicated(tree: Any, devices: list[jax.Device]) -> Any:
  """Returns a tree with a copy on each device, as JAX's former function."""
  mesh = jax.sharding.Mesh(devices, ('copy',))
  lies = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec('copy'))
  return jax.tree.map(
    lambda x: jax.device_put(jnp.stack([x] * len(devices)), lies), tree
  )
