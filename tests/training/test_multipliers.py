"""The hinge loss exactly: other solvers, the certificate, the bias amid the best."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize
from sklearn.svm import SVC

from skvision._training import linear as module
from skvision._training.linear import minimize_linear
from skvision._training.losses import (
    Hinge,
    hinge,
    one_vs_rest,
    squared_hinge_curvature,
    weston_watkins,
)
from skvision._training.multipliers import center_biases
from skvision._training.objective import linear_scores
from skvision._training.problem import Problem
from skvision._training.sources import ArraySource, Centered

N, D = 18, 2


@pytest.fixture
def points(rng):
    """Return points of three classes that overlap, their labels and sample_weight."""
    labels = np.arange(N) % 3
    centers = np.array([[0.0, 0], [2, 0], [0, 2]])
    sample_weight = rng.integers(1, 4, N).astype(float)
    return (
        rng.normal(size=(N, D)) + centers[labels],
        labels,
        sample_weight / sample_weight.sum(),
    )


def use_multipliers(monkeypatch, multipliers):
    """Solve by the method of multipliers alone, or by interior points."""
    monkeypatch.setattr(module, "AT_ONCE", 10_000 if multipliers else 1)


@pytest.fixture(params=["multipliers", "interior"])
def either(request, monkeypatch):
    use_multipliers(monkeypatch, request.param == "multipliers")


def solve(points, violations, n_outputs, *, alpha, **options):
    """Minimize the hinge loss of points, less their mean where there is a bias."""
    l1_ratio, bias = options.pop("l1_ratio", 0.0), options.pop("bias", True)
    start, margin = options.pop("start", None), options.pop("margin", 1.0)
    X, labels, sample_weight = points
    rows = Centered(ArraySource(X), sample_weight @ X if bias else None)
    if start is None:
        start = np.zeros(n_outputs * (X.shape[1] + bias))
    z = violations(margin)
    problem = Problem(
        rows,
        labels,
        sample_weight,
        loss=hinge(z),
        curvature=squared_hinge_curvature(z),
        l1=alpha * l1_ratio,
        l2=alpha * (1 - l1_ratio),
        n_outputs=n_outputs,
        joint=violations is weston_watkins,
    )
    options = {"max_iter": 10_000, "tol": 1e-6} | options
    return minimize_linear(problem, start, hinge=Hinge(z, margin, False), **options)


def objective_of(params, points, violations, n_outputs, alpha, l1_ratio=0.0, bias=True):
    """Return the objective, written out."""
    X, labels, sample_weight = points
    W = params[: n_outputs * X.shape[1]].reshape(n_outputs, -1)
    scores = (X - sample_weight @ X) @ W.T + params[W.size :] if bias else X @ W.T
    penalty = l1_ratio * np.abs(W).sum() + (1 - l1_ratio) / 2 * (W**2).sum()
    return hinge(violations(1.0))(scores, labels, sample_weight)[0] + alpha * penalty


def violations_as_rows(points, violations, n_outputs, bias):
    """Return A, c and counts: the violations that count are A params + c."""
    X, labels, sample_weight = points
    x = X - sample_weight @ X if bias else X
    matrix, constants, counts = [], [], []
    for i in range(len(X)):
        for j in range(n_outputs):
            signs = np.zeros(n_outputs)
            if violations is one_vs_rest:
                own = labels[i] == (1 if n_outputs == 1 else j)
                signs[j] = -1 if own else 1
            elif j == labels[i]:
                continue
            else:
                signs[j], signs[labels[i]] = 1, -1
            row = np.outer(signs, x[i]).ravel()
            matrix.append(np.append(row, signs) if bias else row)
            constants.append(1.0)
            counts.append(sample_weight[i])
    return np.array(matrix), np.array(constants), np.array(counts)


def least_l1(points, violations, n_outputs, alpha):
    """Return the least objective under L1, by a linear program."""
    A, c, counts = violations_as_rows(points, violations, n_outputs, bias=True)
    m, n_params = A.shape
    n_weights = n_outputs * D
    sizes = np.concatenate([np.full(n_weights, alpha), np.zeros(n_outputs)])
    # params = positive - negative; slack >= A params + c and slack >= 0
    result = linprog(
        np.concatenate([sizes, sizes, counts]),
        A_ub=np.hstack([A, -A, -np.eye(m)]),
        b_ub=-c,
        bounds=[(0, None)] * (2 * n_params + m),
    )
    assert result.success
    return result.fun


def least_l2(points, violations, n_outputs, alpha, bias=True):
    """Return the least objective under L2, by the dual: a quadratic program."""
    A, c, counts = violations_as_rows(points, violations, n_outputs, bias)
    n_weights = n_outputs * D
    Q = A[:, :n_weights] * counts[:, None]
    of_biases = (A[:, n_weights:] * counts[:, None]).T
    if violations is weston_watkins:
        of_biases = of_biases[:-1]  # they add up to zero

    def minus_dual(slopes):
        w = Q.T @ slopes
        value = w @ w / (2 * alpha) - counts * c @ slopes
        return value, Q @ w / alpha - counts * c

    constraint = {
        "type": "eq",
        "fun": lambda slopes: of_biases @ slopes,
        "jac": lambda slopes: of_biases,
    }
    by = {"method": "SLSQP", "constraints": [constraint]} if bias else {}
    result = minimize(
        minus_dual,
        np.full(len(A), 0.5),
        jac=True,
        bounds=[(0, 1)] * len(A),
        options={"maxiter": 5000, "ftol": 1e-13},
        **by,
    )
    assert result.success
    return -result.fun


KINDS = [(weston_watkins, 3), (one_vs_rest, 3), (one_vs_rest, 1)]


def of_kind(points, n_outputs):
    X, labels, sample_weight = points
    return (X, labels % 2, sample_weight) if n_outputs == 1 else points


@pytest.mark.parametrize(("violations", "n_outputs"), KINDS)
@pytest.mark.parametrize("alpha", [0.01, 1.0])
@pytest.mark.parametrize("bias", [True, False])
def test_l2_reaches_the_dual_optimum(
    points, violations, n_outputs, alpha, bias, monkeypatch
):
    kind = of_kind(points, n_outputs), violations, n_outputs
    least = least_l2(*kind, alpha, bias)
    for multipliers in (True, False):
        use_multipliers(monkeypatch, multipliers)
        minimum = solve(*kind, alpha=alpha, bias=bias)
        value = objective_of(minimum.params, *kind, alpha, bias=bias)
        assert minimum.error <= 1e-6
        assert least - 1e-9 <= value <= least * (1 + 2e-6) + 1e-9


@pytest.mark.parametrize(("violations", "n_outputs"), KINDS)
@pytest.mark.parametrize("alpha", [1e-3, 3e-3, 0.1, 10, 50, 300, 2000, 5600])
def test_weak_and_strong_penalties_reach_the_tolerance(
    points, violations, n_outputs, alpha, either
):
    kind = of_kind(points, n_outputs), violations, n_outputs
    assert solve(*kind, alpha=alpha).error <= 1e-6


@pytest.mark.parametrize(("violations", "n_outputs"), KINDS)
@pytest.mark.parametrize("alpha", [1e-4, 0.01, 0.1, 1.0])
def test_l1_reaches_the_optimum_of_the_linear_program(
    points, violations, n_outputs, alpha
):
    points = of_kind(points, n_outputs)
    least = least_l1(points, violations, n_outputs, alpha)
    minimum = solve(points, violations, n_outputs, alpha=alpha, l1_ratio=1.0)
    value = objective_of(minimum.params, points, violations, n_outputs, alpha, 1.0)
    assert least - 1e-9 <= value <= least * (1 + 1e-5)


@pytest.mark.parametrize("alpha", [0.003, 0.03, 0.3])
def test_two_classes_equal_svc(points, alpha, rng, either):
    X, labels, sample_weight = points = of_kind(points, 1)
    minimum = solve(points, one_vs_rest, 1, alpha=alpha, tol=1e-9)
    theirs = SVC(C=1 / alpha, kernel="linear", tol=1e-10)
    theirs.fit(X, labels, sample_weight=sample_weight)
    assert minimum.error <= 1e-9
    w, b = (
        minimum.params[:D],
        minimum.params[D] - minimum.params[:D] @ (sample_weight @ X),
    )
    np.testing.assert_allclose(w, theirs.coef_[0], atol=1e-4)
    their_bias = theirs.intercept_ + theirs.coef_[0] @ (sample_weight @ X)
    their_params = np.append(theirs.coef_[0], their_bias)
    ours, other = (
        objective_of(params, points, one_vs_rest, 1, alpha)
        for params in (minimum.params, their_params)
    )
    assert other * (1 - 1e-5) <= ours <= other * (1 + 1e-8)
    if alpha < 0.3:  # beyond, an interval of biases is best
        assert b == pytest.approx(theirs.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_bytes_and_float32(dtype, points, either):
    X, labels, sample_weight = points
    X = (20 * (X - X.min())).astype(dtype)
    whole, exact = (X, labels, sample_weight), (X.astype(float), labels, sample_weight)
    least = least_l2(exact, weston_watkins, 3, 1.0)
    minimum = solve(whole, weston_watkins, 3, alpha=1.0, tol=1e-4)
    value = objective_of(minimum.params, exact, weston_watkins, 3, 1.0)
    assert least - 1e-9 <= value <= least + minimum.error * value
    assert minimum.error <= 1e-4


@pytest.mark.parametrize(("violations", "n_outputs"), KINDS)
@pytest.mark.parametrize("l1_ratio", [0, 0.3])
def test_the_gap_bounds_how_far_the_optimum_is(
    points, violations, n_outputs, l1_ratio, either
):
    kind, alpha = (of_kind(points, n_outputs), violations, n_outputs), 0.05
    options = {"alpha": alpha, "l1_ratio": l1_ratio, "bias": False}
    if l1_ratio == 0:
        least = least_l2(*kind, alpha, bias=False)
    else:
        least = solve(*kind, tol=1e-9, **options).loss_curve[-1]
    for max_iter in (1, 2, 4, 8, 16, 64):
        minimum = solve(*kind, max_iter=max_iter, **options)
        value = objective_of(minimum.params, *kind, **options)
        assert minimum.loss_curve[-1] == pytest.approx(value, rel=1e-12)
        assert value - least <= minimum.error * value + 1e-8
        assert minimum.n_iter <= max_iter


def test_margin_and_alpha_are_one_trade_off(points):
    """Margin m at alpha is m times the weights of margin 1 at alpha m."""
    wide = solve(points, weston_watkins, 3, alpha=0.02, margin=5.0, tol=1e-9)
    plain = solve(points, weston_watkins, 3, alpha=0.1, tol=1e-9)
    np.testing.assert_allclose(wide.params, 5 * plain.params, atol=2e-3)
    assert wide.loss_curve[-1] == pytest.approx(5 * plain.loss_curve[-1], rel=1e-6)


def test_a_row_of_twice_the_weight_is_that_row_twice(points):
    X, labels, _ = points
    counts = np.arange(N) % 3  # some are zero
    twice = np.repeat(np.arange(N), counts)
    repeated = X[twice], labels[twice], np.full(len(twice), 1 / len(twice))
    weighted = X, labels, counts / counts.sum()
    here, there = (
        solve(these, weston_watkins, 3, alpha=0.1, tol=1e-9)
        for these in (weighted, repeated)
    )
    np.testing.assert_allclose(here.params, there.params, atol=1e-4)


def test_separable_rows_without_a_penalty_end_at_loss_zero(rng):
    labels = np.arange(30) % 2
    points = rng.normal(size=(30, 5)) + 9 * labels[:, None], labels, np.full(30, 1 / 30)
    minimum = solve(points, one_vs_rest, 1, alpha=0.0)
    assert minimum.loss_curve[-1] == pytest.approx(0, abs=1e-9)


def test_start_is_left_alone(points, either):
    """Even where nothing is left to do but to center its bias."""
    start = solve(points, weston_watkins, 3, alpha=0.1, tol=1e-9).params
    before = start.copy()
    solve(points, weston_watkins, 3, alpha=0.1, tol=1e-3, start=start)
    np.testing.assert_array_equal(start, before)
    two = np.array([[0.0], [4.0]]), np.array([0, 1]), np.array([0.5, 0.5])
    start = np.array([0.2, 0.1])
    centered = solve(two, one_vs_rest, 1, alpha=10.0, start=start)
    np.testing.assert_allclose(centered.params, [0.2, 0], atol=1e-12)
    assert start.tolist() == [0.2, 0.1]


def test_on_iteration_is_called_and_may_stop(points, either):
    iterates = []
    minimum = solve(
        points,
        weston_watkins,
        3,
        alpha=0.1,
        on_iteration=lambda params: (
            iterates.append(params.copy()) or len(iterates) == 5
        ),
    )
    assert len(iterates) == 5
    np.testing.assert_array_equal(minimum.params, iterates[-1])


# center_biases


def two_points(alpha, left=0.0, right=4.0):
    """Return weight and bias (not less the center) of two points on a line."""
    X, sample_weight = np.array([[left], [right]]), np.array([0.5, 0.5])
    points = X, np.array([0, 1]), sample_weight
    params = solve(points, one_vs_rest, 1, alpha=alpha, tol=1e-10).params
    return params[0], params[1] - params[0] * (sample_weight @ X)[0]


def test_boundary_of_two_points_is_amid_them():
    w, b = two_points(1e-3)  # both just meet their margins: b is unique
    assert w == pytest.approx(0.5, rel=1e-4)
    assert -b / w == pytest.approx(2, rel=1e-4)
    w, b = two_points(10.0)  # both violate theirs: an interval of biases is best
    assert w == pytest.approx(0.2, rel=1e-4)
    assert -b / w == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize("violations", [weston_watkins, one_vs_rest])
def test_boundaries_of_three_points_are_amid_them(violations):
    points = np.array([[0.0], [4.0], [8.0]]), np.arange(3), np.full(3, 1 / 3)
    minimum = solve(points, violations, 3, alpha=100.0, tol=1e-10)
    scores = linear_scores(
        Centered(ArraySource(np.array([[1.9], [6.1]])), np.array([4.0])), minimum.params
    )
    assert scores[0, 0] > scores[0, 2]
    assert scores[1, 2] > scores[1, 0]
    np.testing.assert_allclose(
        scores[0], scores[1][::-1], atol=1e-6
    )  # the image in a mirror


grid = st.integers(-20, 20).map(lambda i: i / 4)


@given(st.lists(st.tuples(grid, st.booleans(), st.integers(0, 3)), min_size=2))
def test_shift_is_the_midpoint_of_the_best(rows):
    s, own, counts = (np.array(column) for column in zip(*rows, strict=True))
    labels = own.astype(int)
    if not counts[own].sum() or not counts[~own].sum():
        return  # one class alone: see below
    sample_weight = counts / counts.sum()
    z = one_vs_rest(1.0)(s[:, None].astype(float), labels).z

    def loss(shift):
        return hinge(one_vs_rest(1.0))(s[:, None] + shift, labels, sample_weight)[0]

    kinks = np.where(own, 1 - s, -1 - s)
    losses = np.array([loss(kink) for kink in kinks])
    best = kinks[losses <= losses.min() + 1e-9]
    shift = center_biases(z, labels, sample_weight, joint=False)
    counted = kinks[(sample_weight > 0) & (losses <= losses.min() + 1e-9)]
    assert loss(shift[0]) <= losses.min() + 1e-12
    assert shift[0] == pytest.approx((counted.min() + counted.max()) / 2)
    assert best.min() <= shift[0] <= best.max()


@given(st.lists(st.tuples(grid, grid, grid), min_size=3, max_size=20))
def test_shift_makes_no_loss_larger(scores):
    scores = np.array(scores)
    labels, sample_weight = (
        np.arange(len(scores)) % 3,
        np.full(len(scores), 1 / len(scores)),
    )
    for violations, joint in ((weston_watkins(1.0), True), (one_vs_rest(1.0), False)):
        before, _ = hinge(violations)(scores, labels, sample_weight)
        z = violations(scores, labels).z
        kept = z.copy()
        shift = center_biases(z, labels, sample_weight, joint=joint)
        np.testing.assert_array_equal(z, kept)
        after, _ = hinge(violations)(scores + shift, labels, sample_weight)
        assert after <= before + 1e-12
        z = violations(scores + shift, labels).z
        again = center_biases(z, labels, sample_weight, joint=joint)
        assert (
            hinge(violations)(scores + shift + again, labels, sample_weight)[0]
            <= after + 1e-12
        )


def test_one_class_alone_stays_where_it_is():
    z, labels, sample_weight = (
        np.array([[-3.0], [-1.0]]),
        np.ones(2, int),
        np.full(2, 0.5),
    )
    assert center_biases(z, labels, sample_weight, joint=False) == 0
    assert center_biases(z, 0 * labels, sample_weight, joint=False) == 0
    one_of_two = np.array([0, 1])
    assert center_biases(z, one_of_two, np.array([0.0, 1]), joint=False) == 0


@pytest.mark.parametrize(("violations", "n_outputs"), KINDS)
@pytest.mark.parametrize("alpha", [0.1, 30.0])
def test_centering_keeps_the_objective(
    points, violations, n_outputs, alpha, monkeypatch
):
    kind = of_kind(points, n_outputs), violations, n_outputs
    centered = solve(*kind, alpha=alpha, tol=1e-8)
    monkeypatch.setattr(module, "center_biases", lambda *_, **__: np.zeros(n_outputs))
    plain = solve(*kind, alpha=alpha, tol=1e-8)
    n_weights = n_outputs * D
    np.testing.assert_array_equal(centered.params[:n_weights], plain.params[:n_weights])
    before, after = (
        objective_of(one.params, *kind, alpha) for one in (plain, centered)
    )
    assert before * (1 - 1e-6) <= after <= before + 1e-12
