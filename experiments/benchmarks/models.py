"""World models in turns: the training step and imagination, by length."""

from collections.abc import Sequence

import jax

from experiments.benchmarks import clock, updates, zoo

LENGTHS = 128, 256, 512, 1024, 2048, 4096
_RIVAL = 'rssm_tbtt'


def train(
  members: zoo.Members = zoo.zoo,
  lengths: Sequence[int] = LENGTHS,
  batch: int = 8,
  repetitions: int = 3,
  at: int = 1024,
) -> clock.Report:
  """Measures one update of every model.

  An update learns from `batch` rows: whole episodes, or chunks of them. What
  learns from chunks runs a second time, as `..._wide`, with as many rows as
  have the frames of `batch` episodes: so `loader.episode_chunks` gives them.

  Args:
    members: what competes.
    lengths: T of the episodes.
    batch: B.
    repetitions: rounds.
    at: the length that the ratios between models are of.

  Raises:
    ValueError: if that length is not measured.
  """
  _check_measured('models.train', at, lengths)
  report, ends = clock.Report([], {}), {}
  for length in lengths:
    programs, found = {}, {}
    for name, member in members().items():
      rows = {name: batch}
      if member.chunk is not None:
        rows[f'{name}_wide'] = zoo.wide(member.chunk, batch, length)
      for what, count in rows.items():
        programs[what], row = updates.update(member, count, length)
        found[what] = row | {'part': 'train', 'what': what}
    per_frame = clock.race(programs, found, repetitions)
    report.rows.extend(found.values())
    for name, seconds in per_frame.items():
      ends.setdefault(name, []).append(seconds)
      if length == at:
        for rival in (_RIVAL, f'{_RIVAL}_wide'):
          if rival != name:
            report.ratios[f'train_{rival}_over_{name}'] = clock.over(
              per_frame[rival], seconds
            )
  for name, seconds in ends.items():
    growth = f'train_{name}_per_frame_{lengths[-1]}_over_{lengths[0]}'
    report.ratios[growth] = clock.over(seconds[-1], seconds[0])
  return report


def imagine(
  members: zoo.Members = zoo.zoo,
  lengths: Sequence[int] = LENGTHS,
  batch: int = 8,
  repetitions: int = 5,
  at: int = 1024,
) -> clock.Report:
  """Measures rollouts of latents, and rollouts with their frames.

  A rollout is one compiled program, preparing included; frames are decoded
  after its last step.

  Args:
    members: what competes.
    lengths: K, imagined steps.
    batch: B, rollouts at once.
    repetitions: rounds.
    at: the length that the ratios between models are of.

  Raises:
    ValueError: if that length is not measured.
  """
  _check_measured('models.imagine', at, lengths)
  report = clock.Report([], {})
  for length in lengths:
    inputs = {}
    for name, member in members().items():
      model = zoo.model(member, length)
      data = zoo.batch(None, batch, length)
      params = jax.jit(model.init)(jax.random.key(0), data)
      state = model.initial(batch)
      inputs[name] = model, (params, state, data['prev_action'])
    for part, rollout in (('imagine', _latents), ('imagine_frames', _frames)):
      programs, found = {}, {}
      for name, (model, arguments) in inputs.items():
        programs[name] = clock.program(rollout(model), *arguments)
        found[name] = {
          'part': part,
          'what': name,
          'length': length,
          'frames': batch * length,
          'rows': batch,
        }
      per_frame = clock.race(programs, found, repetitions)
      report.rows.extend(found.values())
      for name, seconds in per_frame.items():
        if length == at and name != _RIVAL:
          report.ratios[f'{part}_{name}_over_{_RIVAL}'] = clock.over(
            seconds, per_frame[_RIVAL]
          )
  return report


def _check_measured(where, at, lengths):
  if at not in lengths:
    raise ValueError(
      f'{where}: ratios are of a length that is measured; got {at}, need one '
      f'of {", ".join(map(str, lengths))}; change {where}.at'
    )


def _latents(model):
  def rollout(params, state, actions):
    return model.imagine(params, jax.random.key(1), state, actions)[1].z

  return rollout


def _frames(model):
  def rollout(params, state, actions):
    _, rollout = model.imagine(params, jax.random.key(1), state, actions)
    return model.predict(params, rollout)['image']

  return rollout
