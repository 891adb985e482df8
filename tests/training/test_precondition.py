"""The curvature of the rows: it equals the inverse that it stands for."""

import numpy as np
import pytest

from skvision._training import precondition as module
from skvision._training.class_inverses import _Part, _solve_dense, class_inverses
from skvision._training.losses import sigmoid_cross_entropy, sigmoid_curvature
from skvision._training.precondition import (
    cholesky_inverse,
    curvature_inverse,
    gram_matrix,
    hessian,
    hessian_inverse,
    inverse,
)
from skvision._training.problem import Problem
from skvision._training.sources import ArraySource, Centered


def weights_of(n, rng, *, some_zero=False):
    sample_weight = rng.random(n)
    if some_zero:
        sample_weight[::3] = 0
    return sample_weight / sample_weight.sum()


def direct(rows, sample_weight, alpha):
    """Return G + s I."""
    x = rows.take(slice(None)).astype(float)
    gram = (x * sample_weight[:, None]).T @ x
    least = module.SMALLEST[rows.dtype] * np.trace(gram) / len(gram)
    shift = max(alpha, least) or 1.0
    return gram + shift * np.eye(len(gram))


def as_matrix(rows, sample_weight, alpha):
    """Return the matrix by which it multiplies each row of W."""
    return inverse(rows, sample_weight, alpha)(np.eye(rows.n_features))


@pytest.mark.parametrize(("n", "d"), [(60, 12), (12, 12), (12, 40), (1, 5), (5, 1)])
@pytest.mark.parametrize("alpha", [0.0, 1e-3, 10.0])
@pytest.mark.parametrize("some_zero", [False, True])
def test_equals_the_direct_inverse(n, d, alpha, some_zero, rng):
    X, sample_weight = (
        rng.normal(size=(n, d)),
        weights_of(n, rng, some_zero=some_zero and n > 1),
    )
    rows = Centered(
        ArraySource(X), np.average(X, axis=0, weights=sample_weight) if n > 1 else None
    )
    M = as_matrix(rows, sample_weight, alpha=alpha)
    np.testing.assert_allclose(
        M @ direct(rows, sample_weight, alpha), np.eye(d), atol=1e-7 if alpha else 1e-5
    )
    np.testing.assert_allclose(M, M.T, atol=1e-9 * np.abs(M).max())


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize(("n", "d"), [(60, 12), (12, 40)])
def test_bytes_and_float32(dtype, n, d, rng):
    X, sample_weight = rng.integers(0, 256, (n, d)).astype(dtype), weights_of(n, rng)
    rows = Centered(ArraySource(X), X.mean(axis=0))
    M = as_matrix(rows, sample_weight, alpha=1.0)
    exact = Centered(
        ArraySource(X.astype(float)), rows.center.astype(np.float32).astype(float)
    )
    np.testing.assert_allclose(
        M @ direct(exact, sample_weight, 1.0), np.eye(d), atol=2e-2
    )


@pytest.mark.parametrize("n", [60, 6])
@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_constant_columns(n, alpha, rng):
    X, sample_weight = rng.normal(size=(n, 10)), weights_of(n, rng)
    X[:, ::2] = 3
    rows = Centered(ArraySource(X), np.average(X, axis=0, weights=sample_weight))
    M = as_matrix(rows, sample_weight, alpha=alpha)
    np.testing.assert_allclose(
        M @ direct(rows, sample_weight, alpha), np.eye(10), atol=1e-7
    )


@pytest.mark.parametrize("n", [30, 3])
def test_rows_all_alike_leave_the_gradient_as_it_is(n):
    rows, sample_weight = (
        Centered(ArraySource(np.full((n, 8), 7, np.uint8)), np.full(8, 7.0)),
        np.full(n, 1 / n),
    )
    apply = inverse(rows, sample_weight, 0.0)
    np.testing.assert_array_equal(apply(np.arange(8.0)[None]), np.arange(8.0)[None])


