"""The speed program runs and writes what it says."""

import json

import pytest

from experiments import speed

GRID = 'distracting_memory/width_100_smoke'
OPPONENT = 'MiniGrid-MemoryS17Random-v0'


def test_speed_is_measured_and_written(tmp_path, capsys):
  speed.speed(
    worlds=('rooms/two_rooms_smoke', GRID),
    opponents=(OPPONENT,),
    frames=32,
    together=8,
    repetitions=3,
  )(tmp_path)
  report = json.loads((tmp_path / 'speed.json').read_text())
  names = [result['what'] for result in report['results']]
  assert names == ['rooms/two_rooms_smoke', GRID, OPPONENT]
  for result in report['results']:
    assert result['unit'] == 'frames/s'
    assert len(result['rates']) == 3
    assert all(rate > 0 for rate in result['rates'])
  assert set(report['ratios']) == {f'{GRID} over {OPPONENT}'}
  assert 'frames/s' in capsys.readouterr().out


def test_a_mistake_is_explained():
  with pytest.raises(ValueError, match='no such data set'):
    speed.speed(worlds=('nowhere',))
  with pytest.raises(ValueError, match='change speed.repetitions'):
    speed.speed(repetitions=0)
