"""Optimizers: worked examples, and the path of each against torch."""

import pickle

import numpy as np
import pytest
import torch
from scipy.optimize import rosen, rosen_der

from skvision._kernels import updates
from skvision._training.optimizers import adagrad, adam, adamw, rmsprop, sgd

N_PARAMS, N_WEIGHTS, N_STEPS = 8, 5, 50
OURS_AND_TORCHS = {
    "sgd": (sgd(0), 1e-3, torch.optim.SGD, {}),
    "momentum": (sgd(0.9, False), 2e-4, torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (sgd(), 2e-4, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (adagrad(), 0.1, torch.optim.Adagrad, {}),
    "adagrad 1": (adagrad(1.0), 0.1, torch.optim.Adagrad, {"eps": 1.0}),
    "rmsprop": (rmsprop(), 0.01, torch.optim.RMSprop, {}),
    "rmsprop 0.9": (
        rmsprop(0.9, 1e-3),
        0.01,
        torch.optim.RMSprop,
        {"alpha": 0.9, "eps": 1e-3},
    ),
    "adam": (adam(), 0.02, torch.optim.Adam, {}),
    "adam 0.8": (
        adam(0.8, 0.95, 1e-3),
        0.02,
        torch.optim.Adam,
        {"betas": (0.8, 0.95), "eps": 1e-3},
    ),
    "adam with l2": (
        adam(l2=0.3, n_weights=N_WEIGHTS),
        0.02,
        torch.optim.Adam,
        {"weight_decay": 0.3},
    ),
    "adamw": (adamw(0.3, N_WEIGHTS), 0.02, torch.optim.AdamW, {"weight_decay": 0.3}),
}


@pytest.fixture
def start(rng):
    return rng.normal(size=N_PARAMS)


def learning_rate(rate, t):
    """Return a rate that changes, as its place in the formulas shows only then."""
    return rate * (1 if t < 20 else 0.3)


def path(optimizer, rate, start):
    params = start.copy()
    state, steps = optimizer.init(params), []
    for t in range(N_STEPS):
        grads = rosen_der(params).astype(params.dtype)
        optimizer.update(params, grads, state, learning_rate(rate, t))
        steps.append(params.copy())
    return np.array(steps)


def path_of_torch(Optimizer, options, rate, start):
    params = start.copy()
    weights, biases = (
        torch.from_numpy(part) for part in np.split(params, [N_WEIGHTS])
    )  # views of the same numbers
    groups = [{"params": [weights]}, {"params": [biases], "weight_decay": 0}]
    optimizer, steps = Optimizer(groups, lr=rate, **options), []
    for t in range(N_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(rate, t)
        grads = torch.from_numpy(rosen_der(params).astype(params.dtype))
        weights.grad, biases.grad = grads[:N_WEIGHTS], grads[N_WEIGHTS:]
        optimizer.step()
        steps.append(params.copy())
    return np.array(steps)


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("name", OURS_AND_TORCHS)
def test_same_path_as_torch(name, dtype, tol, start):
    optimizer, rate, Torchs, options = OURS_AND_TORCHS[name]
    start = start.astype(dtype)
    ours = path(optimizer, rate, start)
    assert ours.dtype == dtype
    assert rosen(ours[-1]) < 0.7 * rosen(start)
    expected = path_of_torch(Torchs, options, rate, start)
    np.testing.assert_allclose(ours, expected, rtol=tol, atol=tol)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_first_step_of_adam_is_as_long_as_the_learning_rate(scale):
    grads = scale * np.array([1.0, -2.0, 0.5])
    optimizer, params = adam(), np.zeros(3)
    optimizer.update(params, grads, optimizer.init(params), 0.01)
    np.testing.assert_allclose(params, -0.01 * np.sign(grads), rtol=1e-4)


def test_first_step_of_adam_without_bias_correction():
    params, mean, mean_square = np.zeros((3, 1))
    late = 10**6  # nothing is left to correct
    grads = np.array([7.0])
    constants = updates.AdamConstants(0.9, 0.999, 1e-8, 0.0, 0.0, 0)
    updates.adam(params, grads, mean, mean_square, late, 0.01, constants)
    assert params[0] / -0.01 == pytest.approx(3.1623, abs=5e-5)


@pytest.mark.parametrize(
    ("nesterovs_momentum", "positions"),
    [
        (False, [0.8, 0.46, 0.062, -0.3086]),
        (True, [0.8, 0.496, 0.17792, -0.0866816]),
    ],
)
def test_momentum_on_a_parabola(nesterovs_momentum, positions):
    """The square of x from 1, at a rate of 0.1 and a momentum of 0.9.

    Nesterov's momentum is printed with the gradient taken ahead of the position. The
    parameters here are the places ahead: position = parameters + 0.1 * 0.9 * velocity.
    """
    optimizer, params = sgd(0.9, nesterovs_momentum), np.ones(1)
    state, got = optimizer.init(params), []
    for _ in positions:
        optimizer.update(params, 2 * params, state, 0.1)
        ahead = 0.1 * 0.9 * state["velocity"] if nesterovs_momentum else 0
        got.append(float((params + ahead)[0]))
    np.testing.assert_allclose(got, positions, rtol=1e-12)


def test_momentum_makes_steps_longer():
    """A constant gradient ends in steps 1 / (1 - momentum) as long."""
    params, grads = np.zeros(1), np.ones(1)
    for optimizer in (sgd(0.9, False), sgd(0.9, True)):
        state = optimizer.init(params)
        for _ in range(400):
            before = params.copy()
            optimizer.update(params, grads, state, 0.01)
        assert before - params == pytest.approx(0.1, rel=1e-9)


def test_without_momentum_nothing_is_remembered():
    assert sgd(0).init(np.zeros(3)) == {}


@pytest.mark.parametrize("name", OURS_AND_TORCHS)
def test_state_can_be_saved(name, start):
    optimizer, rate, _, _ = OURS_AND_TORCHS[name]
    whole, params = start.copy(), start.copy()
    state = optimizer.init(whole)
    assert all(type(value) is np.ndarray for value in state.values())
    for _ in range(4):
        optimizer.update(whole, rosen_der(whole), state, rate)
    state = optimizer.init(params)
    for _ in range(4):
        optimizer.update(params, rosen_der(params), state, rate)
        state = pickle.loads(pickle.dumps(state))
    np.testing.assert_array_equal(params, whole)
