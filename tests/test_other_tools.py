"""The table of other tools in the guide: each of its calls runs here.

The calls of libraries that are not installed are left out; the page says which versions
of those were tried, and when.
"""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from test_image_contract import images_of

from skvision import HOG, ColorHistogram, SoftmaxRegression

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "other_tools.rst"
SCIKIT_LEARN = [
    f"sklearn.{module}"
    for module in (
        "calibration",
        "compose",
        "decomposition",
        "ensemble",
        "feature_selection",
        "frozen",
        "inspection",
        "model_selection",
        "multiclass",
        "pipeline",
        "preprocessing",
        "semi_supervised",
    )
]
MODULES = {  # in which the names in the calls of a library are
    "scikit-learn": SCIKIT_LEARN,
    "imbalanced-learn": [
        "imblearn.ensemble",
        "imblearn.over_sampling",
        "imblearn.pipeline",
        "imblearn.under_sampling",
    ],
    "MAPIE": ["mapie.classification"],
    "dask-ml": ["dask_ml.model_selection", "dask_ml.wrappers"],
    "mlxtend": ["mlxtend.classifier", "mlxtend.feature_selection"],
    "optuna-integration": ["optuna_integration.sklearn"],
    "scikit-optimize": ["skopt"],
    "sklearn-genetic-opt": ["sklearn_genetic"],
    "cleanlab": ["cleanlab.classification"],
    "SHAP": ["shap"],
    "LIME": ["lime.lime_image"],
}


def read_rows():
    """Return the cells of the table, as lists of strings."""
    text = PAGE.read_text(encoding="utf-8")
    table = re.search(r"(?s)   \* - library\n(.*?)\n\n\S", text)[1]
    rows = re.split(r"(?m)^   \* - ", table)[1:]
    return [
        [" ".join(cell.split()) for cell in re.split(r"(?m)^     - ", row)]
        for row in rows
    ]


ROWS = read_rows()
CALLS = [
    (library, call, takes)
    for library, calls, takes, _ in ROWS
    for call in re.findall("``(.+?)``", calls)
    if find_spec(MODULES[library][0].split(".")[0])
]


def names_of(library):
    """Return what a call may name: what modules have, scikit-learn's first."""
    names = {}
    for module in MODULES[library] + SCIKIT_LEARN:
        root = module.split(".")[0]
        names |= vars(import_module(module)) | {root: import_module(root)}
    return names


def given(library, images, y, flat):
    """Return the data and models that the page speaks of."""
    hog = HOG(image_shape=images.shape[1:], pixels_per_cell=(4, 4))
    classifier = SoftmaxRegression(alpha=0.01)
    model = names_of("scikit-learn")["make_pipeline"](hog, classifier)
    name = "softmaxregression__alpha"
    X = images.reshape(len(images), -1) if flat else images
    data = {"X": X, "y": y, "mean": images.mean(axis=0)}
    data |= {"hog": hog, "model": model, "classifier": classifier}
    data |= {"grid": {name: [1e-3, 1e-2]}, "ColorHistogram": ColorHistogram}
    if library == "dask-ml":
        array = import_module("dask.array")
        data["lazy"] = array.from_array(X, chunks=(20, *X.shape[1:]))
    elif library == "optuna-integration":
        distributions = import_module("optuna").distributions
        data["distributions"] = {name: distributions.FloatDistribution(1e-3, 1e-2)}
    elif library == "sklearn-genetic-opt":
        data["space"] = {
            name: import_module("sklearn_genetic.space").Continuous(1e-3, 1e-2)
        }
    return data


def run(library, call, data):
    """Do what a call says; fit what is an estimator, and have it predict."""
    X, y = data["X"], data["y"]
    result = eval(call, names_of(library) | data)
    if hasattr(result, "fit_resample"):
        X, y = result.fit_resample(X, y)
        assert np.ptp(np.bincount(y)) == 0
    elif hasattr(result, "fit"):
        result.fit(X, y)
        if hasattr(result, "predict"):
            assert np.mean(result.predict(X) == y) > 0.9
        else:
            assert len(result.transform(X)) == len(X)


@pytest.mark.parametrize(("library", "call", "takes"), CALLS)
@pytest.mark.filterwarnings("ignore:y contains no unlabeled samples")
def test_what_tools_take(library, call, takes):
    images, labels = images_of((6, 8, 3), 54)
    images, y = (images / 255).astype(np.float32), (labels == "ant").astype(int)
    takes_flat = {
        "images": (False, True),
        "flat rows": (True,),
        "images only": (False,),
    }
    for flat in takes_flat[takes]:
        run(library, call, given(library, images, y, flat))
    for flat in {True, False}.difference(takes_flat[takes]):
        with pytest.raises(Exception):  # noqa: B017 - each library has its own
            run(library, call, given(library, images, y, flat))


def test_each_line_says_how_it_was_tried():
    assert {row[0] for row in ROWS} == set(MODULES)
    for library, calls, takes, tried in ROWS:
        assert takes in ("images", "flat rows", "images only")
        assert calls.count("``") >= 2
        if library in ("scikit-learn", "imbalanced-learn"):
            assert tried == "in tests"
        else:
            assert re.fullmatch(r"\d+(\.\d+)+, 20\d\d-\d\d-\d\d", tried)
