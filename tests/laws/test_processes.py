"""Laws of functions that are called in processes of their own."""

import concurrent.futures
import os

import pytest

from datasets import processes


def test_a_process_answers_like_the_function():
  root = processes.apart('math', 'sqrt')
  assert root(4) == 2
  with pytest.raises(ValueError, match='domain|nonnegative'):
    root(-1)
  assert root(9) == 3
  assert processes.apart('builtins', 'print')('said aloud') is None
  with pytest.raises(RuntimeError, match='TypeError'):
    root('two')
  with pytest.raises(RuntimeError, match="ModuleNotFoundError.*'nowhere'"):
    processes.apart('nowhere', 'function')()
  with pytest.raises(RuntimeError, match=r'os\._exit.*code 3'):
    processes.apart('os', '_exit')(3)


def test_each_thread_has_one_process_that_ends_with_it():
  ask = processes.apart('os', 'getpid')

  def twice():
    return ask(), ask()

  pools = [concurrent.futures.ThreadPoolExecutor(1) for _ in range(2)]
  asked = [pool.submit(twice).result() for pool in pools]
  for pool in pools:
    pool.shutdown()
  for first, again in asked:
    assert first == again != os.getpid()
    with pytest.raises(ProcessLookupError):
      os.kill(first, 0)
  assert asked[0] != asked[1]