@pytest.mark.parametrize("make", [curvature_inverse, class_inverses, hessian_inverse])
@pytest.mark.parametrize("bias", [True, False])
def test_equal_the_inverse_of_the_hessian_of_one_class(make, bias, rng):
    X, labels = rng.normal(size=(50, 6)), rng.integers(0, 2, 50)
    rows = Centered(ArraySource(X), X.mean(axis=0) if bias else None)
    problem = Problem(
        rows,
        labels,
        weights_of(50, rng),
        sigmoid_cross_entropy,
        sigmoid_curvature,
        l1=0.0,
        l2=0.1,
        n_outputs=1,
        joint=False,
    )
    here = problem.at(rng.normal(size=6 + bias))
    precondition = make(problem, here)
    M = np.array([precondition(unit) for unit in np.eye(6 + bias)])
    # rows that bend next to nothing count a millionth of the mean
    np.testing.assert_allclose(M @ hessian(problem, here), np.eye(6 + bias), atol=1e-4)
    np.testing.assert_allclose(M, M.T, atol=1e-9 * np.abs(M).max())


@pytest.mark.parametrize("exact_features", [1024, 10])
def test_by_samples_or_by_features(exact_features, monkeypatch, rng):
    """The (n, n) matrix and the (d, d) matrix give the same map."""
    X, sample_weight = rng.normal(size=(12, 50)), weights_of(12, rng)
    rows, gradient = Centered(ArraySource(X), X.mean(axis=0)), rng.normal(size=50)
    by_samples = inverse(rows, sample_weight, 0.1)(gradient[None])[0]
    monkeypatch.setattr(module, "MAX_SAMPLES", 10)
    monkeypatch.setattr(module, "EXACT_FEATURES", exact_features)
    by_features = inverse(rows, sample_weight, 0.1)(gradient[None])[0]
    rtol = 1e-10 if exact_features > 50 else 1e-3
    assert not np.array_equal(by_samples, by_features)
    np.testing.assert_allclose(by_features, by_samples, rtol=rtol, atol=rtol)


def copied_columns(n_copies, rng):
    """Return rows of columns that are all there several times, and sample_weight."""
    X = np.tile(100 * rng.normal(size=(900, 8)).astype(np.float32), n_copies)
    return Centered(ArraySource(X), X.mean(axis=0)), np.full(900, 1 / 900)


@pytest.mark.parametrize("n_copies", [2, 40])
def test_copied_columns_in_float64(n_copies, rng):
    rows, sample_weight = copied_columns(n_copies, rng)
    M = as_matrix(rows, sample_weight, alpha=0.0)
    np.testing.assert_allclose(M, M.T, atol=1e-7 * np.abs(M).max())
    assert np.linalg.eigvalsh(M).min() > 0
    product = M @ direct(rows, sample_weight, 0.0)
    np.testing.assert_allclose(product, np.eye(len(M)), atol=1e-4)


@pytest.mark.parametrize("n_copies", [2, 40])
def test_copied_columns_in_float32(n_copies, monkeypatch, rng):
    """A matrix that rounding leaves indefinite is shifted until it is not."""
    monkeypatch.setattr(module, "EXACT_FEATURES", 10)
    rows, sample_weight = copied_columns(n_copies, rng)
    M = as_matrix(rows, sample_weight, alpha=0.0)
    size = np.abs(M).max()
    np.testing.assert_allclose(M, M.T, atol=1e-3 * size)
    assert np.linalg.eigvalsh(M + M.T).min() > -1e-5 * size


