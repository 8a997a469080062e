"""The scripted policy of the balanced pole: linear feedback with noise.

Its gains and the width of its noise are drawn for each episode, so that there
are poles that stand and poles that fall.
"""

import jax
import jax.numpy as jnp

from datasets.worlds import balance, pole


def film(env: pole.Pole, key: jax.Array) -> dict[str, jax.Array]:
  """Plays an episode and records it.

  Args:
    env: the world.
    key: raw uint32 key.

  Returns:
    state float32 [T, 4]; action float32 [T, 1]; reward float32 [T], 1 for the
    action after which the pole is upright; terminal bool [T], whether it is
    fallen; gain float32 [4] and noise float32, of the script.
  """
  here, there = jax.random.split(key)
  draw, widths, pushes = jax.random.split(there, 3)
  gains = jnp.array(balance.GAINS)
  gain = gains * jax.random.uniform(draw, gains.shape, maxval=balance.SPREAD)
  noise = jax.random.uniform(widths, maxval=balance.NOISE)

  def step(world, key):
    seen = world.obs['state']
    push = noise * jax.random.uniform(key, (1,), minval=-1, maxval=1)
    action = jnp.clip(gain @ seen + push, -1, 1)
    world = env.step(world, action)
    return world, (seen, action, world.reward)

  keys = jax.random.split(pushes, env.plan.length)
  _, (state, action, reward) = jax.lax.scan(step, env.reset(here), keys)
  reward = reward.at[-1].set(0)  # Nothing follows the last step.
  return {
    'state': state,
    'action': action,
    'reward': reward,
    'terminal': jnp.append(False, reward[:-1] == 0),
    'gain': gain,
    'noise': noise,
  }
