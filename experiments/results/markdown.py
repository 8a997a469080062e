"""The results as Markdown."""

from collections.abc import Mapping, Sequence

from experiments.results import specs, tables
from experiments.results.claims import Claim
from experiments.results.tables import Table

CLAIMS = 'claim', 'paper', 'ours', 'seeds', 'holds'
HOLDS = {True: 'yes', False: 'no', None: '–'}

INTRODUCTION = """\
The models on the data sets of the comparison, at laptop scale. Numbers are
means over seeds ± the standard error. A generation MSE is the squared error of
an imagined frame, summed over pixels and channels in [0, 1]. The paper's
numbers are those of its figures, at its own scale; where a number is not known,
the entry says so in words. A dash is a missing number.
"""


def page(
  claims: Sequence[Claim],
  found: Sequence[Table],
  figures: Mapping[str, Sequence[str]],
  facts: Sequence[str],
) -> str:
  """Returns the page.

  Args:
    claims: what the paper claims, and what is found here.
    found: tables.
    figures: file names by table.
    facts: how it was made, a sentence each.
  """
  parts = ['# Results of the face-off', INTRODUCTION.strip(), '## Claims']
  parts.append(grid(CLAIMS, [claim(c) for c in claims]))
  for table in found:
    parts += [f'## {table.title}', table.note, grid(*cells(table))]
    names = figures.get(table.name, ())
    parts += [f'![{table.title}: {name}]({name})' for name in names]
  parts += ['## How it was made', ' '.join(facts)]
  return '\n\n'.join(parts) + '\n'


def claim(one: Claim) -> tuple[str, ...]:
  """Returns a row of `CLAIMS` as text."""
  seeds = str(one.seeds or '–')
  return one.claim, one.paper, one.ours, seeds, HOLDS[one.holds]


def cells(table: Table) -> tuple[list[str], list[list[str]]]:
  """Returns heading and rows of a table as text; the best is bold."""
  heading = ['model', *(c.title for c in table.columns), 'seeds']
  winners = [tables.best(table, i) for i in range(len(table.columns))]
  rows = []
  for model, row in table.rows.items():
    texts = [
      f'**{text}**' if winner == model else text
      for text, winner in zip(
        map(tables.written, row, table.columns), winners, strict=True
      )
    ]
    rows.append([specs.MODELS[model], *texts, tables.seeds(row)])
  for name, of in table.bounds.items():
    found = (tables.Cell(of.get(c.title), None, 0) for c in table.columns)
    texts = [
      '' if cell.mean is None else tables.written(cell, column)
      for cell, column in zip(found, table.columns, strict=True)
    ]
    rows.append([name, *texts, ''])
  return heading, rows


def grid(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
  """Returns a table in Markdown."""
  lines = [heading, ['---'] * len(heading), *rows]
  return '\n'.join(f'| {" | ".join(line)} |' for line in lines)
