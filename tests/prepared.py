"""RLDS data sets of TFDS, prepared from walks, as steps."""

import io
import json
import pathlib
import struct

import numpy as np
import PIL.Image
import tensorflow_datasets as tfds

from tests import walks

F = tfds.features
SIZES = {'train': 7, 'validation': 2, 'test': 3}
WALKS = {
  split: [walks.walk(10 * count + i, 24 + i) for i in range(count)]
  for split, count in SIZES.items()
}


def png(frame):
  file = io.BytesIO()
  PIL.Image.fromarray(frame).save(file, 'PNG')
  file.seek(0)
  return file


FRAMES = {
  'zlib': (F.Tensor(shape=(16, 16, 3), dtype=np.uint8, encoding='zlib'), None),
  'plain': (F.Tensor(shape=(16, 16, 3), dtype=np.uint8), None),
  'png': (F.Image(shape=(16, 16, 3)), png),
  'any_size': (F.Image(), png),
}


def steps(kind, record):
  """Returns a record as the steps of RLDS."""
  written = FRAMES[kind][1] or np.asarray
  last = len(record['image']) - 1
  return [
    {
      'observation': {'image': written(image), 'place': np.ones(2, 'f4')},
      'action': np.int32(action),
      'reward': np.float32(reward),
      'discount': np.float32(1),
      'is_first': t == 0,
      'is_last': t == last,
      'is_terminal': t == last,
      'instruction': 'walk',
    }
    for t, (image, action, reward) in enumerate(zip(
      record['image'], record['action'], record['reward'], strict=True
    ))
  ]  # fmt: skip


def write(folder, features, examples, name='walks'):
  """Writes a data set and returns its name here, a path."""

  class Walks(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version('1.0.0')

    def _info(self):
      return tfds.core.DatasetInfo(
        builder=self, features=features, disable_shuffling=True
      )

    def _split_generators(self, dl_manager):
      return {k: self._generate_examples(x) for k, x in examples.items()}

    def _generate_examples(self, found):
      yield from enumerate(found)

  Walks.name = name
  Walks(data_dir=str(folder), file_format='array_record').download_and_prepare()
  return f'tfds:{folder}/{name}/1.0.0'


def nested(folder, kind, **more):
  step = {
    'observation': {
      'image': FRAMES[kind][0],
      'place': F.Tensor(shape=(2,), dtype=np.float32),
    },
    'action': F.Scalar(np.int32),
    'reward': F.Scalar(np.float32),
    'discount': F.Scalar(np.float32),
    'is_first': F.Scalar(np.bool_),
    'is_last': F.Scalar(np.bool_),
    'is_terminal': F.Scalar(np.bool_),
    'instruction': F.Text(),
  }
  return write(
    folder,
    F.FeaturesDict({
      'steps': F.Dataset(step), 'episode_metadata': {'number': np.int32}
    }),
    {
      split: [
        {'steps': steps(kind, x), 'episode_metadata': {'number': i}}
        for i, x in enumerate(found)
      ]
      for split, found in WALKS.items()
    },
    **more,
  )  # fmt: skip


def as_tfrecord(name):
  """Writes the records of a data set into TFRecord files instead."""
  folder = pathlib.Path(name.removeprefix('tfds:'))
  builder = tfds.builder_from_directory(folder)
  for split in SIZES:
    records = builder.as_data_source(
      split, deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES
    )
    (file,) = builder.info.splits[split].filepaths
    framed = [
      struct.pack('<QI', len(x), 0) + x + struct.pack('<I', 0) for x in records
    ]
    path = str(file).replace('array_record', 'tfrecord')
    pathlib.Path(path).write_bytes(b''.join(framed))
    pathlib.Path(file).unlink()
  info = json.loads((folder / 'dataset_info.json').read_text())
  info['fileFormat'] = 'tfrecord'
  for split in info['splits']:
    split['filepathTemplate'] = '{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}'
  (folder / 'dataset_info.json').write_text(json.dumps(info))
