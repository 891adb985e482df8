"""MLPBackprop: the same fit again, in any dtype and layout, in little memory."""

import pickle
import tracemalloc

import numpy as np
import pytest
from network_training import nothing_fitted
from sklearn.base import clone

from skvision import MLPBackprop
from skvision.augmentation import RandomFlip


@pytest.mark.parametrize(
    "parameters",
    [
        {"dropout": 0.2, "batch_size": 16},
        {"early_stopping": True},
        {"augmentation": RandomFlip(), "image_shape": (4, 5, 3)},
        {"solver": "lbfgs", "tol": 0.03},
    ],
)
def test_random_state(parameters, pictures):
    X, y = pictures[0].reshape(40, -1), pictures[1]

    def fit(seed):
        model = MLPBackprop(8, max_iter=30, random_state=seed, **parameters)
        return model.fit(X, y).parameters_

    np.testing.assert_array_equal(fit(0), fit(0))
    np.testing.assert_array_equal(fit(np.random.RandomState(3)), fit(3))
    assert (fit(0) != fit(1)).any()


def test_pickle_and_clone(few):
    model = MLPBackprop(
        6, batch_norm=True, dropout=0.2, batch_size=16, max_iter=3, random_state=0
    ).fit(*few)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        other.predict_proba(few[0]), model.predict_proba(few[0])
    )
    other.partial_fit(*few)  # the order of rows and what is dropped go on as well
    assert (other.parameters_ != model.parameters_).any()
    np.testing.assert_array_equal(
        other.parameters_, model.partial_fit(*few).parameters_
    )
    assert nothing_fitted(clone(model))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize(
    ("dtype", "computed"),
    [("u1", "f4"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("f2", "f8")],
)
def test_dtypes(dtype, computed, solver, few):
    X = (20 * few[0] + 100).round().clip(0, 255).astype(dtype)
    model = MLPBackprop(6, solver=solver, tol=0.5, max_iter=20, random_state=0)
    model.fit(X, few[1])
    for array in (
        model.parameters_,
        *model.coefs_,
        *model.intercepts_,
        model.transform(X),
        model.decision_function(X),
        model.predict_proba(X),
    ):
        assert array.dtype == computed


def test_layouts_of_memory_do_not_matter(pictures, tmp_path):
    images, y = pictures
    model = MLPBackprop(8, batch_size=16, max_iter=3, random_state=0)
    expected = clone(model).fit(images, y)
    stored = np.memmap(tmp_path / "X", np.uint8, "w+", shape=images.shape)
    stored[:] = images
    stored.flags.writeable = False
    for X in (np.asfortranarray(images), np.repeat(images, 2, axis=0)[::2], stored):
        fitted = clone(model).fit(X, y)
        np.testing.assert_array_equal(fitted.parameters_, expected.parameters_)
        np.testing.assert_array_equal(fitted.predict(X), expected.predict(images))


@pytest.fixture(scope="module")
def many():
    """Return 61 MB of bytes."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (16_000, 3840), dtype=np.uint8), np.arange(16_000) % 3


@pytest.mark.parametrize("layout", ["C", "Fortran", "memmap", "pictures"])
def test_bytes_are_never_copied_whole(layout, many, tmp_path):
    X, y = many
    n_bytes = X.nbytes
    if layout == "memmap":
        stored = np.memmap(tmp_path / "X", np.uint8, "w+", shape=X.shape)
        stored[:] = X
        X = stored
    elif layout == "Fortran":
        X = np.asfortranarray(X)
    elif layout == "pictures":
        X = X.reshape(-1, 40, 32, 3)
    augmentation = RandomFlip() if layout == "pictures" else None
    early_stopping = layout == "C"
    model = MLPBackprop(
        4, augmentation=augmentation, early_stopping=early_stopping, max_iter=1
    )
    tracemalloc.start()
    try:
        model.fit(X, y)
        if layout != "Fortran":  # which is slow
            model.predict(X)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n_bytes / 3
