"""The report of the face-off, from run folders made up here."""

import html.parser
import json
import pathlib
import re
import shutil

import numpy as np
import pytest

from experiments import report
from experiments.results import claims, markdown, records, tables

K = 20
MODELS = {'s4wm': 5.0, 's5wm': 6.0, 'tssm_xl': 20.0, 'rssm_tbtt': 25.0}


def curve(level):
  return {
    'x': list(range(1, K + 1)),
    'mean': [level] * K,
    'stderr': [0.1] * K,
    'count': [64] * K,
  }


def make(root, table, model, seed, **metrics):
  folder = root / table / f'{model}_seed{seed}'
  (folder / 'evaluation').mkdir(parents=True)
  (folder / 'config.gin').write_text('XL_DEPTH = 3\nWINDOW = 128\n')
  (folder / 'versions.json').write_text(
    json.dumps({'git_revision': 'abc', 'machine': 'm', 'command': ['/secret']})
  )
  lines = [{'step': 10 * i, 'steps_per_second': 2.0} for i in range(1, 13)]
  (folder / 'measurements.jsonl').write_text(
    ''.join(json.dumps(line) + '\n' for line in lines)
  )
  level = metrics['generation_mse']
  curves = {
    'generation_mse_by_step': curve(level),
    'baseline_mean_frame_mse_by_step': curve(24.0),
    'generation_mse_by_age': curve(level),
  }
  (folder / 'evaluation' / 'curves.json').write_text(json.dumps(curves))
  (folder / 'evaluation' / 'metrics.json').write_text(json.dumps(metrics))
  frames = np.full((10, 16, 16, 3), int(9 * level) % 255, np.uint8)
  np.savez_compressed(
    folder / 'evaluation' / 'shown.npz',
    truth=frames,
    imagination=frames,
    steps=np.arange(1, 11),
  )
  return folder


@pytest.fixture
def root(tmp_path):
  root = tmp_path / 'runs'
  for seed in range(3):
    for model, level in MODELS.items():
      make(
        root,
        'rooms',
        model,
        seed,
        generation_mse=level + seed,
        reconstruction_mse=4.0,
        baseline_mean_frame_mse=23.0 + seed,
        parameters=1_800_000,
      )
      right = 0.99 if model.startswith('s') else 0.5
      make(
        root,
        'hallway_100',
        model,
        seed,
        generation_mse=level,
        reconstruction_mse=1.0,
        baseline_mean_frame_mse=100.0,
        inference_reward_accuracy=right,
        generation_reward_accuracy=right,
      )
  return root


def by_claim(root):
  return {c.claim: c for c in claims.claims(records.read(root))}


def test_tables_are_means_and_standard_errors(root):
  found = {t.name: t for t in tables.tables(records.read(root))}
  cell = found['rooms'].rows['s4wm'][0]
  numbers = np.array([5.0, 6.0, 7.0])
  assert cell.mean == pytest.approx(numbers.mean())
  assert cell.stderr == pytest.approx(numbers.std(ddof=1) / np.sqrt(3))
  assert cell.count == 3
  assert tables.best(found['rooms'], 0) == 's4wm'
  assert tables.written(cell, found['rooms'].columns[0]) == '6.00 ± 0.58'
  assert found['rooms'].bounds == {
    'mean frame of the context': {'generation MSE': 24.0}
  }


def test_a_seed_that_diverged_is_not_passed_over(root):
  make(root, 'rooms', 's4wm', 3, generation_mse=5.0, reconstruction_mse=None,
       baseline_mean_frame_mse=None)  # fmt: skip
  path = root / 'rooms/s4wm_seed0/evaluation/metrics.json'
  path.write_text(path.read_text().replace('5.0', 'null'))
  (rooms,) = (t for t in tables.tables(records.read(root)) if t.name == 'rooms')
  heading, rows = markdown.cells(rooms)
  (row,) = (dict(zip(heading, r, strict=True)) for r in rows if r[0] == 'S4WM')
  assert row['generation MSE'] == row['reconstruction MSE'] == 'not finite'
  assert row['seeds'] == '3 to 4'
  assert tables.best(rooms, 0) == 's5wm'
  halves = [c for name, c in by_claim(root).items() if 'half of that' in name]
  assert [(c.ours, c.holds) for c in halves[:2]] == [('not finite', None)] * 2
  assert 'NaN' not in json.dumps(tables.plain(rooms))


