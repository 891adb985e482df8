"""The same fit again, of any dtype and layout, pickled and cloned, in all learners."""

import pickle

import numpy as np
import pytest
from learner_states import nothing_fitted
from learner_table import each, learned
from sklearn.base import clone

from skvision.augmentation import RandomFlip

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@each("random")
def test_random_state(learner, images):
    X, y = images
    variants = [{}]
    variants += [{"early_stopping": True}] if learner.validates else []
    if learner.epochs and learner.has("augmentation"):
        variants.append({"augmentation": RandomFlip()})
    for parameters in variants:

        def fit(seed, parameters=parameters):
            model = learner.make(random_state=seed, **parameters).fit(X, y)
            return learned(model)

        np.testing.assert_array_equal(fit(0), fit(0))
        np.testing.assert_array_equal(fit(np.random.RandomState(3)), fit(3))
        assert abs(fit(0) - fit(1)).max() > 1e-9


@each(but=lambda learner: learner.random and learner.has("standardize"))
def test_without_shuffling_there_is_no_chance(learner, rows):
    fits = [
        learner.make(shuffle=False, random_state=seed).fit(*rows) for seed in (0, 1)
    ]
    np.testing.assert_array_equal(*map(learned, fits))


@each(but=lambda learner: learner.random)
def test_the_order_of_rows_is_no_matter(learner, rng):
    """Of whole numbers, whose sums are exact in any order."""
    X, y = rng.integers(0, 4, (60, 6)).astype(float), rng.permutation(60) % 3
    order = rng.permutation(60)
    a, b = learner.make().fit(X, y), learner.make().fit(X[order], y[order])
    tolerance = learner.same if learner.exact else 0
    np.testing.assert_allclose(learned(a), learned(b), rtol=tolerance, atol=tolerance)
    assert getattr(a, "n_mistakes_", None) == getattr(b, "n_mistakes_", None)


@each()
def test_pickle_and_clone(learner, rows):
    model = learner.make(random_state=0).fit(*rows)
    if learner.has_partial_fit:
        model.partial_fit(*rows)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        other.decision_function(rows[0]), model.decision_function(rows[0])
    )
    if learner.has_partial_fit:  # the order of rows and what is dropped go on as well
        other.partial_fit(*rows)
        assert (learned(other) != learned(model)).any()
        np.testing.assert_array_equal(learned(other), learned(model.partial_fit(*rows)))
    assert nothing_fitted(clone(model))


@pytest.mark.parametrize(
    ("dtype", "computed"),
    [("u1", "f4"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("f2", "f8")],
)
@each()
def test_dtypes(learner, dtype, computed, rows):
    X = (20 * rows[0] + 100).round().clip(0, 255).astype(dtype)
    model = learner.make(tol=0.5).fit(X, rows[1])
    assert learned(model).dtype == computed
    for name in ("coef_", "intercept_", "parameters_"):
        assert getattr(model, name, learned(model)).dtype == computed
    for array in (*getattr(model, "coefs_", ()), *getattr(model, "intercepts_", ())):
        assert array.dtype == computed
    for method in ("decision_function", "predict_proba", "transform"):
        unit_length = method == "transform" and hasattr(model, "class_centers_")
        if hasattr(model, method) and not unit_length:
            assert getattr(model, method)(X).dtype == computed


@each()
def test_bytes_are_as_floats(learner, images):
    X, y = images
    on_bytes, on_floats = (
        learner.make(tol=0.01).fit(part, y) for part in (X, X.astype(np.float32))
    )
    np.testing.assert_array_equal(learned(on_bytes), learned(on_floats))
    np.testing.assert_array_equal(
        on_bytes.decision_function(X), on_floats.decision_function(X.astype(np.float32))
    )
    assert on_bytes.image_shape_ == (4, 5, 3)


@each()
def test_layouts_of_memory_do_not_matter(learner, images, tmp_path):
    X, y = images
    expected = learner.make(tol=0.01).fit(X, y)
    stored = np.memmap(tmp_path / "X", np.uint8, "w+", shape=X.shape)
    stored[:] = X
    stored.flags.writeable = False
    for layout in (np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], stored):
        fitted = learner.make(tol=0.01).fit(layout, y)
        np.testing.assert_array_equal(learned(fitted), learned(expected))
        np.testing.assert_array_equal(fitted.predict(layout), expected.predict(X))
