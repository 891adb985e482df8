"""Inputs: what rows are standardized by, what is read_rows, and at what cost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skvision._training import inputs as module
from skvision._training.inputs import Inputs
from skvision._training.standard import Standard, learn_standard

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


def moments(X, sample_weight, n_channels=None):
    """Return mean and deviation of columns, by NumPy alone."""
    values = X.astype(float).reshape(len(X), -1, n_channels or X.shape[1])
    weights = np.broadcast_to(sample_weight[:, None, None], values.shape)
    mean = np.average(values, axis=(0, 1), weights=weights)
    variance = np.average((values - mean) ** 2, axis=(0, 1), weights=weights)
    times = X.shape[1] // len(mean)
    return np.tile(mean, times), np.tile(np.sqrt(variance), times)


def assert_standard(standard, mean, deviation, rtol):
    for ours, expected in ((standard.mean, mean), (standard.deviation, deviation)):
        assert ours.dtype == np.float64
        np.testing.assert_allclose(ours, expected, rtol=rtol)


# learn_standard


@pytest.mark.parametrize("n_channels", [None, 1, 2, 3, 6])
def test_mean_and_deviation_are_those_of_numpy(X, sample_weight, n_channels):
    expected = moments(X, sample_weight, n_channels)
    standard = learn_standard(X, sample_weight, n_channels)
    assert_standard(standard, *expected, TOL[X.dtype.char])


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(1, 40),
    n_pixels=st.integers(1, 9),
    n_channels=st.integers(1, 4),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 99),
)
def test_any_shape(n, n_pixels, n_channels, dtype, seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 256, (n, n_pixels * n_channels)).astype(dtype)
    sample_weight = np.full(n, 1 / n)
    for of_channels in (None, n_channels):
        mean, deviation = moments(X, sample_weight, of_channels)
        deviation[deviation < 1e-9] = 1
        standard = learn_standard(X, sample_weight, of_channels)
        np.testing.assert_allclose(standard.mean, mean, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(standard.deviation, deviation, rtol=1e-5)


def test_rows_of_weight_zero_are_left_out(X, sample_weight):
    sample_weight[::3] = 0
    sample_weight /= sample_weight.sum()
    counted = sample_weight > 0
    for n_channels in (None, 2):
        ours = learn_standard(X, sample_weight, n_channels)
        alone = learn_standard(X[counted], sample_weight[counted], n_channels)
        rtol = TOL[X.dtype.char]
        assert_standard(ours, alone.mean, alone.deviation, rtol)


def test_a_weight_of_two_is_the_row_twice(X):
    counts = np.arange(N) % 3
    twice = learn_standard(
        np.repeat(X, counts, axis=0), np.full(counts.sum(), 1 / counts.sum()), 3
    )
    ours = learn_standard(X, counts / counts.sum(), 3)
    assert_standard(ours, twice.mean, twice.deviation, TOL[X.dtype.char])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [0, 1, 77, 254.7, 255])
def test_columns_that_do_not_vary_have_a_deviation_of_one(
    dtype, value, sample_weight, rng
):
    X = rng.uniform(0, 255, (N, D)).astype(dtype)
    X[:, [1, 4]] = np.array(value).astype(dtype)
    standard = learn_standard(X, sample_weight, None)
    assert standard.deviation[[1, 4]].tolist() == [1, 1]
    assert (standard.deviation[[0, 2, 3, 5]] > 10).all()
    standard = learn_standard(X, sample_weight, 3)  # 1 and 4 are one channel
    assert standard.deviation[[1, 4]].tolist() == [1, 1]
    read_rows = Inputs(X, standard).read(slice(None))
    np.testing.assert_allclose(read_rows[:, [1, 4]], 0, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("value", [1, 200, 251])
@pytest.mark.parametrize(("n", "d"), [(1000, 2), (5000, 8), (10_000, 64)])
def test_many_rows_that_do_not_vary(n, d, value, dtype):
    X = np.full((n, d), value, dtype)
    standard = learn_standard(X, np.full(n, 1 / n), None)
    assert (standard.deviation == 1).all()
    np.testing.assert_allclose(standard.mean, value, rtol=1e-6)


def test_a_column_that_varies_little_is_scaled_nevertheless():
    X = np.full((10_000, 2), 200, np.uint8)
    X[7, 1] = 201
    standard = learn_standard(X, np.full(len(X), 1e-4), None)
    assert standard.deviation[0] == 1
    assert standard.deviation[1] == pytest.approx(0.01, rel=1e-3)


def test_channels_that_differ_from_pixel_to_pixel_only_vary():
    X = np.tile(np.array([0.0, 5, 2, 5]), (3, 1))  # the first channel: 0 and 2
    standard = learn_standard(X, np.full(3, 1 / 3), 2)
    np.testing.assert_allclose(standard.mean, [1, 5, 1, 5])
    np.testing.assert_allclose(standard.deviation, 1)


@pytest.mark.parametrize(
    ("dtype", "offset", "rtol"), [(np.float32, 1e4, 1e-3), (np.float64, 1e8, 1e-6)]
)
@pytest.mark.parametrize("n_channels", [None, 3])
def test_large_offsets_keep_their_digits(dtype, offset, rtol, n_channels, rng):
    X = (offset + rng.normal(size=(4000, D))).astype(dtype)
    sample_weight = np.full(4000, 1 / 4000)
    mean, deviation = moments(X, sample_weight, n_channels)
    standard = learn_standard(X, sample_weight, n_channels)
    np.testing.assert_allclose(standard.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(standard.deviation, deviation, rtol=rtol)


# Inputs.read

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
    standard = learn_standard(X, sample_weight, None)
    read_rows = Inputs(X, standard).read(index)
    assert read_rows.dtype == Inputs(X, standard).dtype
    assert read_rows.dtype == (np.float64 if X.dtype == np.float64 else np.float32)
    assert read_rows.flags.c_contiguous
    expected = standardized(X, standard, index)
    rtol = TOL[X.dtype.char]
    np.testing.assert_allclose(read_rows, expected, rtol=rtol, atol=rtol)


def test_all_rows_have_mean_zero_and_deviation_one(X):
    read_rows = Inputs(X, learn_standard(X, np.full(N, 1 / N), None)).read(slice(None))
    np.testing.assert_allclose(read_rows.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(read_rows.std(axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_without_a_standard_rows_are_cast_alone(X, index):
    read_rows = Inputs(X, None).read(index)
    assert read_rows.dtype == Inputs(X, None).dtype
    np.testing.assert_array_equal(read_rows, X[index])


@pytest.mark.parametrize("layout", ["F", "strided", "reversed", "read-only"])
def test_layouts(layout, X, sample_weight):
    standard = learn_standard(X, sample_weight, 3)
    given = {
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "reversed": X[::-1].copy()[::-1],
        "read-only": X.copy(),
    }[layout]
    given.flags.writeable = layout != "read-only"
    of_layout = learn_standard(given, sample_weight, 3)
    assert_standard(of_layout, standard.mean, standard.deviation, TOL[X.dtype.char])
    for kept in (standard, None):
        for index in INDICES:
            np.testing.assert_array_equal(
                Inputs(given, kept).read(index), Inputs(X, kept).read(index)
            )


def test_memory_mapped_rows(tmp_path, X, sample_weight):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    standard = learn_standard(mapped, sample_weight, None)
    for index in INDICES:
        read_rows = Inputs(mapped, standard).read(index)
        assert type(read_rows) is np.ndarray
        np.testing.assert_array_equal(read_rows, Inputs(X, standard).read(index))
        read_rows = Inputs(mapped, None).read(index)
        np.testing.assert_array_equal(read_rows, X[index])


class Shift:
    """An augmentation that adds one, and notes what it is given."""

    def __init__(self):
        self.given = []

    def __call__(self, rows, rng):
        self.given.append((rows.copy(), rng))
        return rows + rows.dtype.type(1)


@pytest.mark.parametrize("with_standard", [True, False])
def test_augmentation_is_of_training_alone(with_standard, rng):
    X = rng.integers(0, 255, (N, D), np.uint8)
    standard = learn_standard(X, np.full(N, 1 / N), None) if with_standard else None
    shift, index = Shift(), np.array([7, 3])
    plain, augmented = Inputs(X, standard), Inputs(X, standard, shift)
    np.testing.assert_array_equal(augmented.read(index), plain.read(index))
    assert not shift.given
    np.testing.assert_array_equal(
        augmented.read(index, rng), Inputs(X + np.uint8(1), standard).read(index)
    )
    (rows, used), *others = shift.given
    assert not others
    assert rows.dtype == np.uint8  # before they are standardized
    np.testing.assert_array_equal(rows, X[index])
    assert used is rng
    np.testing.assert_array_equal(plain.read(index, rng), plain.read(index))


def test_augmentation_of_a_batch_may_be_in_place(rng):
    X = rng.integers(0, 255, (N, D), np.uint8)

    def spoil(rows, rng):
        rows += np.uint8(1)
        return rows

    before, index = X.copy(), np.array([7, 3])
    read_rows = Inputs(X, None, spoil).read(index, rng)
    np.testing.assert_array_equal(read_rows, before[index] + 1.0)
    np.testing.assert_array_equal(X, before)


def test_rows_stay_as_they_are(X, sample_weight):
    before = X.copy()
    Inputs(X, learn_standard(X, sample_weight, 3)).read(slice(None))
    np.testing.assert_array_equal(X, before)


# blocks


@settings(deadline=None)
@given(st.integers(0, 200), st.integers(1, 50), st.sampled_from(DTYPES))
def test_blocks_cover_each_row_once(n, d, dtype):
    inputs = Inputs(np.empty((n, d), dtype), None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", 5000)
        blocks = list(inputs.blocks())
    covered = [i for block in blocks for i in range(block.start, block.stop)]
    assert covered == list(range(n))
    for block in blocks:
        size = block.stop - block.start
        assert size <= 16 or size * d * inputs.dtype.itemsize <= 5000


def test_bytes_are_never_copied_whole(rng, peak_of):
    X = rng.integers(0, 256, (20_000, 1024), np.uint8)
    sample_weight = np.full(len(X), 1 / len(X))
    assert peak_of(lambda: learn_standard(X, sample_weight, 4)) < X.nbytes / 3
    inputs = Inputs(X, Standard(np.full(1024, 127.0), np.full(1024, 60.0)))
    batch = rng.permutation(len(X))[:128]
    inputs.read(batch)  # compiles

    def read_all():
        for block in inputs.blocks():
            inputs.read(block)

    assert peak_of(lambda: inputs.read(batch)) < 2 * 128 * 1024 * 5
    assert peak_of(read_all) < 2.5 * module.BLOCK_BYTES < X.nbytes
