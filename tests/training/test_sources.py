"""Sources of rows: what they return, in which blocks, and at what cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mini_batches import minimize_in_batches

from skvision._layers.dense import Dense
from skvision._layers.dropout import Dropout
from skvision._layers.network import Network
from skvision._layers.sequential import Sequential
from skvision._training.linear import minimize_linear
from skvision._training.losses import softmax_cross_entropy, softmax_curvature
from skvision._training.moments import learn_standard, weighted_mean
from skvision._training.network import batch_objective, network_outputs
from skvision._training.optimizers import sgd
from skvision._training.penalties import l2
from skvision._training.problem import Problem
from skvision._training.schedules import constant
from skvision._training.sources import (
    NETWORK_BYTES,
    ArraySource,
    Augmented,
    Centered,
    Source,
    Standardized,
)
from skvision._training.standard import Standard

DTYPES = [np.uint8, np.float32, np.float64]
N, D = 40, 6
TOL = {"f": 1e-5, "d": 1e-13, "B": 1e-5}


@pytest.fixture(params=DTYPES)
def X(request, rng):
    return rng.uniform(0, 255, (N, D)).astype(request.param)


@pytest.fixture
def sample_weight(rng):
    sample_weight = rng.random(N)
    return sample_weight / sample_weight.sum()


# Centered


@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize("index", [slice(3, 20), slice(None), np.array([4, 0, 4, 39])])
def test_rows_are_cast_and_centered(X, centered, index, rng):
    center = rng.normal(size=D) if centered else None
    rows = Centered(ArraySource(X), center)
    read_rows = rows.take(index)
    expected = X[index].astype(float) - (center if centered else 0)
    assert (len(rows), rows.n_features) == X.shape
    assert read_rows.dtype == rows.dtype
    assert read_rows.dtype == (np.float64 if X.dtype == np.float64 else np.float32)
    tol = 1e-14 if X.dtype == np.float64 else 1e-6
    np.testing.assert_allclose(read_rows, expected, rtol=tol, atol=256 * tol)


def test_bytes_below_the_center_become_negative():
    rows = Centered(ArraySource(np.array([[3]], np.uint8)), np.array([5.5]))
    assert rows.take(slice(None))[0, 0] == -2.5


def test_rows_may_be_read_only_and_strided(X, rng):
    strided = np.repeat(X, 2, axis=0)[::2]
    strided.flags.writeable = False
    center = rng.normal(size=D)
    for part in (slice(0, 9), np.array([1, 5])):
        np.testing.assert_array_equal(
            Centered(ArraySource(strided), center).take(part),
            Centered(ArraySource(X), center).take(part),
        )


@given(st.integers(0, 500), st.integers(1, 300), st.integers(1, 10**5))
def test_blocks_cover_each_row_once(n, d, n_bytes):
    rows = Centered(ArraySource(np.empty((n, d), np.uint8)))
    blocks = list(rows.blocks(n_bytes))
    covered = [i for block in blocks for i in range(block.start, block.stop)]
    assert covered == list(range(n))
    for block in blocks:
        size = block.stop - block.start
        assert size <= 16 or size * d * 4 <= n_bytes


def test_memory_mapped_rows_stay_in_their_file(tmp_path, rng, peak_of):
    path = tmp_path / "rows.npy"
    X = rng.normal(size=(20_000, 64)).astype(np.float32)
    np.save(path, X)
    sample_weight = np.full(20_000, 1 / 20_000)
    mapped = np.load(path, mmap_mode="r")
    rows = Centered(ArraySource(mapped))
    assert np.shares_memory(rows.take(slice(5, 90)), mapped)
    assert peak_of(lambda: weighted_mean(rows, sample_weight)) < X.nbytes / 2
    np.testing.assert_allclose(
        weighted_mean(rows, sample_weight), X.mean(axis=0), atol=1e-6
    )
    center = X[:50].mean(axis=0)
    centered = Centered(ArraySource(mapped), center)
    assert type(centered.source.take(slice(5, 90))) is np.memmap
    np.testing.assert_array_equal(centered.take(slice(5, 90)), X[5:90] - center)


# Standardized

INDICES = [
    slice(3, 20),
    slice(None),
    slice(0, 0),
    slice(None, None, -3),
    np.array([4, 0, 4, 39]),
    np.array([5, 2], np.int32),
    np.array([], int),
]


def standardized(X, standard, index):
    return (X[index].astype(float) - standard.mean) / standard.deviation


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_rows_that_are_read_are_standardized(X, sample_weight, index):
    standard = learn_standard(ArraySource(X), sample_weight, None)
    read_rows = Standardized(ArraySource(X), standard).take(index)
    assert read_rows.dtype == Standardized(ArraySource(X), standard).dtype
    assert read_rows.dtype == (np.float64 if X.dtype == np.float64 else np.float32)
    assert read_rows.flags.c_contiguous
    expected = standardized(X, standard, index)
    rtol = TOL[X.dtype.char]
    np.testing.assert_allclose(read_rows, expected, rtol=rtol, atol=rtol)


def test_all_rows_have_mean_zero_and_deviation_one(X):
    read_rows = Standardized(
        ArraySource(X), learn_standard(ArraySource(X), np.full(N, 1 / N), None)
    ).take(slice(None))
    np.testing.assert_allclose(read_rows.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(read_rows.std(axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_without_a_standard_rows_are_cast_alone(X, index):
    read_rows = Standardized(ArraySource(X)).take(index)
    assert read_rows.dtype == Standardized(ArraySource(X)).dtype
    np.testing.assert_array_equal(read_rows, X[index])


@pytest.mark.parametrize("layout", ["F", "strided", "reversed", "read-only"])
def test_layouts(layout, X, sample_weight):
    standard = learn_standard(ArraySource(X), sample_weight, 3)
    given = {
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "reversed": X[::-1].copy()[::-1],
        "read-only": X.copy(),
    }[layout]
    given.flags.writeable = layout != "read-only"
    of_layout, rtol = learn_standard(ArraySource(given), sample_weight, 3), 1e-13
    np.testing.assert_allclose(of_layout.mean, standard.mean, rtol=rtol)
    np.testing.assert_allclose(of_layout.deviation, standard.deviation, rtol=rtol)
    for kept in (standard, None):
        for index in INDICES:
            np.testing.assert_array_equal(
                Standardized(ArraySource(given), kept).take(index),
                Standardized(ArraySource(X), kept).take(index),
            )


def test_memory_mapped_rows(tmp_path, X, sample_weight):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    standard = learn_standard(ArraySource(mapped), sample_weight, None)
    for index in INDICES:
        read_rows = Standardized(ArraySource(mapped), standard).take(index)
        assert type(read_rows) is np.ndarray
        np.testing.assert_array_equal(
            read_rows, Standardized(ArraySource(X), standard).take(index)
        )
        read_rows = Standardized(ArraySource(mapped)).take(index)
        np.testing.assert_array_equal(read_rows, X[index])


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(1, 50), st.sampled_from(DTYPES))
def test_blocks_of_inputs_cover_each_row_once(n, d, dtype):
    inputs = Standardized(ArraySource(np.empty((n, d), dtype)))
    blocks = list(inputs.blocks(5000))
    covered = [i for block in blocks for i in range(block.start, block.stop)]
    assert covered == list(range(n))
    for block in blocks:
        size = block.stop - block.start
        assert size <= 16 or size * d * inputs.dtype.itemsize <= 5000


def test_bytes_are_never_copied_whole(rng, peak_of):
    X = rng.integers(0, 256, (20_000, 1024), np.uint8)
    standard = Standard(np.full(1024, 127.0), np.full(1024, 60.0))
    inputs = Standardized(ArraySource(X), standard)
    batch = rng.permutation(len(X))[:128]
    inputs.take(batch)  # compiles

    def read_all():
        for block in inputs.blocks():
            inputs.take(block)

    assert peak_of(lambda: inputs.take(batch)) < 2 * 128 * 1024 * 5
    assert peak_of(read_all) < 2.5 * NETWORK_BYTES < X.nbytes


# Augmented


class Shift:
    """An augmentation that adds one, and notes what it is given."""

    def __init__(self):
        self.given = []

    def __call__(self, rows, rng):
        self.given.append((rows.copy(), rng))
        return rows + rows.dtype.type(1)


@pytest.mark.parametrize("with_standard", [True, False])
def test_rows_are_augmented_before_they_are_standardized(with_standard, rng):
    X = rng.integers(0, 255, (N, D), np.uint8)
    standard = None
    if with_standard:
        standard = learn_standard(ArraySource(X), np.full(N, 1 / N), None)
    shift, index = Shift(), np.array([7, 3])
    augmented = Augmented(ArraySource(X), shift, rng)
    assert (augmented.shape, augmented.dtype) == (X.shape, X.dtype)
    np.testing.assert_array_equal(
        Standardized(augmented, standard).take(index),
        Standardized(ArraySource(X + np.uint8(1)), standard).take(index),
    )
    (rows, used), *others = shift.given
    assert not others
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows, X[index])
    assert used is rng


@pytest.mark.parametrize("index", [np.array([7, 3]), slice(3, 9)], ids=str)
def test_augmentation_of_a_batch_may_be_in_place(index, rng):
    X = rng.integers(0, 255, (N, D), np.uint8)

    def spoil(rows, rng):
        rows += np.uint8(1)
        return rows

    before = X.copy()
    read_rows = Standardized(Augmented(ArraySource(X), spoil, rng)).take(index)
    np.testing.assert_array_equal(read_rows, before[index] + 1.0)
    np.testing.assert_array_equal(X, before)


def test_rows_stay_as_they_are(X, sample_weight):
    before = X.copy()
    source = ArraySource(X)
    Standardized(source, learn_standard(source, sample_weight, 3)).take(slice(None))
    np.testing.assert_array_equal(X, before)


# Sources of other kinds


class Files(Source):
    """Rows in files of their own, such as images."""

    def __init__(self, folder, X):
        self.paths, self.read = [folder / f"{i}.npy" for i in range(len(X))], []
        for path, row in zip(self.paths, X, strict=True):
            np.save(path, row)

    shape = property(lambda self: (len(self.paths), len(np.load(self.paths[0]))))
    dtype = property(lambda self: np.load(self.paths[0]).dtype)

    def take(self, index):
        chosen = np.arange(len(self.paths))[index]
        self.read.extend(chosen)
        return np.array([np.load(self.paths[i]) for i in chosen])


@pytest.fixture
def both(tmp_path, X):
    """The same rows as an array and as files."""
    return ArraySource(X), Files(tmp_path, X)


def test_a_source_is_its_shape_its_dtype_and_its_rows(both):
    array, files = both
    assert (files.shape, files.dtype, len(files)) == (array.shape, array.dtype, N)
    for source in both:
        for index in (slice(3, 20), np.array([4, 0, 4])):
            rows, positions = source.locate(index)
            np.testing.assert_array_equal(rows[positions], array.take(index))
    with pytest.raises(TypeError, match="abstract"):
        type("Incomplete", (Source,), {"take": Files.take})()


def test_statistics_of_files_are_those_of_the_array(both, sample_weight):
    sample_weight[::3] = 0
    sample_weight /= sample_weight.sum()
    array, files = (learn_standard(source, sample_weight, 3) for source in both)
    np.testing.assert_array_equal(array.mean, files.mean)
    np.testing.assert_array_equal(array.deviation, files.deviation)
    means = (weighted_mean(Centered(source), sample_weight) for source in both)
    np.testing.assert_array_equal(*means)
    assert set(both[1].read) == set(np.flatnonzero(sample_weight))


def test_linear_solution_of_files_is_that_of_the_array(both, sample_weight):
    labels = np.arange(N) % 3
    center = weighted_mean(Centered(both[0]), sample_weight)
    array, files = (
        minimize_linear(
            Problem(
                Centered(source, center),
                labels,
                sample_weight,
                loss=softmax_cross_entropy,
                curvature=softmax_curvature,
                l1=0.0,
                l2=1.0,
                n_outputs=3,
                joint=True,
            ),
            np.zeros(3 * (D + 1)),
            max_iter=50,
            tol=1e-4,
        )
        for source in both
    )
    np.testing.assert_array_equal(array.params, files.params)
    assert array.params.any()


def test_network_of_files_is_that_of_the_array(both, sample_weight):
    net, params = Network(Sequential(Dense(4), Dropout(0.2), Dense(3)), (D,)), []
    for source in both:
        rng = np.random.default_rng(0)
        standard = learn_standard(source, sample_weight, None)
        shifted = Augmented(source, lambda rows, rng: rows + rows.dtype.type(1), rng)
        inputs, statistics = Standardized(shifted, standard), np.empty(0)
        start = net.start(rng)[0].astype(inputs.dtype)
        objective = batch_objective(
            net,
            statistics,
            inputs,
            np.arange(N) % 3,
            N * sample_weight,
            loss=softmax_cross_entropy,
            penalty=l2(0.1),
            rng=rng,
        )
        result = minimize_in_batches(
            objective,
            start,
            np.arange(N),
            optimizer=sgd(),
            schedule=constant(0.1),
            batch_size=9,
            max_iter=4,
            rng=rng,
        )
        plain = Standardized(source, standard)
        scores = network_outputs(net, result.params, statistics, plain)
        params.append((result.params, scores))
    for array, files in zip(*params, strict=True):
        np.testing.assert_array_equal(array, files)
