"""Runs pytest on the files given; Bazel's entry point of every test."""

import os
import sys

import pytest

if __name__ == '__main__':
  cache = os.path.join(os.environ['TEST_TMPDIR'], 'pytest')
  sys.exit(pytest.main(['-o', f'cache_dir={cache}', *sys.argv[1:]]))
