"""The face-off: its plan, its queue and a table of it at smoke scale."""

import collections
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

from experiments import face_off, plan, questions, turns
from experiments.figures import face_off as colours
from experiments.results import records, specs, tables
from wm import config


def test_a_run_comes_after_the_one_it_starts_from():
  done = set()
  for run in plan.runs(list(questions.TABLES), seeds=2):
    assert run.after is None or run.after in done
    assert run.name not in done
    done.add(run.name)


def test_stages_are_added_at_laptop_scale_alone():
  def tables(scale):
    return {run.table for run in plan.runs(['hallway_100'], 1, scale)}

  assert tables('laptop') == {'hallway_10', 'hallway_30', 'hallway_100'}
  assert tables('paper') == tables('smoke') == {'hallway_100'}


def test_models_are_added_that_start_from_another_run():
  models = {run.model for run in plan.runs(['hallway_200'], 1)}
  assert models == set(questions.TABLES['hallway_200'].models)


def test_every_model_has_a_title_and_a_colour():
  models = {model for t in questions.TABLES.values() for model in t.models}
  assert models - {'all'} <= set(specs.MODELS) == set(colours.COLORS)


def test_a_model_without_a_title_is_not_left_out_in_silence(tmp_path):
  folder = tmp_path / 'rooms' / 'mamba_seed0'
  (folder / 'evaluation').mkdir(parents=True)
  (folder / 'evaluation' / 'metrics.json').write_text('{"generation_mse": 1.0}')
  with pytest.raises(ValueError, match='no title for the model mamba'):
    tables.tables(records.read(tmp_path))


def _files(run):
  (command, *_) = run.commands(pathlib.Path('runs'))
  flags = [flag.partition('=') for flag in command[1:]]
  names = ('--gin_file', '--gin_bindings', '--program')
  files, bindings, (program,) = (
    [value for given, _, value in flags if given == name] for name in names
  )
  return files, bindings, program


@pytest.mark.parametrize('scale', questions.SCALES)
def test_all_configurations_parse(scale):
  tables = [n for n, t in questions.TABLES.items() if scale in t.scales]
  for run in plan.runs(tables, 1, scale):
    config.parse(*_files(run))


@pytest.mark.parametrize('scale', questions.SCALES)
def test_what_is_asked_is_asked_at_every_scale(scale):
  for run in plan.runs(['stochastic'], 1, scale):
    config.parse(*_files(run))
    found = config.operative()
    assert "ARGUMENTS = {'action_noise': 0.05, 'movers': 2}" in found
    assert 'evaluate.evaluate.samples = 8' in found


def test_a_table_of_another_scale_is_refused(capsys):
  given = ['--dry_run', '--scale=paper', '--tables=control_hallway,rooms']
  assert face_off.main(given) == 2
  assert 'control_hallway at paper scale' in capsys.readouterr().err


@pytest.mark.parametrize(
  ('table', 'length'), [('hallway_200', '500'), ('doors_7', '450')]
)
def test_a_curriculum_keeps_all_shapes(table, length):
  lengths = set()
  for run in plan.runs([table], 1):
    if run.model == 's4wm':
      config.parse(*_files(run))
      lengths.add(config.operative().partition('s4.s4.length = ')[2][:3])
  assert lengths == {length}


def test_what_one_seed_is_enough_of_is_run_once():
  runs = plan.runs(['hallway_100', 'speed'], 3)
  counts = collections.Counter((run.table, run.model) for run in runs)
  assert counts['speed', 'all'] == counts['hallway_100', 'tssm_full'] == 1
  assert counts['hallway_100', 's4wm'] == 3


def test_a_stage_has_the_seeds_of_what_starts_from_it():
  runs = plan.runs(['teleport'], 2)
  assert {(run.table, run.model) for run in runs if run.seed == 1} == {
    (table, model)
    for table in ('rooms', 'teleport')
    for model in ('s4wm', 'tssm_xl', 'rssm_tbtt')
  }


def _fake(name, command, after=None):
  table, model = name.split('/')
  return plan.Run(
    table, model, 0, 1.0, after, lambda root: [command], 'product.json'
  )


def test_a_failure_stops_what_needs_it_and_nothing_else(tmp_path, capsys):
  runs = [
    _fake('a/bad', ('no_such_module',)),
    _fake('b/bad', ('this',), after='a/bad_seed0'),
    _fake('a/good', ('this',)),
  ]
  failed = turns.work(tmp_path, runs)
  assert failed == ['a/bad_seed0', 'b/bad_seed0']
  assert not (tmp_path / 'b' / 'bad_seed0').exists()
  assert 'no_such_module' in (tmp_path / 'a/bad_seed0/log.txt').read_text()
  assert 'beautiful' in (tmp_path / 'a/good_seed0/log.txt').read_text().lower()
  assert 'a/bad_seed0' in capsys.readouterr().out


def test_a_run_without_a_folder_fails_alone(tmp_path, capsys):
  (tmp_path / 'a').mkdir()
  (tmp_path / 'a/blocked_seed0').write_text('in the way')
  runs = [
    _fake('a/blocked', ('this',)),
    _fake('b/blocked', ('this',), after='a/blocked_seed0'),
    _fake('a/good', ('this',)),
  ]
  failed = turns.work(tmp_path, runs)
  assert failed == ['a/blocked_seed0', 'b/blocked_seed0']
  assert (tmp_path / 'a/good_seed0/log.txt').is_file()
  assert 'blocked_seed0' in capsys.readouterr().err


