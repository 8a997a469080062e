"""`python -m datasets.build rooms/four_rooms`, with the flags of `tfds build`.

TFDS's own console script needs packages that building does not.
"""

import sys

from absl import app


def main(argv: list[str] | None = None) -> None:
  """Builds data sets, by TFDS's command line.

  Args:
    argv: as `sys.argv`, which it is by default.
  """
  import tensorflow_datasets as tfds
  from tensorflow_datasets.scripts.cli import build, cli_utils

  from datasets import episodes

  argv = list(sys.argv if argv is None else argv)
  modules = {f'datasets.{name.split("/")[0]}' for name in episodes.names()}
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
  """Runs TFDS's command; a name that does not exist gives one line."""
  from datasets import episodes

  try:
    for name in (*args.positional_datasets, *args.datasets):
      if '/' in name:
        episodes.describe(name.split(':')[0])
  except ValueError as error:
    sys.exit(f'datasets.build: {error}')
  args.execute()


if __name__ == '__main__':
  main()
