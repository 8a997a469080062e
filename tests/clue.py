"""A world whose rewards are known, and a model of it made by hand.

The first frame shows a clue, the others nothing. The third action is paid 1 if
it is the clue's number, and ends the episode.
"""

import jax
import jax.numpy as jnp
from brax.envs import base

from wm.control import memory
from wm.types import Rollout, State, WorldModel

CLUES, LENGTH = 3, 3


class Clue(base.Env):
  """The world."""

  def reset(self, rng):
    clue = jax.random.randint(rng, (), 0, CLUES)
    image = jnp.full((1, 1, 1), 1 + clue, jnp.uint8)
    zero = jnp.zeros(())
    return base.State((clue, jnp.int32(0)), {'image': image}, zero, zero)

  def step(self, state, action):
    clue, time = state.pipeline_state
    time += 1
    over = (time == LENGTH).astype(jnp.float32)
    return state.replace(
      pipeline_state=(clue, time),
      obs={'image': jnp.zeros((1, 1, 1), jnp.uint8)},
      reward=over * self.earned(action, clue),
      done=over,
    )

  def earned(self, action, clue):
    return action == clue

  observation_size = {'image': (1, 1, 1)}
  action_size = CLUES
  backend = 'clue'


class Vectors(Clue):
  """The world where an action has a number for each clue and earns that one."""

  def earned(self, action, clue):
    return action[clue]


def model():
  """Returns a model that remembers the clue and knows the rules.

  Its carry is the steps seen, z the clue and h the reward and whether the
  episode goes on.
  """

  def step(ready, key, state, action):
    del ready, key
    time = state.carry + 1
    over = (time == LENGTH).astype(jnp.float32)
    h = jnp.stack([over * jnp.sum(action * state.z, -1), 1 - over], -1)
    return State(time, state.z, state.t + 1), Rollout(h, state.z, h, None)

  def see(ready, key, state, row):
    shown = row['image'].reshape(-1).astype(jnp.int32)
    state, rollout = step(ready, key, state, row['prev_action'])
    z = jax.nn.one_hot(shown - 1, CLUES)
    z = jnp.where(shown[:, None] > 0, z, state.z)
    return state._replace(z=z), rollout._replace(z=z)

  def predict(params, rollout):
    return {'reward': rollout.h[..., 0], 'continue': rollout.h[..., 1]}

  return WorldModel(
    init=None,
    initial=None,
    observe=None,
    prepare=lambda params: params,
    see=see,
    step=step,
    imagine=None,
    predict=predict,
    loss=None,
  )


def starts(count, seed):
  """Returns what the model remembers of first frames, and the true states."""
  keys = jax.random.split(jax.random.PRNGKey(seed), count)
  world = jax.vmap(Clue().reset)(keys)
  clue, time = world.pipeline_state
  return memory.Starts(
    carry=time,
    z=jax.nn.one_hot(clue, CLUES),
    h=jnp.zeros((count, 2)),
    t=jnp.int32(1),
    world=world,
  )
