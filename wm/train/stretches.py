"""Learning from sequences that lie on several devices, in stretches of time.

What stretches tell each other is in `wm.backbones.shards`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from wm.backbones import shards
from wm.train import sharding
from wm.types import Array, Batch, Key, LossAux, Params, State, WorldModel


def over_time(layout: sharding.Layout, model: WorldModel) -> WorldModel:
  """Returns the world model with a loss over sequences that lie on devices.

  Each device of the axis `time` sees a stretch of all sequences. The loss is
  the mean over all steps that the mask keeps; the state after the batch is not
  known. With one device along `time` it is the model as it is, told the mesh.

  Args:
    layout: of devices.
    model: any.
  """
  if layout.mesh.shape[shards.AXIS] == 1:
    return model._replace(loss=_told(layout, model.loss))
  along = PartitionSpec(None, shards.AXIS)

  def stretch(params: Params, key: Key, batch: Batch) -> tuple:
    value, aux = model.loss(params, key, None, batch)
    share = jnp.sum(batch['mask'])
    total = jnp.maximum(jax.lax.psum(share, shards.AXIS), 1)
    value, measurements = jax.tree.map(
      lambda x: jax.lax.psum(x * share, shards.AXIS) / total,
      (value, aux.measurements),
    )
    return value, aux.terms, measurements

  def loss(
    params: Params, key: Key, state: State | None, batch: Batch
  ) -> tuple[Array, LossAux]:
    if state is not None:
      raise ValueError(
        'sharding: sequences that lie on devices must be whole; got chunks '
        'with a memory; change the learner to learner.whole_sequences and the '
        'loader to loader.whole_episodes, or set sharding.layout.time to 1'
      )
    value, terms, measurements = jax.shard_map(
      stretch,
      mesh=layout.mesh,
      in_specs=(PartitionSpec(), PartitionSpec(), along),
      out_specs=(PartitionSpec(), along, PartitionSpec()),
      axis_names={shards.AXIS},
      check_vma=False,
    )(params, key, dict(batch))
    return value, LossAux(None, terms, measurements)

  return model._replace(loss=loss)


def _told(layout: sharding.Layout, loss: Callable) -> Callable:
  """Returns a loss inside of which the mesh is known."""

  def told(*data):
    with jax.sharding.use_abstract_mesh(layout.mesh.abstract_mesh):
      return loss(*data)

  return told
