"""A world as a person plays it, and what a world model imagines meanwhile."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from wm.data import batch as batching
from wm.types import Array, Batch, Key, Params, State, WorldModel


class Scene(NamedTuple):
  """What there is at a step, in the world and in the model.

  Attributes:
    episode: its number.
    step: frames since its start.
    draw: which of the model's futures this is.
    taken: actions since the model last saw a frame.
    world: the true state, of brax.
    seen: the model's memory when it last saw a frame.
    before: its memory before the last action.
    memory: its memory now.
    prediction: what it makes of this step, `[1, 1, ...]` by name.
  """

  episode: int
  step: int
  draw: int
  taken: tuple[int, ...]
  world: Any
  seen: State
  before: State
  memory: State
  prediction: dict[str, Array]


class Game(NamedTuple):
  """What can be done in a world and its imagination.

  Attributes:
    begin: `(episode) -> Scene`, at the end of its context, which the model has
      seen.
    act: `(Scene, action) -> Scene`, one true and one imagined step.
    resample: `(Scene) -> Scene`, imagines the same actions with other draws.
    look: `(Scene) -> Scene`, shows the model the true frame of this step.
  """

  begin: Callable[[int], Scene]
  act: Callable[[Scene, int], Scene]
  resample: Callable[[Scene], Scene]
  look: Callable[[Scene], Scene]


def game(
  model: WorldModel,
  params: Params,
  env: Any,
  episode: Callable[[int], tuple[Array, Mapping[str, Any]]],
  context: int,
  seed: int,
) -> Game:
  """Returns a game.

  Args:
    model: the world model.
    params: its parameters.
    env: the true world, of brax; its actions are integers.
    episode: `(number) -> (key, record)`, what `env` is reset with and whose
      actions are taken in the context.
    context: frames that the model sees of an episode.
    seed: of the latents' draws.
  """
  width = env.action_size
  ready = jax.jit(model.prepare)(params)
  move = jax.jit(env.step)
  replay = jax.jit(film(env))
  see = jax.jit(_see(model))
  imagine = jax.jit(_imagine(model, width))

  def key(draw: int) -> Key:
    return jax.random.fold_in(jax.random.key(seed), draw)

  def begin(number: int) -> Scene:
    start, record = episode(number)
    world, images = replay(start, record['action'][: context - 1])
    actions = batching.align(record, width)['prev_action'][:context]
    batch = {'image': images[None], 'prev_action': actions[None]}
    memory, prediction = see(params, key(0), None, batch)
    return Scene(
      episode=number,
      step=context - 1,
      draw=0,
      taken=(),
      world=world,
      seen=memory,
      before=memory,
      memory=memory,
      prediction=prediction,
    )

  def dream(scene: Scene, action: int) -> Scene:
    memory, prediction = imagine(
      params, ready, key(scene.draw), scene.memory, action
    )
    return scene._replace(
      before=scene.memory, memory=memory, prediction=prediction
    )

  def act(scene: Scene, action: int) -> Scene:
    return dream(scene, action)._replace(
      step=scene.step + 1,
      taken=(*scene.taken, action),
      world=move(scene.world, action),
    )

  def resample(scene: Scene) -> Scene:
    scene = scene._replace(draw=scene.draw + 1, memory=scene.seen)
    for action in scene.taken:
      scene = dream(scene, action)
    return scene

  def look(scene: Scene) -> Scene:
    if not scene.taken:
      return scene
    batch = {
      'image': scene.world.obs['image'][None, None],
      'prev_action': np.eye(width, dtype=np.float32)[[[scene.taken[-1]]]],
    }
    memory, prediction = see(params, key(scene.draw), scene.before, batch)
    return scene._replace(
      taken=(), seen=memory, memory=memory, prediction=prediction
    )

  return Game(begin, act, resample, look)


def film(env: Any) -> Callable[..., tuple[Any, Array]]:
  """Returns `(key, actions[T]) -> (state, images[T + 1, H, W, C])`."""

  def film(key: Key, actions: Array) -> tuple[Any, Array]:
    def step(world: Any, action: Array) -> tuple[Any, Array]:
      return env.step(world, action), world.obs['image']

    world, images = jax.lax.scan(step, env.reset(key), actions)
    return world, jnp.concatenate([images, world.obs['image'][None]])

  return film


def _see(model: WorldModel) -> Callable[..., tuple[State, dict[str, Array]]]:
  """Returns a filter that predicts the last of the steps it sees."""

  def see(
    params: Params, key: Key, memory: State | None, batch: Batch
  ) -> tuple[State, dict[str, Array]]:
    memory, rollout = model.observe(params, key, memory, batch)
    last = jax.tree.map(lambda x: x[:, -1:], rollout)
    return memory, model.predict(params, last)

  return see


def _imagine(
  model: WorldModel, width: int
) -> Callable[..., tuple[State, dict[str, Array]]]:
  """Returns one step of imagination, by an action that is an integer."""

  def imagine(
    params: Params, ready: Any, key: Key, memory: State, action: Array
  ) -> tuple[State, dict[str, Array]]:
    action = jax.nn.one_hot(action, width)[None]
    memory, rollout = model.step(ready, key, memory, action)
    now = jax.tree.map(lambda x: x[:, None], rollout)
    return memory, model.predict(params, now)

  return imagine
