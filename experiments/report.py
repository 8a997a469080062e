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
    ValueError: there are no runs, or one cannot be read.
  """
  runs = records.read(root)
  out.mkdir(parents=True, exist_ok=True)
  copies = out / 'runs'
  if copies.resolve() != root.resolve():
    for run in runs:
      records.copy(run, copies / run.table / run.folder.name)
  found, claims = tables.tables(runs), judging.claims(runs)
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

  def all_of(name):
    found = {r.versions.get(name) for r in runs} - {None}
    return ', '.join(str(x) for x in sorted(found, key=str)) or 'unknown'

  runs = list({run.folder: run for run in runs}.values())
  minutes = sum(r.training.get('minutes', 0) for r in runs)
  dirty = sum(bool(r.versions.get('git_changes')) for r in runs)
  facts = [
    f'{len(runs)} runs, {minutes / 60:.1f} hours of training in all.',
    f'Dates: {all_of("date")}.',
    f'Machines: {all_of("machine")}, {all_of("cpus")} cores.',
    f'Revisions: {all_of("git_revision")}.',
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