def test_jobs_wait_for_what_they_start_from(tmp_path, monkeypatch):
  events = []

  def do(root, run, wait):
    events.append(('start', run.name))
    time.sleep(0.02)
    events.append(('end', run.name))
    return 0

  monkeypatch.setattr(turns, '_do', do)
  monkeypatch.setattr(turns, '_cores', lambda jobs: [None] * jobs)
  runs = [
    _fake(f'{table}/{model}', (), after and f'{after}/{model}_seed0')
    for table, after in (('a', None), ('b', 'a'), ('c', 'b'))
    for model in ('one', 'two', 'three')
  ]
  assert turns.work(tmp_path, runs, jobs=3) == []
  starts = [name for what, name in events if what == 'start']
  assert sorted(starts) == sorted(run.name for run in runs)
  for run in runs:
    if run.after:
      begun = events.index(('start', run.name))
      assert events.index(('end', run.after)) < begun
  together = [what for what, _ in events[:3]]
  assert together == ['start'] * 3


@pytest.mark.parametrize('code', [130, 143])
def test_an_interrupted_run_ends_the_queue(tmp_path, monkeypatch, code):
  (tmp_path / 'interrupted.py').write_text(f'raise SystemExit({code})')
  monkeypatch.setenv('PYTHONPATH', str(tmp_path))
  runs = [
    _fake('a/stopped', ('interrupted',)),
    _fake('a/next', ('this',)),
  ]
  with pytest.raises(SystemExit) as stopped:
    turns.work(tmp_path, runs)
  assert stopped.value.code == code
  assert not (tmp_path / 'a' / 'next_seed0').exists()


def test_a_stopped_queue_stops_its_run_and_starts_no_other(tmp_path):
  (tmp_path / 'waiting.py').write_text(
    'import os, signal, time\n'
    'os.kill(os.getppid(), signal.SIGTERM)\n'
    'time.sleep(60)\n'
  )
  (tmp_path / 'queue_of_two.py').write_text(
    'import pathlib\n'
    'from experiments import plan, turns\n'
    'runs = [plan.Run("a", name, 0, 1.0, None, lambda _: [("waiting",)], "x")\n'
    '        for name in ("one", "two")]\n'
    'turns.work(pathlib.Path("runs"), runs)\n'
  )
  path = f'{tmp_path}{os.pathsep}{pathlib.Path().absolute()}'
  done = subprocess.run(
    [sys.executable, '-m', 'queue_of_two'],
    cwd=tmp_path,
    env=os.environ | {'PYTHONPATH': path},
    timeout=50,
    check=False,
  )
  assert done.returncode == 143
  assert (tmp_path / 'runs/a/one_seed0').exists()
  assert not (tmp_path / 'runs/a/two_seed0').exists()


def test_a_job_needs_a_core(capsys):
  assert face_off.main(['--jobs=0', '--tables=rooms']) == 2
  assert '--jobs' in capsys.readouterr().err


def test_what_is_done_is_skipped(tmp_path, capsys):
  run = _fake('a/good', ('no_such_module',))
  folder = tmp_path / run.name
  folder.mkdir(parents=True)
  (folder / 'product.json').write_text('{}')
  assert turns.work(tmp_path, [run]) == []
  assert '1 of 1 runs are done' in capsys.readouterr().out


def test_dry_run_says_what_and_how_long(tmp_path, capsys):
  root = tmp_path / 'runs'
  code = face_off.main(['--dry_run', '--tables=rooms', f'--workdir={root}'])
  out = capsys.readouterr().out
  assert code == 0
  assert not root.exists()
  assert 'data/four_rooms.gin' in out
  assert 'hours left' in out
  assert out.count('python -m experiments.launch') == 2 * 3 * len(
    questions.TABLES['rooms'].models
  )


def test_what_no_run_has_is_named(capsys):
  for flag in ('--seeds=0', '--models=s4vm'):
    assert face_off.main(['--tables=rooms', '--dry_run', flag]) == 2
    assert flag.partition('=')[0] in capsys.readouterr().err


def test_an_unknown_table_is_named(capsys):
  assert face_off.main(['--tables=room', '--dry_run']) == 2
  assert 'no table room; there are hallway_10' in capsys.readouterr().err


def test_a_table_at_smoke_scale(tmp_path):
  root = tmp_path / 'runs'
  flags = [
    '--scale=smoke', '--tables=rooms', '--models=s5wm', '--seeds=1',
    f'--workdir={root}',
  ]  # fmt: skip
  assert face_off.main(flags) == 0
  folder = root / 'rooms' / 's5wm_seed0'
  report = json.loads((folder / 'evaluation' / 'metrics.json').read_text())
  curves = json.loads((folder / 'evaluation' / 'curves.json').read_text())
  longer = json.loads((folder / 'extrapolation' / 'metrics.json').read_text())
  by_step = curves['generation_mse_by_step']
  assert len(by_step['x']) == report['horizon']
  mean = sum(by_step['mean']) / len(by_step['mean'])
  assert mean == pytest.approx(report['generation_mse'], rel=1e-4)
  assert set(longer) == {'1', '2', '4'}
  assert longer['1']['generation_mse'] == pytest.approx(
    report['generation_mse'], rel=1e-4
  )
  assert longer['4']['horizon'] == 4 * 25 - 13
