"""Recordings in a prepared RLDS data set of TFDS, read without TensorFlow.

Published data sets have a nested data set `steps` in each episode and lie in
TFRecord files; what `datasets` builds has whole arrays and lies in array_record
files. Either is read in either. PNG and JPEG are decoded by Pillow. A data set
with a feature that only TensorFlow decodes, such as Video, is refused.
"""

import contextlib
import functools
import os
import pathlib
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from datasets.recorded import survey


def recordings(name: str) -> dict[str, list[survey.Recording]]:
  """Returns the episodes of a data set by its splits, in order.

  Args:
    name: `NAME[/CONFIG][:VERSION]` of a data set in TFDS's folder, or the path
      of a prepared one, with its version.

  Raises:
    ValueError: no such data set, or none that can be read.
  """
  builder = _builder(name)
  return {
    split: [
      _recording(builder.info.features, source, split, index)
      for index in range(len(source))
    ]
    for split in builder.info.splits
    if (source := _records(builder, split))
  }


def stamp(name: str) -> tuple:
  """Returns what changes when the data set is prepared again."""
  folder = pathlib.Path(_builder(name).data_dir)
  return str(folder), (folder / 'dataset_info.json').stat().st_mtime_ns


def _builder(name: str):
  """Returns a builder that reads a prepared data set."""
  import tensorflow_datasets as tfds

  path = pathlib.Path(name).expanduser()
  found = sorted({x.parent for x in path.rglob('features.json')})
  if path.is_dir() and len(found) != 1:
    raise ValueError(
      f'load: not one prepared data set; got {name!r} with '
      f'{", ".join(map(str, found)) or "no features.json"}, need the folder of '
      'a version, such as tfds:/data/my_rlds/1.0.0; change load.name'
    )
  try:
    if found:
      return tfds.builder_from_directory(str(found[0]))
    return tfds.core.read_only_builder.builder_from_files(name)
  except ImportError as error:
    raise ValueError(
      f'load: a feature of {name} needs TensorFlow; got {error}, need Tensor '
      'or Image instead of Video; write the data set again, its frames as '
      "tfds.features.Tensor(shape=(H, W, C), dtype=np.uint8, encoding='zlib')"
    ) from error
  except Exception as error:
    raise ValueError(
      f'load: no such prepared data set; got {name!r}, need '
      'NAME[/CONFIG][:VERSION] of one in TFDS_DATA_DIR, or the path of one, '
      'such as tfds:/data/my_rlds/1.0.0; prepare it with `tfds build NAME`, '
      f'or change load.name ({" ".join(str(error).split())[:200]})'
    ) from error


def _records(builder, split: str) -> Sequence[bytes]:
  """Returns the serialised episodes of a split, by number."""
  import tensorflow_datasets as tfds

  formats = {x.value for x in builder.info.available_file_formats()}
  if 'array_record' in formats:
    return builder.as_data_source(
      split=split,
      deserialize_method=tfds.decode.DeserializeMethod.RAW_BYTES,
    )
  if 'tfrecord' in formats:
    return _TFRecords(builder.info.splits[split].filepaths)
  raise ValueError(
    f'load: files of {builder.name} cannot be read; got '
    f'{", ".join(sorted(formats))}, need array_record or tfrecord; prepare it '
    'again with `tfds build --file_format=array_record`'
  )


class _TFRecords(Sequence):
  """Records of TFRecord files: a length, its checksum, bytes, a checksum."""

  def __init__(self, paths: Sequence[os.PathLike]):
    self._places = []
    for path in paths:
      size, at = os.path.getsize(path), 0
      with open(path, 'rb') as file:
        while at < size:
          file.seek(at)
          header = file.read(8)
          if len(header) < 8:
            raise ValueError(
              f'load: {path} is cut off; got {size} bytes, need the rest of '
              'its last record; copy it or prepare the data set again'
            )
          (length,) = struct.unpack('<Q', header)
          self._places.append((path, at + 12, length))
          at += length + 16

  def __len__(self) -> int:
    return len(self._places)

  def __getitem__(self, index: int) -> bytes:
    path, at, length = self._places[index]
    with open(path, 'rb') as file:
      file.seek(at)
      return file.read(length)


