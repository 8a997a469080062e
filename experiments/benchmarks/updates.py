"""One update of a world model, and what options save of it."""

import functools

import jax

from experiments.benchmarks import clock, zoo
from wm.models import scoring
from wm.nets import images, pieces
from wm.train import optimizer


def update(
  member: zoo.Member,
  rows: int,
  length: int,
  frame: tuple[int, int, int] = zoo.FRAME,
  **options: object,
) -> tuple[clock.Program, clock.Row]:
  """Returns an update, compiled, and what is known of it.

  Args:
    member: of the zoo.
    rows: B.
    length: T of an episode.
    frame: (H, W, C).
    options: of `world_model.world_model`.
  """
  model = zoo.model(member, length, image_shape=frame, **options)
  learn = member.learner(model=model, optimizer=optimizer.adamw())
  data = zoo.batch(member.chunk, rows, length, frame)
  state = jax.jit(learn.init)(jax.random.key(0), data)
  return clock.program(learn.update, state, data), {
    'length': length,
    'frames': data['mask'].size,
    'rows': rows,
    'parameters': sum(x.size for x in jax.tree.leaves(state.params)),
  }


def savings(
  members: zoo.Members = zoo.zoo,
  length: int = 2048,
  batch: int = 8,
  share: float = 0.1,
  conv_length: int = 64,
  conv_side: int = 64,
  repetitions: int = 3,
) -> clock.Report:
  """Measures what scoring in pieces, recomputing and fewer frames save.

  The yardstick decodes all frames at once. Fewer frames save most where the
  decoder is large: they are measured with convolutions and frames of 64x64 too,
  as at paper scale, one episode at a time.

  Args:
    members: of whom S4WM and S5WM count; S5WM is needed.
    length: T.
    batch: B.
    share: of the frames that are decoded.
    conv_length: T with convolutions.
    conv_side: of their frames, pixels.
    repetitions: rounds.
  """
  report = clock.Report([], {})
  at_once = {'score': functools.partial(scoring.every_frame, frames=2**31)}
  pieced = {'score': scoring.every_frame}
  few = {'score': functools.partial(scoring.random_frames, share=share)}
  recomputed = pieced | {'framewise': pieces.recomputed()}
  convolutions = {
    'frame': (conv_side, conv_side, 3),
    'encoder': images.conv_encoder,
    'decoder': images.conv_decoder,
  }
  cases = {
    name: (batch, length, {}) for name in ('s4wm', 's5wm') if name in members()
  }
  cases['s5wm_conv'] = 1, conv_length, convolutions
  for name, (rows, steps, nets) in cases.items():
    ways = {'at_once': at_once, 'few_frames': few}
    if not nets:
      ways |= {'pieces': pieced, 'recomputed': recomputed}
    member = members()[name.removesuffix('_conv')]
    programs, found = {}, {}
    for way, options in ways.items():
      programs[way], row = update(member, rows, steps, **nets, **options)
      found[way] = row | {'part': 'saving', 'what': f'{name} {way}'}
    seconds = clock.race(programs, found, repetitions)
    report.rows.extend(found.values())
    for way in [way for way in ways if way != 'at_once']:
      report.ratios[f'time_{name}_at_once_over_{way}'] = clock.over(
        seconds['at_once'], seconds[way]
      )
      report.ratios[f'memory_{name}_at_once_over_{way}'] = [
        programs['at_once'].peak_bytes / programs[way].peak_bytes
      ]
  return report
