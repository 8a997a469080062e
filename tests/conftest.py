"""Settings of every test; this runs before anything imports JAX or TFDS."""

import os
import shutil
import sys
import tempfile

import pytest
from absl import flags

os.environ.setdefault('JAX_PLATFORMS', 'cpu')
os.environ.setdefault('JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS', '0.5')
# Tests compile much and compute little: LLVM's optimisations do not pay.
os.environ.setdefault('JAX_DISABLE_MOST_OPTIMIZATIONS', '1')


def pytest_configure(config):
  """Gives JAX a cache beside pytest's, and data sets a folder of their own."""
  cache = getattr(config, 'cache', None)  # None under `-p no:cacheprovider`.
  if cache is not None:
    os.environ.setdefault('JAX_COMPILATION_CACHE_DIR', str(cache.mkdir('jax')))
  os.environ['TFDS_DATA_DIR'] = data = tempfile.mkdtemp()
  config.add_cleanup(lambda: shutil.rmtree(data, ignore_errors=True))
  flags.FLAGS.mark_as_parsed()  # Grain reads a flag.


@pytest.fixture(autouse=True)
def _clear_gin():
  """Leaves no binding to the next test."""
  yield
  if 'gin' in sys.modules:
    sys.modules['gin'].clear_config()


@pytest.fixture(autouse=True, scope='module')
def _clear_programs():
  """Keeps what one file compiled out of the memory of the next."""
  yield
  if 'jax' in sys.modules:
    sys.modules['jax'].clear_caches()
