"""The report: from run folders to tables, figures, claims and a page.

    python -m experiments.report --workdir=runs/face_off --out=docs/results

It reads nothing but the run folders and works with what is there. Slim copies
of them go to `OUT/runs`, from which the report can be made again.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import provenance
from experiments.results import claims as judging
from experiments.results import figures, html, markdown, records, tables
from experiments.results.records import Record


def report(root: Path, out: Path) -> None:
  """Writes README.md, index.html, results.json, control.json and figures.

  Args:
    root: where the run folders are.
    out: where to.

  Raises:
    ValueError: there are no runs, one cannot be read, a model has no title, or
      `out` tells of runs that are not there.
  """
  runs = records.read(root)
  found, claims = tables.tables(runs), judging.claims(runs)
  out.mkdir(parents=True, exist_ok=True)
  copies = out / 'runs'
  if copies.resolve() != root.resolve():
    _check_that_none_is_lost(root, copies)
    for run in runs:
      records.copy(run, copies / run.table / run.folder.name)
  pictures = figures.write(out, runs)
  said = (claims, found, pictures, _facts(runs))
  provenance.write_whole(out / 'README.md', markdown.page(*said))
  provenance.write_whole(out / 'index.html', html.page(*said))
  everything = {
    'claims': [claim._asdict() for claim in claims],
    'tables': {table.name: tables.plain(table) for table in found},
    'runs': [_plain(run) for run in runs],
  }
  _write_json(out / 'results.json', everything)
  policies = [_policy(run) for run in runs if run.control]
  if policies:
    _write_json(out / 'control.json', {'rows': policies})


def _check_that_none_is_lost(root: Path, copies: Path) -> None:
  there, copied = (
    {str(folder.relative_to(where)) for folder in records.finished(where)}
    for where in (root, copies)
  )
  if lost := sorted(copied - there):
    raise ValueError(
      f'report: {copies.parent} tells of {len(lost)} runs that {root} does not '
      f'have, such as {lost[0]}; change --out, or remove {copies} to replace '
      'them'
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
  text = json.dumps(content, indent=1, sort_keys=True) + '\n'
  provenance.write_whole(path, text)


def _policy(run: Record) -> dict[str, Any]:
  """Returns what became of a policy."""
  said = {'task': run.table, 'model': run.model, 'seed': run.seed}
  return said | dict(run.control)


def _plain(run: Record) -> dict[str, Any]:
  versions = records.without_command(run.versions)
  revision = versions.get('git_revision')
  kept = run._asdict() | {'versions': versions, 'revision': revision}
  return {k: v for k, v in kept.items() if k != 'folder'}


def _facts(runs: Sequence[Record]) -> list[str]:
  """Returns sentences on where the numbers come from."""

  def all_of(name, length=None):
    found = {r.versions.get(name) for r in runs} - {None}
    texts = sorted(str(x)[:length] for x in found)
    return ', '.join(texts) or 'unknown'

  runs = list({run.folder: run for run in runs}.values())
  minutes = sum(r.training.get('minutes', 0) for r in runs)
  dirty = sum(bool(r.versions.get('git_changes')) for r in runs)
  facts = [
    f'{len(runs)} runs, {minutes / 60:.1f} hours of training in all.',
    f'Dates: {all_of("date")}.',
    f'Machines: {all_of("machine")}, {all_of("cpus")} cores.',
    f'Revisions: {all_of("git_revision", 8)}.',
    'Commands: python -m experiments.face_off, python -m experiments.report.',
  ]
  if dirty:
    facts.append(f'{dirty} runs had changes that were not committed.')
  return facts


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line; returns 0, or 2 after a mistake.

  Args:
    argv: the command line after the program's name; by default that of the
      process.
  """
  parser = argparse.ArgumentParser(
    'experiments.report',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('--workdir', default='runs/face_off')
  parser.add_argument('--out', default='docs/results')
  given = parser.parse_args(argv)
  try:
    report(Path(given.workdir), Path(given.out))
  except ValueError as error:
    print(f'error: {error}', file=sys.stderr)
    return 2
  print(Path(given.out) / 'index.html')
  return 0


if __name__ == '__main__':
  sys.exit(main())
