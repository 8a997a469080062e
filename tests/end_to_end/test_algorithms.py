"""Algorithms that learn policies, in a world whose rewards are known."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import learning
from tests import clue
from third_party import brax_agents
from wm.control import actions as kinds
from wm.control import environment, memory, remembering, resets

VECTOR = memory.one_hot(clue.CLUES)


def imagined(vector=VECTOR):
  return environment.Imagined(
    clue.model(), (), clue.starts(32, 0), vector, clue.CLUES
  )


def remembered(world=clue.Clue, vector=VECTOR):
  starts = clue.starts(64, 1)
  return remembering.Remembering(world(), clue.model(), (), starts, vector)


def play(env, actions):
  """Returns rewards and ends of an episode, and the clue."""
  state = jax.jit(env.reset)(jax.random.PRNGKey(0))
  step, rewards, ends = jax.jit(env.step), [], []
  for action in actions:
    state = step(state, action)
    rewards.append(float(state.reward))
    ends.append(float(state.done))
  return rewards, ends, int(jnp.argmax(state.obs[-clue.CLUES :]))


def test_a_reward_comes_with_the_action_that_earns_it():
  for env in (imagined(), remembered()):
    _, _, right = play(env, [0, 0, 0])
    wrong = (right + 1) % clue.CLUES
    assert play(env, [wrong, wrong, right])[:2] == ([0, 0, 1], [0, 0, 1])
    assert play(env, [right, right, wrong])[:2] == ([0, 0, 0], [0, 0, 1])


def test_a_policy_learned_in_imagination_acts_in_the_world(tmp_path):
  returns = []

  def progress(step, measured):
    returns.append(float(measured['eval/episode_reward']))

  brax_agents.train_ppo(
    resets.batched(imagined(), clue.LENGTH),
    resets.batched(remembered(), clue.LENGTH),
    discrete=True,
    folder=tmp_path,
    hidden=(32,),
    num_timesteps=30_000,
    num_evals=2,
    episode_length=clue.LENGTH,
    num_envs=64,
    num_eval_envs=64,
    batch_size=64,
    num_minibatches=4,
    unroll_length=3,
    learning_rate=3e-3,
    entropy_cost=1e-2,
    progress_fn=progress,
  )
  assert returns[0] < 0.7
  assert returns[-1] > 0.95
  policy = jax.jit(brax_agents.load_ppo(tmp_path, True, (32,), True))
  starts = clue.starts(64, 2)
  actions, _ = policy(
    jnp.concatenate([starts.h.at[:, 1].set(1), starts.z], -1),
    jax.random.PRNGKey(0),
  )
  assert jnp.issubdtype(actions.dtype, jnp.integer)
  assert np.mean(actions == jnp.argmax(starts.z, -1)) > 0.95


def test_sac_learns_vectors_in_imagination(tmp_path):
  found, kind = {'imagined': [], 'true': []}, kinds.vectors(clue.CLUES)

  def progress(steps, measured):
    found['true'].append(float(measured['eval/episode_reward']))
    if steps:
      found['imagined'].append(float(measured['episode/sum_reward']))

  sac = learning.sac(
    steps=12_000,
    evaluations=2,
    environments=64,
    updates=8,
    batch=64,
    before=500,
    reward_scale=20.0,
    hidden=(32,),
  )
  sac.learn(
    resets.batched(imagined(kind.vector), clue.LENGTH),
    resets.batched(remembered(clue.Vectors, kind.vector), clue.LENGTH),
    horizon=clue.LENGTH,
    discrete=kind.discrete,
    seed=0,
    folder=tmp_path,
    progress=progress,
  )
  assert found['true'][0] < 0.4
  assert found['true'][-1] > 0.8
  assert found['imagined'][-1] > 0.8
  policy = jax.jit(sac.load(tmp_path, kind.discrete))
  starts = clue.starts(64, 2)
  last = jnp.concatenate([starts.h.at[:, 1].set(1), starts.z], -1)
  acts, _ = policy(last, jax.random.PRNGKey(0))
  assert jnp.mean(jnp.sum(acts * starts.z, -1)) > 0.9
  with pytest.raises(ValueError, match=r'\(32,\).*learning\.sac\.hidden'):
    learning.sac().load(tmp_path, kind.discrete)
  with pytest.raises(ValueError, match='no policy of PPO.*ALGORITHM'):
    learning.ppo().load(tmp_path, kind.discrete)


def test_without_a_policy_nothing_is_loaded(tmp_path):
  with pytest.raises(ValueError, match='run --program=control'):
    learning.ppo().load(tmp_path, True)


@pytest.mark.parametrize(
  'size',
  ['steps', 'environments', 'unroll', 'batch', 'minibatches', 'epochs'],
)
def test_sizes_of_ppo_are_checked(size):
  with pytest.raises(ValueError, match=rf'change learning\.ppo\.{size}'):
    learning.ppo(**{size: 0})


@pytest.mark.parametrize('size', ['steps', 'updates', 'batch', 'before'])
def test_sizes_of_sac_are_checked(size):
  with pytest.raises(ValueError, match=rf'change learning\.sac\.{size}'):
    learning.sac(**{size: 0})


def test_sac_needs_steps_to_learn_from():
  with pytest.raises(ValueError, match=r'change learning\.sac\.steps'):
    learning.sac(steps=100, before=100)


@pytest.mark.parametrize('environments', [-1, 100])
def test_environments_share_out_to_minibatches(environments):
  with pytest.raises(ValueError, match=r'learning\.ppo\.environments'):
    learning.ppo(environments=environments)
