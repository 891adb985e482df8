"""Layers: torch, central differences, dtypes, shapes of arrays."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from layers.cases import (
    CASES,
    NOTHING,
    D,
    N,
    all_of,
    draw_arrays,
    forward,
    in_training,
    run,
)

from skvision._layers.layer import Training
from skvision._layers.network import Network
from skvision.inspection import gradient_check

ELEMENTWISE = [
    "identity",
    "relu",
    "leaky_relu",
    "elu",
    "tanh",
    "sigmoid",
    "dropout",
]
IMAGE = (4, 3, 2)
OF_IMAGES = [*ELEMENTWISE, "batch_norm", "dense", "dense without bias"]


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def output_shape(case, n_rows, input_shape=(D,)):
    return (n_rows, *case.layer.shape(input_shape))


def run_torch(formula, params, buffers, x, training, d_y):
    """Do the same in torch; buffers are changed in place as well."""
    x, *params = (torch.tensor(a, requires_grad=True) for a in (x, *params))
    y = formula(x, params, [torch.from_numpy(b) for b in buffers], training is not None)
    y.backward(torch.from_numpy(d_y))
    return y.detach(), x.grad, [p.grad for p in params]


def assert_equal_torch(case, x, training, rng):
    net = Network(case.layer, x.shape[1:])
    params, statistics = draw_arrays(case.layer, x.shape[1:], rng)
    before = net.arrays(params, statistics.copy())
    variables, theirs = all_of(before, "params"), all_of(before, "buffers")
    d_y = rng.normal(size=output_shape(case, len(x), x.shape[1:]))
    expected = run_torch(case.formula, variables, theirs, x, training, d_y)
    for array in (x, d_y, params):  # none of them is written to
        array.flags.writeable = False
    y, d_x, gradient = run(case.layer, params, statistics, x, training, d_y)
    after = net.arrays(gradient, statistics)
    for ours, of_torch in zip(
        (y, d_x, *all_of(after, "params"), *all_of(after, "buffers")),
        (*expected[:2], *expected[2], *theirs),
        strict=True,
    ):
        assert ours.shape == of_torch.shape
        np.testing.assert_allclose(ours, of_torch, rtol=1e-10, atol=1e-10)


TRAINING = pytest.mark.parametrize(
    "training", [None, in_training()], ids=["predict", "train"]
)


@TRAINING
def test_values_gradients_and_statistics_equal_torch(case, training, rng):
    assert_equal_torch(case, rng.normal(size=(N, D)), training, rng)


@TRAINING
@pytest.mark.parametrize("name", OF_IMAGES)
def test_values_gradients_and_statistics_of_images_equal_torch(name, training, rng):
    assert_equal_torch(CASES[name], rng.normal(size=(N, *IMAGE)), training, rng)


@settings(deadline=None, max_examples=25)
@given(
    name=st.sampled_from(list(CASES)),
    n=st.integers(2, 9),
    d=st.integers(1, 9),
    trains=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_shape_equals_torch(name, n, d, trains, seed):
    rng = np.random.default_rng(seed)
    training = in_training() if trains else None
    assert_equal_torch(CASES[name], rng.normal(size=(n, d)), training, rng)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_kinks_and_far_ends_equal_torch(name, rng):
    x = np.array([[0.0, -0.0, 1e4, -1e4, 700, -700, 1e-9, -1e-9, 37, -37]])
    assert_equal_torch(CASES[name], x, None, rng)
    y, _, _ = run(CASES[name].layer, NOTHING, NOTHING, x.astype(np.float32), None, x)
    assert np.isfinite(y).all()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_nan_is_not_hidden(name):
    y = forward(CASES[name].layer, NOTHING, NOTHING, np.full((1, 2), np.nan), None)
    assert np.isnan(y).all()


def of_one_vector(layer, statistics, shape, training, d_y):
    """Return ``flat -> (value, gradient)``, flat being the input and all params."""
    size = np.prod(shape)

    def function(flat):
        x, params = flat[:size].reshape(shape), flat[size:]
        y, d_x, gradient = run(layer, params, statistics.copy(), x, training, d_y)
        return float(np.sum(y * d_y)), np.concatenate([d_x.ravel(), gradient])

    return function


def assert_gradients_equal_differences(case, x, training, rng):
    params, statistics = draw_arrays(case.layer, x.shape[1:], rng)
    d_y = rng.normal(size=output_shape(case, len(x), x.shape[1:]))
    function = of_one_vector(case.layer, statistics, x.shape, training, d_y)
    flat = np.concatenate([x.ravel(), params])
    check = gradient_check(function, flat, n_coordinates=None)
    assert check.passed, check
    assert not check.is_kink.any()


MODES = pytest.mark.parametrize("mode", ["predict", "train", "unequal weights"])


def training_of(mode, rng):
    weights = 3 * rng.random(N) * (np.arange(N) != 2)  # one of them zero
    return {
        "predict": None,
        "train": in_training(),
        "unequal weights": in_training(weights),
    }[mode]


@MODES
def test_gradients_equal_differences(case, mode, rng):
    training = training_of(mode, rng)
    assert_gradients_equal_differences(case, rng.normal(size=(N, D)), training, rng)


@MODES
@pytest.mark.parametrize("name", OF_IMAGES)
def test_gradients_of_images_equal_differences(name, mode, rng):
    training, x = training_of(mode, rng), rng.normal(size=(N, *IMAGE))
    assert_gradients_equal_differences(CASES[name], x, training, rng)


def test_float32_stays_float32(case, rng):
    params, statistics = draw_arrays(case.layer, (D,), rng)
    x, d_y = rng.normal(size=(N, D)), rng.normal(size=output_shape(case, N))
    weights = rng.random(N)
    for training in (None, Training(np.random.default_rng(0), weights)):
        exact = run(case.layer, params, statistics.copy(), x, training, d_y)
        if training is not None:
            training = training._replace(weights=weights.astype(np.float32))
        of_32 = statistics.astype(np.float32)
        got = run(
            case.layer,
            params.astype(np.float32),
            of_32,
            x.astype(np.float32),
            training,
            d_y.astype(np.float32),
        )
        for ours, expected in zip(got, exact, strict=True):
            assert ours.dtype == np.float32
            np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4)
        assert of_32.dtype == np.float32


def test_float32_without_weights(case, rng):
    params, statistics = (
        vector.astype(np.float32) for vector in draw_arrays(case.layer, (D,), rng)
    )
    x = rng.normal(size=(N, D)).astype(np.float32)
    d_y = np.ones(output_shape(case, N), np.float32)
    y, d_x, _ = run(case.layer, params, statistics, x, in_training(), d_y)
    assert y.dtype == d_x.dtype == np.float32


def test_a_gradient_has_the_shape_of_its_variable(case, rng):
    params, statistics = draw_arrays(case.layer, (D,), rng)
    x, d_y = rng.normal(size=(1, D)), np.ones(output_shape(case, 1))
    y, d_x, _ = run(case.layer, params, statistics, x, None, d_y)
    assert y.shape == output_shape(case, 1)
    assert d_x.shape == x.shape


def test_jacobian_of_relu_is_diagonal(rng):
    x, relu = rng.normal(size=(1, 9)), CASES["relu"].layer
    rows = [run(relu, NOTHING, NOTHING, x, None, e[None])[1][0] for e in np.eye(9)]
    np.testing.assert_array_equal(rows, np.diag((x[0] > 0).astype(float)))
    assert 0 < np.sum(rows) < 9


def test_jacobian_of_relu_is_never_built(peak_of, rng):
    x, relu = rng.normal(size=(1, 4096)), CASES["relu"].layer
    peak = peak_of(lambda: run(relu, NOTHING, NOTHING, x, None, x))
    assert peak < 10 * x.nbytes
