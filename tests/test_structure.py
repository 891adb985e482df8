"""The architecture: who imports whom, and what `import skvision` loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skvision
from skvision import _public_names

PACKAGE = Path(__file__).parents[1] / "skvision"
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path):
    """Return the modules that a file imports, at its top or within functions."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            modules.add(node.module)
    return modules


def names(path):
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=names)
def test_imports_run_one_way(path):
    modules = imported(path)
    roots = {module.split(".")[0] for module in modules}
    ours = {module for module in modules if module.split(".")[0] == "skvision"}
    folder = path.relative_to(PACKAGE).parts[0]
    if folder == "_kernels":
        assert roots - set(sys.stdlib_module_names) <= {
            "numpy",
            "numba",
            "llvmlite",
            "skvision",
        }
        assert all(module.startswith("skvision._kernels") for module in ours)
    else:
        assert roots.isdisjoint({"numba", "llvmlite"})
    if folder == "_training":
        assert "sklearn" not in roots
        assert all(
            module.startswith(("skvision._training", "skvision._kernels"))
            for module in ours
        )
    if path.name == "images.py" and folder == "_contract":
        assert ours == {"skvision._contract.containers", "skvision._contract.warn"}
    if path.name == "containers.py":
        assert not ours
    if path.name != "sklearn_compat.py":
        private = [m for m in modules if m.startswith("sklearn") and "._" in m]
        assert private == []


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in result.stdout.split()}


def test_import_loads_nothing_until_a_name_is_used():
    """An interrupt meanwhile is the command line's to tell, and --help is quick."""
    assert loaded_by("import skvision, skvision.cli").isdisjoint(
        {"numpy", "sklearn", "pandas", "PIL", "scipy", "joblib"}
    )


def test_names_load_neither_numba_nor_matplotlib():
    loaded = loaded_by("from skvision import *")
    assert "sklearn" in loaded
    assert loaded.isdisjoint(
        {"numba", "llvmlite", "matplotlib", "rich", "skops", "jinja2"}
    )


def test_import_adds_few_modules_to_those_of_scikit_learn():
    """A stand-in for import time, which a test must not depend on."""
    with_sklearn = loaded_by("import sklearn.pipeline, scipy.optimize, PIL.Image")
    extra = loaded_by("from skvision import *") - with_sklearn
    allowed = {"skvision", "pandas", "dateutil", "six", "pytz", "tzdata"}
    assert {name for name in extra if not name.startswith("_")} - allowed <= set(
        sys.stdlib_module_names
    )


def test_every_public_name_is_listed_and_documented():
    named = {name for name in vars(_public_names) if not name.startswith("_")}
    assert named == set(skvision.__all__)
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    for name in skvision.__all__:
        thing = getattr(skvision, name)
        assert thing.__doc__
        assert name in readme
    for module in (
        skvision.augmentation,
        skvision.datasets,
        skvision.inspection,
        skvision.metrics,
        skvision.model_selection,
        skvision.schedules,
    ):
        for name in module.__all__:
            assert name in readme


def test_no_module_is_imported_twice():
    # as pytest does with one that is named on its command line before the tests, if
    # nothing has imported it; pickle then finds another class of the same name
    for module in (skvision, skvision.augmentation, skvision.model_selection):
        for name in module.__all__:
            thing = getattr(module, name)
            if hasattr(thing, "__module__"):
                assert getattr(sys.modules[thing.__module__], name) is thing


@pytest.mark.parametrize(
    ("estimator", "page"),
    [
        (skvision.HOG(), "skvision.HOG"),
        (skvision.MLPBackprop(), "skvision.MLPBackprop"),
        (skvision.augmentation.RandomFlip(), "skvision.augmentation.RandomFlip"),
    ],
    ids=repr,
)
def test_html_representations_link_to_the_documentation(estimator, page):
    assert f"/api/generated/{page}.html" in estimator._repr_html_()
