"""Episodes of the scripted tour, played in batches and then rendered."""

import functools
from collections.abc import Callable

import jax
import numpy as np

from datasets.worlds import layout as layouts
from datasets.worlds import rooms, stills, tour


@functools.cache
def camera(
  layout: layouts.Layout, rendered: int
) -> Callable[[jax.Array], list[dict[str, np.ndarray]]]:
  """Returns a function that plays and films a batch of episodes.

  Args:
    layout: the plan.
    rendered: frames rendered by one call.

  Returns:
    `(keys uint32 [B, 2]) -> episodes`: image uint8 [T, H, W, 3]; action int32
    [T]; pose int32 [T, 3], (x, y) in 1/UNIT cells and the heading; room int32
    [T], where the camera is; visible bool [T, S]; wall_color int32 [rows,
    cols]; object_position int32 [O, 2]; object_color int32 [O]; object_present
    bool [O]; with a teleport, source int32, the step it goes back to.
  """
  play = jax.jit(jax.vmap(functools.partial(tour.play, layout)))
  expose = jax.jit(jax.vmap(functools.partial(_expose, layout)))

  def shoot(keys):
    worlds, action, _ = jax.tree.map(np.asarray, play(keys))
    image, visible = stills.shown(expose, worlds, rendered)
    cell = worlds.position // (layout.room * layouts.UNIT)
    shape = layout.rows, layout.cols
    return [
      {
        'image': image[i],
        'action': action[i],
        'pose': np.c_[worlds.position[i], worlds.heading[i]],
        'room': cell[i, :, 1] * layout.cols + cell[i, :, 0],
        'visible': visible[i],
        'wall_color': worlds.map.wall[i].reshape(shape),
        'object_position': worlds.map.position[i],
        'object_color': worlds.map.color[i],
        'object_present': worlds.map.present[i],
      }
      | ({'source': worlds.mark.source[i, 0]} if layout.stretch else {})
      for i in range(len(image))
    ]

  return shoot


def _expose(layout, world):
  return rooms.frame(layout, world), rooms.visible(layout, world)
