"""What doctests and tests share."""

import doctest
import gc
import inspect
import os
import sys

import pytest

# pytest would import a module that is named on its command line a second time
import skvision  # noqa: F401

os.environ.setdefault("MPLBACKEND", "Agg")


class _Finder(doctest.DocTestFinder):
    """Finds the examples of a class or a function in the file that has its code.

    doctest looks in the module that ``__module__`` names, which is the public one for
    whatever is public, and leaves out the examples of its methods there.
    """

    def _from_module(self, module, object):
        code = vars(object).values() if inspect.isclass(object) else [object]
        functions = list(filter(inspect.isfunction, map(inspect.unwrap, code)))
        if module is None or not functions:
            return super()._from_module(module, object)
        return any(each.__globals__ is vars(module) for each in functions)


doctest.DocTestFinder = _Finder  # from which pytest derives its own


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Leave the thousands of collected tests, which stay, out of garbage collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def close_figures():
    """Close the figures that a test or an example has left open."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
