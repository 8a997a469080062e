"""The speed program runs and writes what it says."""

import json

import pytest

from experiments import speed


def test_speed_is_measured_and_written(tmp_path, capsys):
  speed.speed(
    worlds=('two_rooms_smoke',), sizes=(16,), frames=8, repetitions=3
  )(tmp_path)
  report = json.loads((tmp_path / 'speed.json').read_text())
  units = [result['unit'] for result in report['results']]
  assert units == ['frames/s', 'steps/s']
  for result in report['results']:
    assert result['what'].startswith('two_rooms_smoke')
    assert len(result['rates']) == 3
    assert all(rate > 0 for rate in result['rates'])
  assert 'frames/s' in capsys.readouterr().out


def test_a_mistake_is_explained():
  with pytest.raises(ValueError, match='no such world.*change speed.worlds'):
    speed.speed(worlds=('nowhere',))
  with pytest.raises(ValueError, match='change speed.repetitions'):
    speed.speed(repetitions=0)