def test_another_try_when_the_factor_fails(monkeypatch, rng):
    X, sample_weight = rng.normal(size=(60, 12)).astype(np.float32), weights_of(60, rng)
    rows, shifts = Centered(ArraySource(X), X.mean(axis=0)), []
    factorize = module.lapack.dpotrf

    def failing(gram, **options):
        shifts.append(gram[0, 0])
        factor, failed = factorize(gram, **options)
        return factor, failed or len(shifts) < 4

    gram = gram_matrix(rows, sample_weight, np.float64)
    monkeypatch.setattr(module.lapack, "dpotrf", failing)
    M = as_matrix(rows, sample_weight, alpha=1e-3)
    np.testing.assert_allclose(np.array(shifts) - gram[0, 0], [1e-3, 1e-2, 0.1, 1])
    np.testing.assert_allclose(
        M @ direct(rows, sample_weight, 1.0), np.eye(12), atol=1e-6
    )


def test_what_overflows_leaves_the_gradient_as_it_is(monkeypatch, rng):
    monkeypatch.setattr(module, "EXACT_FEATURES", 10)  # so that it is in float32
    rows = Centered(ArraySource(1e25 * rng.normal(size=(60, 12)).astype(np.float32)))
    with np.errstate(over="ignore", invalid="ignore"):
        apply = inverse(rows, np.full(60, 1 / 60), 1.0)
    np.testing.assert_array_equal(apply(np.arange(12.0)), np.arange(12.0))


@pytest.fixture
def wide(monkeypatch, rng):
    """Return rows of which neither side fits: a sample stands for them."""
    for name, value in {"MAX_FEATURES": 20, "MAX_SAMPLES": 20, "SAMPLE": 40}.items():
        monkeypatch.setattr(module, name, value)
    X = rng.normal(size=(400, 60)) @ np.diag(np.geomspace(1, 1e-3, 60))
    return Centered(ArraySource(X), X.mean(axis=0)), weights_of(400, rng)


def test_sample_is_symmetric_and_positive_definite(wide):
    for alpha in (0.0, 1e-3, 10.0):
        M = as_matrix(*wide, alpha=alpha)
        np.testing.assert_allclose(M, M.T, atol=1e-12 * np.abs(M).max())
        assert np.linalg.eigvalsh(M).min() > 0


def test_sample_is_the_inverse_of_evenly_spaced_rows(wide):
    rows, sample_weight = wide
    index = np.linspace(0, 399, 40).astype(int)
    few, of_few = (
        Centered(ArraySource(rows.source.take(index)), rows.center),
        sample_weight[index] / sample_weight[index].sum(),
    )
    x = few.take(slice(None))
    shift = of_few @ (x**2).sum(axis=1) / 40
    M = as_matrix(rows, sample_weight, alpha=0.0)
    expected = direct(few, of_few, shift)
    np.testing.assert_allclose(M @ expected, np.eye(60), atol=1e-8)


def test_sample_of_rows_that_count_nothing(wide):
    rows, _ = wide
    sample_weight = np.zeros(400)
    sample_weight[1] = 1  # not one of the sample
    M = as_matrix(rows, sample_weight, alpha=0.1)
    assert np.isfinite(M).all()
    assert np.linalg.eigvalsh(M).min() > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("block_bytes", [1, 2**23])
def test_gram_matrix_from_blocks(dtype, block_bytes, monkeypatch, rng):
    monkeypatch.setattr(module, "GRAM_BYTES", block_bytes)
    X, sample_weight = rng.integers(0, 256, (300, 9), np.uint8), weights_of(300, rng)
    rows = Centered(ArraySource(X), X.mean(axis=0))
    gram = gram_matrix(rows, sample_weight, dtype)
    x = X - rows.center
    expected = np.tril((x * sample_weight[:, None]).T @ x)
    assert gram.dtype == dtype
    assert gram.flags.f_contiguous
    np.testing.assert_allclose(np.tril(gram), expected, atol=1e-5 * expected.max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gram_matrix_of_bytes_never_copies_them_whole(dtype, monkeypatch, rng, peak_of):
    monkeypatch.setattr(module, "GRAM_BYTES", 2**18)
    X = rng.integers(0, 256, (40_000, 128), np.uint8)
    rows, sample_weight = (
        Centered(ArraySource(X), X.mean(axis=0)),
        np.full(40_000, 1 / 40_000),
    )
    assert peak_of(lambda: gram_matrix(rows, sample_weight, dtype)) < X.nbytes / 2


def test_sketch_of_decaying_eigenvalues_is_close_to_the_inverse(monkeypatch, rng):
    monkeypatch.setattr(module, "EXACT_FEATURES", 0)
    monkeypatch.setattr(module, "RANK", 24)
    n, d, alpha = 300, 60, 0.01
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0]
    X = (rng.standard_normal((n, d)) * 0.7 ** np.arange(d)) @ basis
    rows = Centered(ArraySource(X.astype(np.float32)), np.zeros(d))
    sample_weight = weights_of(n, rng)
    monkeypatch.delattr(module, "_solve_by_features")  # it is not asked
    product = as_matrix(rows, sample_weight, alpha) @ direct(rows, sample_weight, alpha)
    eigenvalues = np.linalg.eigvals(product)
    assert np.abs(eigenvalues.imag).max() < 1e-9
    assert 0.99 < eigenvalues.real.min()
    assert eigenvalues.real.max() < 1.01