def test_the_same_folders_make_the_same_bytes(root, tmp_path):
  report.report(root, tmp_path / 'a')
  report.report(root, tmp_path / 'b')
  report.report(tmp_path / 'a' / 'runs', tmp_path / 'c')
  files = sorted(p.name for p in (tmp_path / 'a').iterdir() if p.is_file())
  assert {'README.md', 'index.html', 'results.json'} < set(files)
  assert {'rooms_by_step.png', 'rooms_frames.png'} < set(files)
  for name in files:
    first = (tmp_path / 'a' / name).read_bytes()
    assert first == (tmp_path / 'b' / name).read_bytes(), name
    assert first == (tmp_path / 'c' / name).read_bytes(), name
  everything = json.loads((tmp_path / 'a' / 'results.json').read_text())
  assert len(everything['runs']) == 24
  assert '/secret' not in json.dumps(everything)
  for copied in (tmp_path / 'a' / 'runs').rglob('versions.json'):
    assert '/secret' not in copied.read_text()


class Page(html.parser.HTMLParser):
  def __init__(self):
    super().__init__()
    self.open, self.links = [], []

  def handle_starttag(self, tag, attrs):
    if tag not in ('meta', 'img'):
      self.open.append(tag)
    self.links += [v for k, v in attrs if k in ('src', 'href')]

  def handle_endtag(self, tag):
    assert self.open.pop() == tag


def test_pages_are_whole_and_local(root, tmp_path):
  out = tmp_path / 'out'
  report.report(root, out)
  page = Page()
  page.feed((out / 'index.html').read_text())
  assert page.open == []
  text = (out / 'README.md').read_text()
  links = page.links + re.findall(r'\]\((.*?)\)', text)
  assert links
  for link in links:
    assert (out / link).is_file(), link


def test_what_is_missing_is_left_out(tmp_path):
  root, out = tmp_path / 'runs', tmp_path / 'out'
  folder = make(root, 'rooms', 's5wm', 0, generation_mse=3.0)
  report.report(root, out)
  copied = out / 'runs' / 'rooms' / 's5wm_seed0'
  assert (copied / 'measurements.jsonl').is_file()
  for png in out.glob('*.png'):
    png.unlink()
  for name in ('curves.json', 'shown.npz'):
    (folder / 'evaluation' / name).unlink()
  (folder / 'measurements.jsonl').unlink()
  (root / 'rooms' / 's4wm_seed0').mkdir()
  report.report(root, out)
  text = (out / 'README.md').read_text()
  assert '| S5WM | 3.00 | – | – | – | 1 |' in text
  assert not (copied / 'measurements.jsonl').exists()
  assert not list(out.glob('*.png'))


def test_a_benchmark_of_many_models_is_a_table(root, tmp_path):
  folder = root / 'speed' / 'all_seed0'
  folder.mkdir(parents=True)
  fast = {
    ('train', 's4wm'): 900.0,
    ('train', 'tssm_xl'): 300.0,
    ('train', 'rssm_tbtt'): 500.0,
    ('imagine', 's4wm'): 70.0,
    ('imagine', 'rssm_tbtt'): 90.0,
  }
  rows = [
    {
      'part': part,
      'what': model,
      'length': length,
      'frames_per_second': frames * 1024 / length,
      'peak_bytes': 1e6 * frames,
    }
    for (part, model), frames in fast.items()
    for length in (256, 1024)
  ]
  report_of = {'results': rows, 'versions': {'command': ['/secret']}}
  (folder / 'speed.json').write_text(json.dumps(report_of))
  assert 'speed' not in {r.table for r in records.read(root)}  # Not at its end.
  (folder / 'speed.md').write_text('done')
  out = tmp_path / 'out'
  report.report(root, out)
  assert (out / 'speed_speed.png').is_file()
  copied = out / 'runs' / 'speed' / 'all_seed0'
  assert (copied / 'speed.md').is_file()
  assert '/secret' not in (copied / 'speed.json').read_text()
  text = (out / 'README.md').read_text()
  assert '| S4WM | **900** | 900 | 70 | 1 |' in text
  found = by_claim(root)
  (equal,) = (c for name, c in found.items() if 'at equal rows (S4' in name)
  assert equal.ours == '900 / 300 / 500'
  assert equal.holds is True
  (wide,) = (c for name, c in found.items() if 'wide as here' in name)
  assert wide.holds is None


