"""The public names: documented, and the same in pickles wherever their files are."""

import inspect
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import skvision

README = Path(skvision.__file__).parents[1] / "README.md"

PUBLIC = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in [skvision, *(getattr(skvision, name) for name in skvision.__all__)]
    if inspect.ismodule(module)
    for name in module.__all__
    if not inspect.ismodule(getattr(module, name))
}


def test_every_public_name_is_documented():
    readme = README.read_text(encoding="utf-8")
    for name in skvision.__all__:
        assert getattr(skvision, name).__doc__
        assert name in readme
    for path in PUBLIC:
        assert path.split(".")[-1] in readme


@pytest.mark.parametrize("path", PUBLIC)
def test_public_names_stay(path):
    """Pickles and model files name a class so, also when its file has moved."""
    thing = PUBLIC[path]
    assert f"{thing.__module__}.{thing.__qualname__}" == path
    assert pickle.loads(pickle.dumps(thing)) is thing


def test_public_names_stay_however_they_were_imported():
    code = (
        "from skvision._features.hog import HOG; import pickle\n"
        "assert HOG.__module__ == 'skvision'\n"
        "assert b'skvision._' not in pickle.dumps(HOG())\n"
        "assert type(pickle.loads(pickle.dumps(HOG()))) is HOG"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_module_is_imported_twice():
    # as pytest does with one that is named on its command line before the tests, if
    # nothing has imported it; pickle then finds another class of the same name
    for path, thing in PUBLIC.items():
        module, _, name = path.rpartition(".")
        assert getattr(sys.modules[module], name) is thing


@pytest.mark.parametrize(
    "estimator",
    [
        skvision.HOG(),
        skvision.MLPBackprop(),
        skvision.augmentation.RandomFlip(),
        skvision.model_selection.CoarseToFineSearchCV(skvision.HOG(), {}),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_html_representations_link_to_no_page_that_is_not_published(estimator):
    assert "href=" not in estimator._repr_html_()
