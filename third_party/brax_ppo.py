"""brax's PPO, for this project's environments and versions.

What brax 0.14 lacks: actions that are integers; and it calls a function that
JAX has removed.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from brax.envs import base
from brax.training import distribution, networks, types
from brax.training.agents.ppo import networks as ppo_networks
from brax.training.agents.ppo import train as ppo


def train(
  env: base.Env,
  true_env: base.Env,
  wrap: Callable[..., base.Wrapper],
  discrete: bool,
  hidden: tuple[int, ...] = (128, 128),
  **arguments: Any,
) -> tuple[Callable[..., Any], Any]:
  """Returns what `brax.training.agents.ppo.train` learns in an environment.

  Args:
    env: To learn in.
    true_env: To evaluate in.
    wrap: `(env, episode_length=...) -> env` that is batched and goes on when an
      episode is over.
    discrete: Whether actions are integers, or else vectors in [-1, 1].
    hidden: Widths of the hidden layers of policy and value.
    **arguments: Of brax's function.

  Returns:
    `(params, deterministic) -> policy`, where
    `policy(obs, key) -> (action, extras)`; and params.
  """
  if not hasattr(jax, 'device_put_replicated'):
    jax.device_put_replicated = _replicated
  make = _integers if discrete else ppo_networks.make_ppo_networks

  def factory(*args: Any, **kwargs: Any) -> ppo_networks.PPONetworks:
    sizes = {
      'policy_hidden_layer_sizes': hidden,
      'value_hidden_layer_sizes': hidden,
    }
    return make(*args, **kwargs, **sizes)

  make_policy, params, _ = ppo.train(
    environment=env,
    eval_env=true_env,
    wrap_env_fn=wrap,
    network_factory=factory,
    **arguments,
  )
  return make_policy, params


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


def _replicated(tree: Any, devices: list[jax.Device]) -> Any:
  """Returns a tree with a copy on each device, as JAX's former function."""
  mesh = jax.sharding.Mesh(devices, ('copy',))
  lies = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec('copy'))
  return jax.tree.map(
    lambda x: jax.device_put(jnp.stack([x] * len(devices)), lies), tree
  )