def test_sketch_of_few_rows_has_their_rank(monkeypatch, rng):
    monkeypatch.setattr(module, "EXACT_FEATURES", 0)
    monkeypatch.setattr(module, "FEW_SAMPLES", np.inf)
    X = rng.standard_normal((30, 200)).astype(np.float32)
    rows, sample_weight = Centered(ArraySource(X)), weights_of(30, rng)
    monkeypatch.delattr(module, "_solve_by_features")
    product = as_matrix(rows, sample_weight, 0.1) @ direct(rows, sample_weight, 0.1)
    assert np.abs(product - np.eye(200)).max() < 1e-3


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
def test_no_sketch_where_it_leaves_too_much(alpha, monkeypatch, rng):
    monkeypatch.setattr(module, "EXACT_FEATURES", 0)
    X = rng.standard_normal((400, 200)).astype(np.float32)
    rows, sample_weight = Centered(ArraySource(X)), weights_of(400, rng)
    product = as_matrix(rows, sample_weight, alpha) @ direct(rows, sample_weight, alpha)
    assert np.abs(product - np.eye(200)).max() < 1e-2


def test_few_rows_that_are_not_kept(monkeypatch, rng):
    """Blocks are then read again for each product."""
    rows = Centered(ArraySource(rng.normal(size=(8, 50))), rng.normal(size=50))
    sample_weight = weights_of(8, rng)
    expected = as_matrix(rows, sample_weight, 0.1)
    monkeypatch.setattr(module, "KEPT", 0)
    monkeypatch.setattr(module, "GRAM_BYTES", 3 * 50 * 8)
    got = as_matrix(rows, sample_weight, 0.1)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


def test_few_rows_that_overflow_leave_the_gradient_as_it_is(rng):
    rows = Centered(ArraySource(rng.normal(size=(5, 20)) * 1e200), None)
    W = rng.normal(size=(3, 20))
    with np.errstate(over="ignore", invalid="ignore"):
        assert inverse(rows, weights_of(5, rng), 0.1)(W) is W


def test_a_negative_matrix_leaves_the_gradient_as_it_is():
    gradient = np.arange(3.0)
    assert cholesky_inverse(-np.eye(3))(gradient) is gradient


@pytest.mark.parametrize("n", [6, 30])
def test_part_of_one_class_with_more_or_fewer_columns_than_rows(n, rng):
    rows = Centered(ArraySource(rng.normal(size=(n, 20))), None)
    roots, penalty = rng.random(n) + 0.5, rng.random(20) + 0.1
    part = _Part(rows, np.arange(n), np.arange(20))
    solve = _solve_dense(part, roots, penalty, np.ones(20))
    x = rows.take(slice(None)) * roots[:, None]
    gradient = rng.normal(size=20)
    expected = np.linalg.solve(x.T @ x + np.diag(penalty), gradient)
    np.testing.assert_allclose(solve(gradient), expected, rtol=1e-9)
