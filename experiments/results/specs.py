"""What the tables of the face-off show."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from experiments.results.records import Record

MODELS = {
  's4wm': 'S4WM',
  's5wm': 'S5WM',
  's4dwm': 'S4DWM',
  'tssm_xl': 'TSSM-XL',
  'tssm_xl_wide': 'TSSM-XL (wide)',
  'tssm_full': 'TSSM (full)',
  'rssm_tbtt': 'RSSM-TBTT',
  'rssm_tbtt_wide': 'RSSM-TBTT (wide)',
  'oracle': 'supervised oracle',
}
"""What rows are called, in their order."""

Value = Callable[[Record], float | None]


class Column(NamedTuple):
  """A column of a table.

  Attributes:
    title: of it.
    value: `(record) -> number`, None where there is none, NaN where it is not
      finite.
    unit: a format, such as '{:.2f}'.
    best: `min` or `max`, or None where nothing is better.
    scale: what numbers are multiplied by.
  """

  title: str
  value: Value
  unit: str = '{:.2f}'
  best: Callable[[Sequence[float]], float] | None = min
  scale: float = 1.0


class Spec(NamedTuple):
  """What a table shows.

  Attributes:
    title: for people.
    note: what it says, and how.
    columns: of it.
    bounds: what needs no model: values by title of a column.
    source: the table of `experiments.questions` whose runs it shows, if it has
      another name.
  """

  title: str
  note: str
  columns: tuple[Column, ...]
  bounds: dict[str, dict[str, Value]]
  source: str | None = None


def metric(name: str) -> Value:
  """Returns what reads a number of an evaluation."""
  return lambda record: _number(record.metrics, name)


def probed(name: str) -> Value:
  """Returns what reads a number of a probe."""
  return lambda record: _number(record.probe, name)


def acted(name: str) -> Value:
  """Returns what reads a number of a policy."""
  return lambda record: _number(record.control, name)


def longer(factor: str, name: str) -> Value:
  """Returns what reads a number of an evaluation on longer episodes."""
  return lambda record: _number(record.extrapolation.get(factor, {}), name)


def _number(found: Mapping[str, float | None], name: str) -> float | None:
  """Returns a number, NaN where it was not finite, None where it is not."""
  number = found.get(name)
  return math.nan if number is None and name in found else number


def speed(part: str, name: str) -> Value:
  """Returns what reads a number of the benchmark."""
  return lambda record: record.speed.get(part, {}).get(name)


def _cost(minutes: str) -> tuple[Column, Column]:
  return (
    Column(minutes, lambda r: r.training.get('minutes'), '{:.1f}'),
    Column('parameters, M', metric('parameters'), '{:.2f}', None, 1e-6),
  )


_WHOLE = _cost('minutes to train')
_STAGE = _cost('minutes of this stage')
_MODEL = _cost('minutes of the model')
_FRAMES = (
  Column('generation MSE', metric('generation_mse')),
  Column('reconstruction MSE', metric('reconstruction_mse'), best=None),
)
_REWARD = (
  Column('reward by inference', metric('inference_reward_accuracy'),
         '{:.1f} %', max, 100),
  Column('reward in imagination', metric('generation_reward_accuracy'),
         '{:.1f} %', max, 100),
)  # fmt: skip
_MEAN_FRAME = {
  'mean frame of the context': {
    'generation MSE': metric('baseline_mean_frame_mse')
  }
}
_DOORS = Column(
  'door states in imagination', metric('generation_door_accuracy'),
  '{:.1f} %', max, 100,
)  # fmt: skip
_AS_LEFT = {
  'doors as the context left them': {
    'door states in imagination': metric('door_base_rate')
  }
}


def _hallway(width: int) -> Spec:
  return Spec(
    f'Distracting Memory, {width} wide',
    'Accuracy of the reward at the end, on 1,000 episodes; chance is 50 %.',
    (*_REWARD, *_FRAMES, *_STAGE),
    _MEAN_FRAME,
  )


def _doors(keys: str) -> Spec:
  return Spec(
    f'Multi Doors Keys, {keys} keys',
    'Squared error per frame, and how often a door in view is imagined in its '
    'true state.',
    (*_FRAMES, _DOORS, *_STAGE),
    _MEAN_FRAME | _AS_LEFT,
  )


def _control(title: str, note: str, *columns: Column) -> Spec:
  return Spec(
    f'{title}, a policy learned in imagination',
    f'In the true world: {note} The script strays as in the data.',
    (
      Column('success', acted('success'), '{:.1f} %', max, 100),
      Column('return', acted('return'), '{:.2f}', max),
      *columns,
      *_MODEL,
    ),
    {
      who: {
        'success': acted(f'{which}_success'),
        'return': acted(f'{which}_return'),
      }
      for who, which in (('random actions', 'random'), ('script', 'script'))
    }
    | (_AS_LEFT if _DOORS in columns else {}),
  )


def _control_hallway(width: int) -> Spec:
  return _control(
    f'Distracting Memory, {width} wide',
    'success is to end at the choice of the clue\'s colour. Who walks to the '
    'junction and guesses has 50 %. Rewards are those of the script in '
    'imagination.',
    Column('reward hit rate', metric('generation_reward_hit_rate'),
           '{:.1f} %', max, 100),
    Column('reward false alarms', metric('generation_reward_false_alarm_rate'),
           '{:.2f} %', min, 100),
    *_FRAMES,
  )  # fmt: skip


SPECS = {
  'hallway_100': _hallway(100),
  'hallway_200': _hallway(200),
  'rooms': Spec(
    'Four Rooms',
    'Squared error per frame, summed over pixels and channels.',
    (*_FRAMES, *_WHOLE),
    _MEAN_FRAME,
  ),
  'length': Spec(
    'Four Rooms, longer than in training',
    'Generation MSE where episodes are 1, 2 and 4 times as long, with the same '
    'context, and reconstruction MSE at 4 times.',
    tuple(
      Column(f'{f} T', longer(f, 'generation_mse')) for f in ('1', '2', '4')
    )
    + (
      Column('reconstruction, 4 T', longer('4', 'reconstruction_mse'),
             best=None),
    ),
    {
      'mean frame of the context': {
        f'{f} T': longer(f, 'baseline_mean_frame_mse') for f in ('1', '2', '4')
      }
    },
    source='rooms',
  ),
  'teleport': Spec(
    'Four Rooms with a teleport',
    'Squared error per frame; what follows the teleport has to be recalled by '
    'what is seen, not by a fixed delay.',
    (*_FRAMES, *_STAGE),
    _MEAN_FRAME,
  ),
  'doors_3': _doors('three'),
  'doors_7': _doors('seven'),
  'maze': Spec(
    'Memory Maze, probes',
    'Walls: accuracy over cells. Objects: squared error in cells, over the '
    'second half of the episode.',
    (
      Column('walls', probed('wall_accuracy'), '{:.1f} %', max, 100),
      Column('objects', probed('object_mse')),
      *_FRAMES,
      *_WHOLE,
    ),
    {
      'constant predictor': {
        'walls': probed('constant_wall_accuracy'),
        'objects': probed('constant_object_mse'),
      }
    },
  ),
  'stochastic': Spec(
    'Multi Doors Keys with movers and slips, several futures',
    'Squared error per frame in the mean over imagined futures of a context, '
    'of the best of them, and of their mean frame; Brier score and calibration '
    'error of the mean probability of a reward at each imagined step.',
    (
      *_FRAMES,
      Column('best future', metric('generation_mse_best_of_k')),
      Column('mean of futures', metric('generation_mse_of_mean')),
      _DOORS,
      Column('Brier score', metric('mean_calibration_brier'), '{:.4f}'),
      Column('calibration error', metric('mean_calibration_error'), '{:.4f}'),
    ),
    _MEAN_FRAME
    | _AS_LEFT
    | {
      'frequency of rewards': {
        'Brier score': metric('mean_calibration_brier_of_base_rate')
      }
    },
  ),
  'control_hallway': _control_hallway(10),
  'control_hallway_30': _control_hallway(30),
  'control_doors': _control(
    'Multi Doors Keys, three keys',
    'success is to open a door, and the return how many are opened, after the '
    'survey.',
    *_FRAMES,
    _DOORS,
  ),
  'control_maze': _control(
    'Memory Maze 9x9',
    'success is to reach a dome of the border\'s colour, and the return how '
    'often one is reached, in the second half of an episode.',
    *_FRAMES,
  ),
  'control_pendulum': _control(
    'Inverted pendulum, states and forces',
    'the return is the steps of 95 that the pole stands, and success that it '
    'does for 95 % of them. In the figure of errors a frame is a state.',
  ),
  'speed': Spec(
    'Speed and memory, sequences of 1,024 frames',
    'An update learns from 8 rows: whole episodes, or chunks of 48 (RSSM-TBTT) '
    'and 128 steps (TSSM-XL); wide is an update with as many frames as 8 whole '
    'episodes have, as the face-off trains. Memory is what the compiler says.',
    (
      Column('training, frames/s', speed('train', 'frames_per_second'),
             '{:,.0f}', max),
      Column('training, MB', speed('train', 'peak_bytes'), '{:,.0f}',
             scale=1e-6),
      Column('imagination, frames/s', speed('imagine', 'frames_per_second'),
             '{:,.0f}', max),
    ),
    {},
  ),
}  # fmt: skip
