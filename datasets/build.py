"""`python -m datasets.build rooms/four_rooms`, with the flags of `tfds build`.

TFDS's own console script needs packages that building does not. One more flag,
`--skip_bad_files`, leaves out published files that have faults.
"""

import sys

from absl import app, logging


def main(argv: list[str] | None = None) -> None:
  """Builds data sets, by TFDS's command line.

  Args:
    argv: as `sys.argv`, which it is by default.
  """
  import tensorflow_datasets as tfds
  from tensorflow_datasets.scripts.cli import build, cli_utils

  from datasets import builder, catalogue, npz

  argv = list(sys.argv if argv is None else argv)
  modules = {f'datasets.{name.split("/")[0]}' for name in catalogue.names()}
  if '--skip_bad_files' in argv:
    argv.remove('--skip_bad_files')
    builder.Builder.on_bad = staticmethod(npz.skip)
  given = ' '.join(argv)
  if '--imports' not in given:
    argv += ['--imports', ','.join(sorted(modules))]
  if '--file_format' not in given:
    argv += ['--file_format', 'array_record']
  tfds.disable_progress_bar()
  parser = cli_utils.make_flags_parser(
    build.Args, description='Builds data sets.'
  )
  app.run(_execute, argv=argv, flags_parser=parser)


def _execute(args):
  """Runs TFDS's command; a mistake that can be mended gives one message."""
  from datasets import catalogue

  try:
    for name in (*args.positional_datasets, *args.datasets):
      if '/' in name:
        catalogue.describe(name.split(':')[0])
    args.execute()
  except ValueError as error:
    logging.debug('traceback', exc_info=True)
    sys.exit(f'datasets.build: {error}')


if __name__ == '__main__':
  main()
