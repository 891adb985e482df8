"""The perceptron by epochs: partial fits, warm starts and where they stop."""

import numpy as np
import pytest
from perceptron_epochs import BATCH_SIZES, fit_epochs, steps
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning

from skvision import Perceptron

# The history of a fit


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("batch_size", [1, 8])
def test_partial_fits_are_an_epoch(batch_size, average, whole_numbers):
    X, y = whole_numbers
    parameters = {"batch_size": batch_size, "average": average}
    model = Perceptron(shuffle=False, **parameters)
    for start in (0, 16, 32):
        part = slice(start, start + 16)
        model.partial_fit(X[part], y[part], classes=np.unique(y))
    whole = fit_epochs(1, X, y, **parameters)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-14)
    np.testing.assert_allclose(model.intercept_, whole.intercept_, rtol=1e-14)
    assert sum(model.n_mistakes_) == sum(whole.n_mistakes_)
    assert model.n_iter_ == len(model.n_mistakes_) == 3
    assert model.loss_curve_[0] == 0


def test_partial_fit_continues_from_fit(whole_numbers):
    X, y = whole_numbers
    model = fit_epochs(1, X, y, batch_size=1, average=True)
    assert model.n_iter_ == 1
    model.set_params(tol=None, max_iter=2)
    with pytest.warns(ConvergenceWarning):
        weights = model.fit(X, y).coef_
    assert model.n_iter_ == 2
    model.set_params(average=False).partial_fit(X[:0:-1], y[:0:-1])
    assert model.n_iter_ == 1
    change = model.coef_ - weights
    np.testing.assert_allclose(change, change.round(), atol=1e-10)  # whole updates
    assert change.any()


def test_partial_fit_when_the_average_is_switched_on(whole_numbers):
    X, y = whole_numbers
    model = fit_epochs(2, X, y, batch_size=8)
    _, Ws, _ = steps(X, y, n_epochs=3, batch_size=8)
    model.set_params(average=True).partial_fit(X, y)
    np.testing.assert_allclose(model.coef_, Ws[-5:].mean(0), rtol=1e-14)


@pytest.mark.parametrize("batch_size", [1, None])
def test_warm_start(batch_size, digits):
    X, y = digits
    model = Perceptron(batch_size=batch_size, warm_start=True, tol=None, random_state=0)
    weights = model.fit(X[:500], y[:500]).coef_
    assert model.n_mistakes_[-1] == 0
    model.fit(X[:500], y[:500])
    assert model.n_mistakes_ == [0]
    assert model.loss_curve_ == [0, 0]
    np.testing.assert_array_equal(model.coef_, weights)
    model.fit(X[:600], y[:600])
    assert model.loss_curve_[0] > 0
    with pytest.raises(
        ValueError, match=r"classes of the previous fit, .* got the classes"
    ):
        model.fit(X, y % 5)
    with pytest.raises(ValueError, match=r"10 features.*expecting 64 features"):
        model.fit(X[:, :10], y)


def test_warm_start_of_one_batch_never_gets_worse():
    X, y = load_iris(return_X_y=True)
    model = Perceptron(warm_start=True).fit(X, y)
    accuracy = model.score(X, y)
    model.set_params(max_iter=1)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert model.score(X, y) == accuracy > 0.9


@pytest.mark.parametrize("parameters", [{}, {"n_iter_no_change": 2}])
def test_one_batch_stops_where_its_pocket_stays(parameters):
    X, y = load_iris(return_X_y=True)
    model = Perceptron(**parameters).fit(X, y)
    patience = 20 * parameters.get("n_iter_no_change", 5)
    assert patience < model.n_iter_ < 1000
    before, after = model.n_mistakes_[1:-patience], model.n_mistakes_[-patience:]
    assert min(after) >= min(before)


@pytest.mark.parametrize("batch_size", BATCH_SIZES)
def test_loss_curve(batch_size, whole_numbers):
    """Of one batch it is the loss of the weights before; of more a mean on the way."""
    X, y = whole_numbers
    weights = 1.0 + np.arange(40) % 3
    model = fit_epochs(3, X, y, weights, batch_size=batch_size)
    two = fit_epochs(2, X, y, weights, batch_size=batch_size)
    loss, _ = two.loss_and_gradient(X, y, weights)
    if batch_size is None:
        assert model.loss_curve_[3] == pytest.approx(loss)
    assert model.loss_curve_[3] > 0
    two.set_params(warm_start=True, max_iter=1)
    with pytest.warns(ConvergenceWarning):
        two.fit(X, y, weights)
    assert two.loss_curve_[0] == pytest.approx(loss)


def test_one_batch_is_a_step_against_the_gradient(whole_numbers):
    X, y = whole_numbers
    weights = 1.0 + np.arange(40) % 3
    model = fit_epochs(2, X, y, weights, eta0=0.5)
    _, gradient = model.loss_and_gradient(X, y, weights)
    before = model.coef_, model.intercept_
    model.partial_fit(X, y, sample_weight=weights)
    rate = 0.5 * weights.sum()
    np.testing.assert_allclose(model.coef_, before[0] - rate * gradient["coef_"])
    np.testing.assert_allclose(
        model.intercept_, before[1] - rate * gradient["intercept_"]
    )
