"""The objective of linear models: its formula, differences, threads and blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mini_batches import linear_batches
from threadpoolctl import threadpool_limits

from skvision._training import objective as module
from skvision._training.losses import (
    hinge,
    one_vs_rest,
    perceptron,
    sigmoid_cross_entropy,
    sigmoid_curvature,
    softmax_cross_entropy,
    softmax_curvature,
    squared_hinge,
    squared_hinge_curvature,
    weston_watkins,
)
from skvision._training.multipliers import (
    Multiplied,
    smoothed_hinge,
    smoothed_hinge_curvature,
)
from skvision._training.objective import (
    linear_objective,
    linear_scores,
    split_linear,
)
from skvision._training.penalties import elastic_net, l2
from skvision._training.precondition import hessian
from skvision._training.problem import Problem
from skvision._training.sources import ArraySource, Centered

LOSSES = {
    "softmax": (softmax_cross_entropy, 3),
    "sigmoid": (sigmoid_cross_entropy, 1),
    "weston_watkins": (squared_hinge(weston_watkins(1.0)), 3),
    "one_vs_rest": (squared_hinge(one_vs_rest(1.0)), 3),
    "one_vs_rest of 1": (squared_hinge(one_vs_rest(1.0)), 1),
    "hinge": (hinge(weston_watkins(1.0)), 3),
    "perceptron": (perceptron, 3),
}
CURVATURES = {
    "softmax": softmax_curvature,
    "sigmoid": sigmoid_curvature,
    "weston_watkins": squared_hinge_curvature(weston_watkins(1.0)),
    "one_vs_rest": squared_hinge_curvature(one_vs_rest(1.0)),
    "one_vs_rest of 1": squared_hinge_curvature(one_vs_rest(1.0)),
}
N, D = 30, 5


@pytest.fixture(params=LOSSES)
def name(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["centered", "no bias"])
def center(request, rng):
    return rng.normal(size=D) if request.param else None


@pytest.fixture
def X(rng):
    return rng.normal(size=(N, D)) + 1


@pytest.fixture
def sample_weight(rng):
    sample_weight = rng.random(N)
    return sample_weight / sample_weight.sum()


def labels_and_params(n_outputs, center, rng):
    labels = rng.integers(0, max(n_outputs, 2), N)
    return labels, rng.normal(size=n_outputs * (D + (center is not None)))


def test_equals_the_formula(name, X, center, sample_weight, rng, differences):
    loss, k = LOSSES[name]
    labels, params = labels_and_params(k, center, rng)
    objective = linear_objective(
        Centered(ArraySource(X), center),
        labels,
        sample_weight,
        loss=loss,
        penalty=elastic_net(0.3, 0.4),
    )

    def formula(params):
        W = params[: k * D].reshape(k, D)
        scores = X @ W.T if center is None else (X - center) @ W.T + params[k * D :]
        penalty = 0.3 * (0.4 * np.abs(W).sum() + 0.3 * (W**2).sum())
        return loss(scores, labels, sample_weight)[0] + penalty

    value, gradient = objective(params)
    assert value == pytest.approx(formula(params), rel=1e-13)
    assert gradient.dtype == np.float64
    expected = differences(formula, params)
    np.testing.assert_allclose(gradient, expected, atol=1e-8 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_bytes_and_float32_give_what_float64_gives(dtype, sample_weight, rng):
    X, labels = rng.integers(0, 256, (N, D)).astype(dtype), rng.integers(0, 3, N)
    params, center = rng.normal(size=3 * (D + 1)) / 100, np.full(D, 120.0)
    (value, gradient), expected = (
        linear_objective(
            Centered(ArraySource(x), center),
            labels,
            sample_weight,
            loss=softmax_cross_entropy,
            penalty=l2(0.1),
        )(params)
        for x in (X, X.astype(float))
    )
    assert value == pytest.approx(expected[0], rel=1e-6)
    assert gradient.dtype == np.float64
    scale = np.abs(expected[1]).max()
    np.testing.assert_allclose(gradient, expected[1], atol=1e-6 * scale)


def test_large_offsets_keep_their_digits(rng):
    x, labels = rng.normal(size=(400, D)), rng.integers(0, 3, 400)
    X, sample_weight = (1e4 + x).astype(np.float32), np.full(400, 1 / 400)
    center = X.mean(axis=0, dtype=np.float32).astype(float)
    params = rng.normal(size=3 * (D + 1))
    (value, gradient), expected = (
        linear_objective(
            Centered(ArraySource(X), center),
            labels,
            sample_weight,
            loss=softmax_cross_entropy,
            penalty=l2(0.1),
        )(params)
        for X in (X, X.astype(float))
    )
    assert value == pytest.approx(expected[0], rel=1e-6)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_the_number_of_threads_changes_no_bit(dtype, rng):
    X = rng.integers(0, 256, (5000, 400)).astype(dtype)
    labels, sample_weight = rng.integers(0, 3, 5000), rng.random(5000) / 2500
    rows = Centered(ArraySource(X), X.mean(axis=0))
    params = rng.normal(size=3 * 401) / 1000
    results = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            objective = linear_objective(
                rows, labels, sample_weight, loss=softmax_cross_entropy, penalty=l2(0.1)
            )
            results.append(objective(params))
    assert len(X) * 400 > 2 * module.CHUNK_ELEMENTS  # there is work for two
    assert results[0][0] == results[1][0]
    np.testing.assert_array_equal(results[0][1], results[1][1])


@given(
    block_size=st.integers(1, 40), chunk=st.integers(1, 300), n_rows=st.integers(1, N)
)
def test_blocks_change_nothing(block_size, chunk, n_rows):
    rng = np.random.default_rng(0)
    rows = Centered(ArraySource(rng.normal(size=(n_rows, D))), np.ones(D))
    labels, sample_weight = rng.integers(0, 3, n_rows), rng.random(n_rows)
    params = rng.normal(size=3 * (D + 1))
    targets = Multiplied(labels, rng.random((n_rows, 3)))

    def cut(self, n_bytes=0):
        for start in range(0, len(self), block_size):
            yield slice(start, min(start + block_size, len(self)))

    def result():
        return linear_objective(
            rows,
            targets,
            sample_weight,
            loss=smoothed_hinge(one_vs_rest(1.0), 0.5),
            penalty=l2(0.1),
        )(params)

    value, gradient = result()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Centered, "blocks", cut)
        patch.setattr(module, "CHUNK_ELEMENTS", chunk)
        in_blocks = result()
    assert in_blocks[0] == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(in_blocks[1], gradient, rtol=1e-10, atol=1e-13)


def test_bytes_are_never_copied_whole(rng, peak_of):
    X, labels = (
        rng.integers(0, 256, (60_000, 200), np.uint8),
        rng.integers(0, 3, 60_000),
    )
    objective = linear_objective(
        Centered(ArraySource(X), np.full(200, 128.0)),
        labels,
        np.full(60_000, 1 / 60_000),
        loss=softmax_cross_entropy,
        penalty=l2(0.1),
    )
    start = np.zeros(3 * 201)
    assert peak_of(lambda: objective(start)) < X.nbytes


def test_center_is_a_choice_of_coordinates(X, sample_weight, rng):
    here, there = (
        linear_objective(
            Centered(ArraySource(X), c),
            np.arange(N) % 3,
            sample_weight,
            loss=softmax_cross_entropy,
            penalty=l2(0.1),
        )
        for c in (np.zeros(D), np.full(D, 3.0))
    )
    params = rng.normal(size=3 * (D + 1))
    moved = params.copy()
    W, b = split_linear(moved, D, fit_intercept=True)
    b += W @ np.full(D, 3.0)
    assert there(moved)[0] == pytest.approx(here(params)[0], rel=1e-13)


def test_penalty_leaves_biases_alone(X, sample_weight):
    objective = linear_objective(
        Centered(ArraySource(X), np.zeros(D)),
        np.arange(N) % 3,
        sample_weight,
        loss=softmax_cross_entropy,
        penalty=l2(10.0),
    )
    biases = np.zeros(3 * (D + 1))
    biases[3 * D :] = 1  # the same for all classes: no loss, and no penalty
    assert objective(biases)[0] == pytest.approx(np.log(3))


def test_params_stay_as_they_are(X, center, sample_weight, rng):
    labels, params = labels_and_params(3, center, rng)
    before = params.copy()
    linear_objective(
        Centered(ArraySource(X), center),
        labels,
        sample_weight,
        loss=softmax_cross_entropy,
        penalty=l2(1.0),
    )(params)
    np.testing.assert_array_equal(params, before)


@pytest.mark.parametrize("curved", CURVATURES)
def test_hessian_equals_differences(curved, X, center, sample_weight, rng, differences):
    loss, k = LOSSES[curved]
    labels, params = labels_and_params(k, center, rng)
    rows = Centered(ArraySource(X), center)
    problem = Problem(
        rows, labels, sample_weight, loss, CURVATURES[curved], 0.0, 0.3, k, False
    )
    matrix = hessian(problem, problem.at(params))
    objective = linear_objective(
        rows, labels, sample_weight, loss=loss, penalty=l2(0.3)
    )
    expected = differences(lambda p: objective(p)[1], params, 1e-6)
    np.testing.assert_allclose(matrix, expected, atol=1e-6)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-15)
    product, _ = problem.hessian_product(problem.at(params), params)
    np.testing.assert_allclose(product, matrix @ params, atol=1e-12)


@pytest.mark.parametrize("violations", [weston_watkins(1.0), one_vs_rest(1.0)])
def test_hessian_of_the_smoothed_hinge(
    violations, X, center, sample_weight, rng, differences
):
    labels, params = labels_and_params(3, center, rng)
    targets = Multiplied(labels, rng.random((N, 3)))
    rows, wide = Centered(ArraySource(X), center), 20.0
    loss = smoothed_hinge(violations, wide)
    curvature = smoothed_hinge_curvature(violations, wide)
    problem = Problem(rows, targets, sample_weight, loss, curvature, 0.0, 0.3, 3, False)
    matrix = hessian(problem, problem.at(params))
    objective = linear_objective(
        rows,
        targets,
        sample_weight,
        loss=smoothed_hinge(violations, wide),
        penalty=l2(0.3),
    )
    expected = differences(lambda p: objective(p)[1], params, 1e-6)
    np.testing.assert_allclose(matrix, expected, atol=1e-6)


@pytest.mark.parametrize("batch_size", [5, 7, 30])
def test_batches_average_to_the_whole(name, batch_size, X, center, sample_weight, rng):
    loss, k = LOSSES[name]
    labels, params = labels_and_params(k, center, rng)
    rows, penalty = Centered(ArraySource(X), center), elastic_net(0.3, 0.4)
    of_batch = linear_batches(
        rows, labels, N * sample_weight, loss=loss, penalty=penalty
    )
    value, gradient = linear_objective(
        rows, labels, sample_weight, loss=loss, penalty=penalty
    )(params)
    order = rng.permutation(N)
    batches = [order[i : i + batch_size] for i in range(0, N, batch_size)]
    parts = [of_batch(params, batch) for batch in batches]
    counts = np.array([len(batch) for batch in batches]) / N
    assert counts @ [part[0] for part in parts] == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(counts @ [p[1] for p in parts], gradient, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_batches_are_computed_in_the_dtype_of_the_rows(name, dtype, rng):
    loss, k = LOSSES[name]
    X, center = rng.integers(0, 3, (N, D)).astype(dtype), np.ones(D)
    labels, params = labels_and_params(k, center, rng)
    index = np.array([3, 0, 7, 7])
    (value, gradient), expected = (
        linear_batches(
            Centered(ArraySource(x), center),
            labels,
            np.ones(N),
            loss=loss,
            penalty=l2(0.1),
        )(params.astype(Centered(ArraySource(x)).dtype), index)
        for x in (X, X.astype(float))
    )
    assert gradient.dtype == np.float32
    assert value == pytest.approx(expected[0], rel=1e-5)
    np.testing.assert_allclose(gradient, expected[1], atol=1e-5)


def test_split_gives_views():
    params = np.zeros(8)
    W, b = split_linear(params, 3, fit_intercept=True)
    W[1, 0], b[1] = 1, 2
    assert params.tolist() == [0, 0, 0, 1, 0, 0, 0, 2]
    W, b = split_linear(params, 4, fit_intercept=False)
    assert W.shape == (2, 4)
    assert b.size == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_scores_of_the_cat(dtype):
    pixels = np.array([[56, 231, 24, 2]], dtype)
    cat = np.array([0.2, -0.5, 0.1, 2.0, 1.1])
    scores = linear_scores(Centered(ArraySource(pixels), np.zeros(4)), cat)
    assert scores == pytest.approx(-96.8, rel=1e-7)
    folded = np.concatenate([pixels, np.ones((1, 1), dtype)], axis=1)
    assert linear_scores(Centered(ArraySource(folded)), cat) == pytest.approx(
        -96.8, rel=1e-7
    )


FOUR_PIXELS = [56.0, 231, 24, 2]
THREE_CLASSES = [[0.2, -0.5, 0.1, 2.0], [1.5, 1.3, 2.1, 0], [0, 0.25, 0.2, -0.3]]
HOUSES = [[2104.0], [1416], [1534], [852]]  # square feet


@pytest.mark.parametrize(
    ("rows", "W", "b", "scores"),
    [
        ([FOUR_PIXELS], THREE_CLASSES, [1.1, 3.2, -1.2], [[-96.8, 437.9, 60.75]]),
        ([[1.0, 5]], [[1, 3], [4, 0], [2, 1]], [0, 0, 0], [[16, 4, 7]]),
        (
            HOUSES,
            [[0.25], [0.1], [0.4]],
            [-40, 200, -150],
            [
                [486, 410.4, 691.6],
                [314, 341.6, 416.4],
                [343.5, 353.4, 463.6],
                [173, 285.2, 190.8],
            ],
        ),
    ],
    ids=["three classes", "three rows of weights", "prices of houses"],
)
def test_scores_by_hand(rows, W, b, scores):
    params = np.concatenate([np.ravel(W), b]).astype(float)
    rows = Centered(ArraySource(np.array(rows)), np.zeros(len(rows[0])))
    np.testing.assert_allclose(linear_scores(rows, params), scores, rtol=1e-12)


def test_the_unit_circle_is_linear_in_squares(rng):
    """Weights -1, 0, 0, 1, 1 of 1, x1, x2 and their squares."""
    points = rng.uniform(-2, 2, (50, 2))
    rows = Centered(ArraySource(np.column_stack([points, points**2])), np.zeros(4))
    inside = linear_scores(rows, np.array([0.0, 0, 1, 1, -1]))[:, 0] < 0
    np.testing.assert_array_equal(inside, np.hypot(*points.T) < 1)
    assert 0 < inside.sum() < 50
