"""Docstrings in numpydoc's form, with all that the house asks for."""

import doctest
import inspect
import pkgutil
import sys

import pytest
from estimators import ALL
from numpydoc.validate import validate

import skvision

# numpydoc's own wishes that are not ours: extended summaries, examples and "See Also"
# everywhere, returned values without a name.
IGNORED = set("EX01 ES01 SA01 SA04 GL01 GL08 RT02 RT03 RT04 RT05 PR06 PR09".split())
FUNCTIONS = [
    f"skvision.{module}.{name}"
    for module in (
        "augmentation",
        "datasets",
        "inspection",
        "metrics",
        "model_selection",
        "schedules",
    )
    for name in getattr(skvision, module).__all__
]
CLASSES = [f"skvision.{Estimator.__name__}" for Estimator in ALL]
METHODS = [
    f"{path}.{name}"
    for path in FUNCTIONS + CLASSES
    if inspect.isclass(thing := pkgutil.resolve_name(path))
    for base in inspect.getmro(thing)
    if base.__module__.split(".")[0] == "skvision"
    for name in vars(base)
    if inspect.isroutine(getattr(thing, name)) and not name.startswith("_")
]


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES, *METHODS])
def test_docstring(name):
    report = validate(name)
    errors = [error for error in report["errors"] if error[0] not in IGNORED]
    assert errors == []


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_docstring_has_an_example(name):
    assert ">>> " in validate(name)["docstring"]


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES])
def test_example_is_found_by_doctest_in_the_file_that_has_the_code(name):
    """Where pytest runs it; by itself doctest looks in the public module."""
    thing = pkgutil.resolve_name(name)
    function = inspect.unwrap(thing.__init__ if inspect.isclass(thing) else thing)
    module = sys.modules[function.__globals__["__name__"]]
    found = doctest.DocTestFinder(exclude_empty=True).find(module)
    with_examples = [test.name for test in found if test.examples]
    assert with_examples.count(f"{module.__name__}.{thing.__name__}") == 1
