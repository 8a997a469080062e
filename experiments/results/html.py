"""The results as one static page."""

import html
from collections.abc import Mapping, Sequence

from experiments.results import markdown
from experiments.results.claims import Claim
from experiments.results.tables import Table

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 68rem;
  margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.7rem; text-align: right; border-bottom: 1px solid
  var(--line); }
th:first-child, td:first-child { text-align: left; }
.claims td:not(:last-child), .claims th { text-align: left; }
td.yes { color: #2a8a3e; font-weight: 600; } td.no { color: #c2452d;
  font-weight: 600; }
tbody tr:hover { background: var(--soft); }
img { max-width: 100%; background: white; border-radius: 4px; margin: 0.7rem 0;
  display: block; }
"""


def page(
  claims: Sequence[Claim],
  found: Sequence[Table],
  figures: Mapping[str, Sequence[str]],
  facts: Sequence[str],
) -> str:
  """Returns the page; arguments are those of `markdown.page`."""
  parts = ['<h1>Results of the face-off</h1>']
  parts.append(f'<p>{html.escape(markdown.INTRODUCTION)}</p>')
  parts.append('<h2>Claims</h2>')
  rows = [markdown.claim(c) for c in claims]
  parts.append(_grid(markdown.CLAIMS, rows, 'claims'))
  for table in found:
    parts.append(f'<h2 id="{table.name}">{html.escape(table.title)}</h2>')
    parts.append(f'<p>{html.escape(table.note)}</p>')
    parts.append(_grid(*markdown.cells(table), table.name))
    for name in figures.get(table.name, ()):
      parts.append(
        f'<img src="{name}" alt="{html.escape(table.title)}: {name}">'
      )
  parts.append('<h2>How it was made</h2>')
  parts.append(f'<p>{html.escape(" ".join(facts))}</p>')
  body = '\n'.join(parts)
  return (
    '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    f'<title>World-model backbones: results</title>\n<style>{_STYLE}</style>\n'
    f'</head>\n<body>\n{body}\n</body>\n</html>\n'
  )


def _grid(
  heading: Sequence[str], rows: Sequence[Sequence[str]], name: str
) -> str:
  head = ''.join(f'<th>{html.escape(x)}</th>' for x in heading)
  body = '\n'.join(f'<tr>{"".join(map(_cell, row))}</tr>' for row in rows)
  return (
    f'<div class="wide"><table class="{name}"><thead><tr>{head}</tr></thead>\n'
    f'<tbody>\n{body}\n</tbody></table></div>'
  )


def _cell(text: str) -> str:
  kind = f' class="{text}"' if text in ('yes', 'no') else ''
  if text.startswith('**'):
    return f'<td><strong>{html.escape(text.strip("*"))}</strong></td>'
  return f'<td{kind}>{html.escape(text)}</td>'
