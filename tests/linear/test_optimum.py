"""Linear fits end at the optimum, as independent solvers find it, or say so."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs

from skvision import MulticlassSVM, SoftmaxRegression

TABLE = Path(__file__).parents[2] / "examples" / "optimum_table.py"


@pytest.fixture(scope="module")
def table():
    return runpy.run_path(str(TABLE))


@pytest.fixture(params=["iris", "separable", "noise", "bytes"])
def data(request, rng):
    if request.param == "iris":
        X, y = load_iris(return_X_y=True)
        return X[::3], y[::3]
    if request.param == "separable":
        return make_blobs(60, 5, centers=3, cluster_std=0.3, random_state=0)
    if request.param == "noise":
        return rng.normal(size=(60, 8)), rng.integers(0, 2, 60)
    y = np.arange(40) % 2
    images = rng.integers(0, 200, (40, 60), dtype=np.uint8)
    images[y == 1, :10] += 50
    return images, y


@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 100.0])
@pytest.mark.parametrize(
    "model",
    [
        SoftmaxRegression(),
        MulticlassSVM(),
        MulticlassSVM(multi_class="ovr"),
        MulticlassSVM("hinge"),
        MulticlassSVM("hinge", multi_class="ovr"),
    ],
    ids=["softmax", "squared", "squared ovr", "hinge", "hinge ovr"],
)
def test_defaults_end_at_the_optimum_without_a_warning(model, alpha, data, table):
    model = clone(model).set_params(alpha=alpha)
    distance, bound, warned = table["excess"](model, *data)
    assert not warned
    assert bound <= model.tol
    assert distance <= 0.01


def test_weights_that_float32_cannot_hold_are_reported(table):
    """At a weak L1 penalty, rounding violates margins that are met exactly."""
    rng, y = np.random.default_rng(0), np.arange(40) % 2
    images = rng.integers(0, 200, (40, 60), dtype=np.uint8)
    images[y == 1, :10] += 50
    model = MulticlassSVM("hinge", alpha=1e-6, l1_ratio=1.0)
    distance, bound, warned = table["excess"](model, images, y)
    assert warned
    assert 0.01 < distance <= bound / (1 - bound)
    _, bound, warned = table["excess"](model, images.astype(np.float64), y)
    assert not warned
    assert bound <= model.tol


@pytest.mark.parametrize("model", [SoftmaxRegression(), MulticlassSVM()])
@pytest.mark.parametrize("alpha", [0.0, 1e-9, 1e-3])
def test_weights_of_the_classes_sum_to_zero(model, alpha, rng):
    X, y = rng.normal(size=(90, 4)), rng.integers(0, 3, 90)
    model = clone(model).set_params(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(model.coef_.sum(axis=0), 0, atol=1e-12)
    assert abs(model.intercept_.sum()) < 1e-12


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 1e-3])
def test_small_problems_are_solved_as_large_ones(alpha, rng, monkeypatch):
    """With the Hessian written down, and by preconditioned conjugate gradients."""
    from skvision._training import linear

    X, y = rng.normal(size=(90, 4)), rng.integers(0, 3, 90)
    model = SoftmaxRegression(alpha, tol=1e-12)
    written_down = model.fit(X, y).coef_
    monkeypatch.setattr(linear, "FEW_PARAMS", 0)
    np.testing.assert_allclose(model.fit(X, y).coef_, written_down, atol=1e-5)


def test_separable_classes_without_a_penalty_end_without_a_warning():
    X, y = make_blobs(60, 5, centers=3, cluster_std=0.3, random_state=0)
    model = SoftmaxRegression(0).fit(X, y)
    assert model.score(X, y) == 1
    assert model.loss_curve_[-1] <= model.tol * np.log(3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-38, 1e-20, 1e15])
@pytest.mark.parametrize(
    "model", [SoftmaxRegression(0), MulticlassSVM(alpha=0), MulticlassSVM("hinge")]
)
def test_without_a_penalty_no_scale_matters(model, dtype, scale, rng):
    X, y = rng.normal(size=(60, 5)), rng.integers(0, 3, 60)
    model = clone(model).set_params(alpha=0, tol=1e-6)
    expected = model.fit(X, y).decision_function(X)
    scaled = (X * scale).astype(dtype)
    value = model.fit(scaled, y).loss_curve_[-1]
    assert value == pytest.approx(clone(model).fit(X, y).loss_curve_[-1], rel=2e-6)
    if isinstance(model, SoftmaxRegression):  # the optima of the others have room
        scores = scaled.astype(np.float64) @ model.coef_.astype(np.float64).T
        scores += model.intercept_
        np.testing.assert_allclose(scores, expected, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-310, 1e-170, 1e-160, 1e-156])
@pytest.mark.parametrize(
    "model",
    [
        SoftmaxRegression(),
        MulticlassSVM(),
        MulticlassSVM("hinge"),
        MulticlassSVM("hinge", multi_class="ovr"),
    ],
)
def test_values_too_small_to_square_are_reported(model, scale, rng):
    X, y = scale * rng.normal(size=(60, 5)), rng.integers(0, 3, 60)
    with pytest.raises(ValueError, match="too small for computations in float64"):
        clone(model).set_params(alpha=0).fit(X, y)


@pytest.mark.parametrize(
    "model", [SoftmaxRegression(), MulticlassSVM(), MulticlassSVM("hinge")]
)
def test_values_too_large_to_square_are_reported(model, rng):
    X, y = 1e170 * rng.normal(size=(60, 5)), rng.integers(0, 3, 60)
    with pytest.raises(ValueError, match="too large for computations in float64"):
        clone(model).fit(X, y)


@pytest.mark.parametrize("alpha", [1e-6, 1e-2, 1.0])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("multi_class", ["weston_watkins", "ovr"])
def test_hinge_with_an_l1_penalty_ends_at_the_optimum(
    multi_class, l1_ratio, alpha, data, table
):
    model = MulticlassSVM("hinge", alpha=alpha, l1_ratio=l1_ratio)
    model.set_params(multi_class=multi_class)
    X, y = data
    distance, bound, warned = table["excess"](model, X.astype(np.float64), y)
    assert not warned
    assert bound <= model.tol
    assert distance <= 0.01


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("n", [20, 200])
@pytest.mark.parametrize("alpha", [0, 1e-3])
@pytest.mark.parametrize(
    "model", [SoftmaxRegression(), MulticlassSVM(), MulticlassSVM("hinge")], ids=str
)
def test_blank_images_leave_the_biases(model, alpha, n, dtype):
    """Rows that are all the same have no variance to find, and no direction."""
    for value, fit_intercept in ((3, True), (0, True), (0, False)):
        X, y = np.full((n, 64), value, dtype), np.arange(n) % 4
        fitted = clone(model).set_params(alpha=alpha, fit_intercept=fit_intercept)
        fitted.fit(X, y)
        assert not fitted.coef_.any()
        np.testing.assert_allclose(np.ptp(fitted.intercept_), 0, atol=1e-6)