def _recording(features, records, split: str, index: int) -> survey.Recording:
  return survey.Recording(
    label=f'{split} episode {index}',
    shapes=functools.partial(_shapes, features, records, index),
    take=functools.partial(_take, features, records, index),
    extra=_extra,
  )


def _shapes(
  features, records: Sequence[bytes], index: int
) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
  """Decodes the first of the steps alone, or what has no fixed shape."""
  shapes = {
    name: (tuple(feature.shape), np.dtype(feature.np_dtype))
    for name, feature in _leaves(features).items()
    if 'steps' not in features and None not in feature.shape
  }
  with _explained():
    example = _decoded(features, records, index, lambda n: n not in shapes)
    steps = example.pop('steps', None)
    found = _flat(example)
    shapes |= {name: (x.shape, x.dtype) for name, x in found.items()}
    for name, x in _flat(steps[0]).items() if steps else ():
      shapes[name] = (len(steps), *x.shape), x.dtype
  return shapes


def _take(
  features, records: Sequence[bytes], index: int, names: Sequence[str]
) -> dict[str, np.ndarray]:
  with _explained():
    example = _decoded(features, records, index, set(names).__contains__)
    steps = [_flat(step) for step in example.pop('steps', ())]
    arrays = _flat(example)
    for name in steps[0] if steps else ():
      arrays[name] = np.stack([step[name] for step in steps])
    return arrays


def _extra(shapes: Mapping[str, tuple[tuple[int, ...], np.dtype]]):
  """Numbers, but no further frames: they would all be decoded each time."""
  return [
    name
    for name, (shape, dtype) in shapes.items()
    if dtype.kind in 'biuf' and len(shape) < 4
  ]


def _decoded(
  features, records: Sequence[bytes], index: int, keep: Callable[[str], bool]
) -> dict[str, Any]:
  """Returns those features of an episode that `keep` chooses by name."""
  part = _part(features, keep)
  return dict(part.deserialize_example_np(records[index])) if part else {}


def _part(feature, keep: Callable[[str], bool], name: str = ''):
  """Returns the part of a feature that is to be kept, None for nothing."""
  import tensorflow_datasets as tfds

  known = tfds.features
  if isinstance(feature, known.FeaturesDict):
    parts = {
      k: _part(x, keep, f'{name}/{k}'.removeprefix('/').removeprefix('steps/'))
      for k, x in feature.items()
    }
    parts = {k: x for k, x in parts.items() if x is not None}
    return known.FeaturesDict(parts) if parts else None
  if isinstance(feature, known.Dataset):
    part = _part(feature.feature, keep) if name == 'steps' else None
    return known.Dataset(part) if part else None
  return feature if keep(name) else None


def _leaves(features) -> dict[str, Any]:
  return _flat(_part(features, lambda _: True), lambda feature: feature)


def _flat(
  tree: Mapping[str, Any],
  leaf: Callable[[Any], Any] = np.asarray,
) -> dict[str, Any]:
  """Returns the leaves of nested dicts under names such as `a/b`."""
  found = {}
  for name, x in tree.items():
    if hasattr(x, 'items'):
      found |= {f'{name}/{k}': y for k, y in _flat(x, leaf).items()}
    else:
      found[name] = leaf(x)
  return found


@contextlib.contextmanager
def _explained():
  try:
    yield
  except ImportError as error:
    raise ValueError(
      f'cannot be decoded here; got {error}, need Pillow for PNG and JPEG'
    ) from error
  except Exception as error:  # Whatever a damaged file makes TFDS raise.
    raise ValueError(
      f'cannot be read; got {" ".join(str(error).split())[:200]!r}, need a '
      'record of the features in features.json; prepare the data set again'
    ) from error