def test_an_unfinished_run_is_passed_over(root):
  before = len(records.read(root))
  folder = root / 'rooms' / 's4dwm_seed0'
  folder.mkdir()
  (folder / 'measurements.jsonl').write_text('{"step": 10}\n{"st')
  assert len(records.read(root)) == before


def test_a_report_is_not_replaced_by_one_that_lacks_runs_of_it(root, tmp_path):
  out = tmp_path / 'out'
  report.report(root, out)
  page = (out / 'README.md').read_bytes()
  lost = root / 'rooms' / 's4wm_seed1'
  shutil.rmtree(lost)
  with pytest.raises(
    ValueError, match='1 runs .* rooms/s4wm_seed1'
  ):
    report.report(root, out)
  assert (out / 'README.md').read_bytes() == page
  shutil.rmtree(out / 'runs')
  report.report(root, out)
  assert (out / 'README.md').read_bytes() != page


def test_the_published_page_is_what_the_records_say():
  published = pathlib.Path(__file__).parents[2] / 'docs' / 'results'
  runs = records.read(published / 'runs')
  page = (published / 'README.md').read_text().splitlines()
  told = markdown.page(claims.claims(runs), tables.tables(runs), {}, [])
  told, _, _ = told.partition('## How it was made')
  lines = [line for line in told.splitlines() if line.startswith('|')]
  assert len(lines) > 60
  assert [line for line in lines if line not in page] == []


def test_mistakes_are_said(root, tmp_path, capsys):
  assert report.main(['--workdir', str(tmp_path / 'nothing')]) == 2
  assert 'no finished runs' in capsys.readouterr().err
  broken = root / 'rooms' / 's4wm_seed0' / 'evaluation' / 'metrics.json'
  broken.write_text('{"generation_mse": ')
  assert report.main(['--workdir', str(root), '--out', str(tmp_path)]) == 2
  assert str(broken) in capsys.readouterr().err
  broken.write_text('[1]')
  assert report.main(['--workdir', str(root), '--out', str(tmp_path)]) == 2
  assert str(broken) in capsys.readouterr().err
  broken.write_text('{"generation_mse": 1.0}')
  broken = broken.with_name('shown.npz')
  broken.write_bytes(broken.read_bytes()[:60])
  assert report.main(['--workdir', str(root), '--out', str(tmp_path)]) == 2
  assert str(broken) in capsys.readouterr().err


def test_policies_are_a_table_a_figure_and_rows(root, tmp_path):
  for seed, success in enumerate((0.9, 0.7)):
    folder = make(
      root, 'control_hallway', 's5wm', seed, generation_mse=2.0,
      inference_reward_accuracy=1.0,
    )  # fmt: skip
    (folder / 'control').mkdir()
    found = {'success': success, 'random_success': 0.2, 'script_success': 1.0}
    (folder / 'control' / 'metrics.json').write_text(json.dumps(found))
  report.report(root, tmp_path / 'out')
  (row, other) = json.loads((tmp_path / 'out/control.json').read_text())['rows']
  assert row == {
    'task': 'control_hallway', 'model': 's5wm', 'seed': 0, 'success': 0.9,
    'random_success': 0.2, 'script_success': 1.0,
  }  # fmt: skip
  assert other['success'] == 0.7
  text = (tmp_path / 'out' / 'README.md').read_text()
  assert '| S5WM | 80.0 ± 10.0 % |' in text
  assert '| random actions | 20.0 % |' in text
  assert (tmp_path / 'out' / 'control_hallway_success.png').exists()
