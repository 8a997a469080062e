"""`python -m datasets.inspect NAME`: what recordings are, and what they lack.

    python -m datasets.inspect folder:/data/my_robot length=100 side=64
    python -m datasets.inspect tfds:my_rlds "keys={'image': 'wrist_image'}"

After the name come arguments as in `load.arguments`. The last lines are those
that train a model on the recordings.
"""

import argparse
import ast
import statistics
import sys
from collections.abc import Callable, Sequence

import rich.console
import rich.markup
import rich.table

from datasets import npz, recordings
from datasets.recorded import examination, windows


def rows(report: examination.Report) -> dict[str, str]:
  """Returns what was found in recordings, by what it is about.

  Args:
    report: what `recordings.look` returns.
  """
  facts = report.facts
  if not facts:
    return {}
  frames = sum(x.frames for x in facts)
  sizes = [
    w.stop - w.start for x in facts for w in windows.cut(x, None)
  ]  # fmt: skip
  kind, width = facts[0].kind
  low, high = min(x.low for x in facts), max(x.high for x in facts)
  action = f'continuous, {width} numbers from {low:.3g} to {high:.3g}'
  if kind == 'discrete':
    action = f'discrete, {low:.0f} to {high:.0f}: {high + 1:.0f} actions'
  paid = sum(x.paid for x in facts)
  found = {
    'recordings': f'{len(facts)}',
    'frames': f'{frames:,}',
    facts[0].observation: 'x'.join(map(str, facts[0].frame)),
    'episode lengths': f'{min(sizes)} / {statistics.median(sizes):.0f} / '
    f'{max(sizes)} (min / median / max)',
    'action': action,
    'reward': f'mean {sum(x.reward for x in facts) / frames:.4g}, '
    f'{paid:,} of {frames:,} not zero',
    'is_first': f'{sum(len(x.starts) for x in facts):,}',
    'is_terminal': f'{sum(x.terminal for x in facts):,}',
    'alignment': '\n'.join((report.aligned, *report.evidence)),
  }
  if extra := sorted({n for x in facts for n in x.extra}):
    found['oracle'] = ', '.join(extra)
  about = report.metadata
  if about:
    counts = ', '.join(f'{n} {split}' for split, n in about['splits'].items())
    found['episodes of a model'] = (
      f'{counts}\n{about["context"]} | {about["query"]} frames of context | '
      f'query, {"x".join(map(str, about["frame"]))}'
    )
  return found


SKIPPING = (
  'from datasets import npz',
  'episodes.load.on_bad = @npz.skip',
  'episodes.preview.on_bad = @npz.skip',
  'catalogue.describe.on_bad = @npz.skip',
)
"""Lines of gin that leave bad recordings out."""


def gin(
  report: examination.Report, on_bad: Callable[[str], None] = npz.refuse
) -> list[str]:
  """Returns the lines of gin that choose the recordings, if they are sound.

  Args:
    report: what `recordings.look` returns.
    on_bad: what it was told to do about bad recordings.
  """
  about = report.metadata
  if not about:
    return []
  asked = {
    k: dict(x) if k == 'keys' else x
    for k, x in report.wishes._asdict().items()
    if x != report.wishes._field_defaults[k]
  }
  lines = [f'DATA = {report.name!r}']
  lines += [f'ARGUMENTS = {asked!r}'] if asked else []
  train = about['splits']['train']
  lines += [f'BATCH = {train}'] if train < 8 else []
  return lines + list(SKIPPING if on_bad is npz.skip else ())


def show(
  report: examination.Report, on_bad: Callable[[str], None] = npz.refuse
) -> None:
  """Prints the report.

  Args:
    report: what `recordings.look` returns.
    on_bad: what it was told to do about bad recordings.
  """
  table = rich.table.Table(title=report.name, show_header=False)
  table.add_column(style='bold', no_wrap=True)
  table.add_column(overflow='fold')

  def add(label, text, style=None):
    table.add_row(label, rich.markup.escape(text), style=style)

  for label, text in rows(report).items():
    add(label, text)
  if report.assumed:
    table.add_section()
  for text in report.assumed:
    add('assumed', text)
  table.add_section()
  for text in report.faults:
    add('to mend', text, 'red')
  if not report.faults:
    add('to mend', 'nothing', 'green')
  console = rich.console.Console()
  console.print(table)
  lines = gin(report, on_bad)
  if lines:
    command = ['python -m experiments.launch --gin_file=base.gin']
    command += ['--gin_file=models/s4wm.gin']
    if report.metadata['observation'] == 'state':
      command += ['--gin_file=data/worlds/states.gin']
    command += ['--gin_file=laptop.gin']
    command += [f'--gin_bindings="{line}"' for line in lines]
    command += ['--workdir=runs/mine']
    print('To train on them:\n\n  ' + ' \\\n    '.join(command))


def main(argv: Sequence[str] | None = None) -> int:
  """Prints the report; returns 0 if there is nothing to mend, else 1.

  Args:
    argv: the command line after the program's name; by default that of the
      process.
  """
  parser = argparse.ArgumentParser('datasets.inspect', description=__doc__)
  parser.add_argument('name', help='folder:PATH or tfds:NAME')
  parser.add_argument('arguments', nargs='*', help='such as length=100')
  parser.add_argument(
    '--skip', action='store_true', help='go on without bad recordings'
  )
  given = parser.parse_args(argv)
  arguments = {}
  for text in given.arguments:
    name, _, value = text.partition('=')
    try:
      arguments[name] = ast.literal_eval(value)
    except (SyntaxError, ValueError):
      arguments[name] = value
  on_bad = npz.skip if given.skip else npz.refuse
  try:
    report = recordings.look(given.name, arguments, on_bad)
  except ValueError as error:
    print(f'error: {error}', file=sys.stderr)
    return 1
  show(report, on_bad)
  return int(bool(report.faults))


if __name__ == '__main__':
  sys.exit(main())
