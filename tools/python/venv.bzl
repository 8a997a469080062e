"""Python rules that run in the active virtual environment."""

_BUILD = """\
load("@bazel_tools//tools/python:toolchain.bzl", "py_runtime_pair")

py_runtime(
    name = "runtime",
    interpreter_path = "{python}",
    python_version = "PY3",
)

py_runtime_pair(
    name = "pair",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    toolchain = ":pair",
    toolchain_type = "@bazel_tools//tools/python:toolchain_type",
)
"""

def _venv_python(ctx):
    python = ctx.os.environ.get("PYTHON_BIN_PATH", "")
    if not python and ctx.os.environ.get("VIRTUAL_ENV", ""):
        python = ctx.os.environ["VIRTUAL_ENV"] + "/bin/python3"
    if not python:
        fail("venv_python: no Python to run the tests with; activate the " +
             "virtual environment that `pip install -e '.[test]'` went into, " +
             "or set PYTHON_BIN_PATH.")
    ctx.file("BUILD", _BUILD.format(python = python))

venv_python = repository_rule(
    doc = "A Python toolchain of $VIRTUAL_ENV/bin/python3 or $PYTHON_BIN_PATH.",
    environ = [
        "PYTHON_BIN_PATH",
        "VIRTUAL_ENV",
    ],
    implementation = _venv_python,
    local = True,
)

def py_tests(name, srcs, data = [], deps = [], **kwargs):
    """One `py_test` for each file of pytest tests, and a suite of them all.

    Args:
      name: Name of the suite.
      srcs: Test files.
      data: Files that the tests read.
      deps: Libraries that the tests import.
      **kwargs: Passed on to `py_test`.
    """
    for src in srcs:
        native.py_test(
            name = src[:-len(".py")],
            srcs = [src, "//tools/python:run_pytest.py"],
            main = "//tools/python:run_pytest.py",
            args = ["$(rootpath %s)" % src],
            data = data,
            deps = deps,
            # An empty __init__.py would make a package of every folder.
            legacy_create_init = False,
            **kwargs
        )
    native.test_suite(
        name = name,
        tests = [src[:-len(".py")] for src in srcs],
    )
