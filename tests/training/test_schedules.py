"""Schedules: worked examples, and each against torch and scikit-learn."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier
from torch.optim import lr_scheduler

from skvision._training.schedules import (
    NO_HISTORY,
    constant,
    cosine,
    exponential,
    inverse_scaling,
    on_plateau,
    one_cycle,
    step,
)

N_EPOCHS = 12


def rates(schedule, losses):
    """Return the rate of each epoch, the last after all losses."""
    return [
        schedule(epoch, NO_HISTORY | {"loss": losses[:epoch]})
        for epoch in range(len(losses) + 1)
    ]


def rates_of_torch(Scheduler, losses, **options):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.3)
    scheduler = Scheduler(optimizer, **options)
    result = [0.3]
    for loss in losses:
        optimizer.step()
        on_losses = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
        scheduler.step(*[loss] * on_losses)
        result.append(optimizer.param_groups[0]["lr"])
    return result


@pytest.mark.parametrize(
    ("ours", "Torchs", "options"),
    [
        (constant(0.3), lr_scheduler.ConstantLR, {"factor": 1}),
        (step(0.3, 5), lr_scheduler.StepLR, {"step_size": 5}),
        (step(0.3, 1, 0.5), lr_scheduler.StepLR, {"step_size": 1, "gamma": 0.5}),
        (exponential(0.3, 0.9), lr_scheduler.ExponentialLR, {"gamma": 0.9}),
        (cosine(0.3, N_EPOCHS), lr_scheduler.CosineAnnealingLR, {"T_max": N_EPOCHS}),
    ],
)
def test_same_rates_as_torch(ours, Torchs, options):
    losses = [1.0] * N_EPOCHS
    expected = rates_of_torch(Torchs, losses, **options)
    np.testing.assert_allclose(rates(ours, losses), expected, rtol=1e-12, atol=1e-15)


def test_cosine_stays_at_zero():
    schedule = cosine(0.3, 10)
    assert schedule(9, NO_HISTORY) > 0
    assert schedule(10, NO_HISTORY) == schedule(15, NO_HISTORY) == 0


def test_inverse_scaling():
    expected = 0.3 / np.sqrt(np.arange(1, N_EPOCHS + 2))
    np.testing.assert_allclose(
        rates(inverse_scaling(0.3), [1.0] * N_EPOCHS), expected, rtol=1e-14
    )
    assert rates(inverse_scaling(0.3, 0), [1.0] * 3) == [0.3] * 4


@pytest.mark.parametrize("patience", [1, 2, 5])
def test_on_plateau_as_torch(patience, rng):
    """Whose own patience is that of the epochs that it lets pass."""
    losses = list(rng.integers(0, 100, 200) * 0.98 ** np.arange(200))
    ours = rates(on_plateau(0.3, patience, tol=0.0), losses)
    expected = rates_of_torch(
        lr_scheduler.ReduceLROnPlateau,
        losses,
        patience=patience - 1,
        factor=0.2,
        threshold=0,
        threshold_mode="abs",
        eps=0,
    )
    assert len(set(ours)) > 3
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_on_plateau_as_scikit_learn(rng):
    X, y = rng.normal(size=(60, 4)), rng.integers(0, 2, 60)
    model = MLPClassifier(
        (5,),
        solver="sgd",
        learning_rate="adaptive",
        learning_rate_init=0.5,
        tol=0.005,
        n_iter_no_change=3,
        max_iter=35,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has not converged
        model.fit(X, y)
    ours = on_plateau(0.5, patience=4, tol=0.005)(
        35, NO_HISTORY | {"loss": model.loss_curve_}
    )
    assert 1e-5 < ours < 0.5
    assert ours == pytest.approx(model._optimizer.learning_rate, rel=1e-12)


def test_on_plateau_counts_small_gains_against_the_least_loss():
    schedule = on_plateau(1.0, patience=2, factor=0.5, tol=0.1)
    assert rates(schedule, [1.0, 0.95, 0.9]) == [1, 1, 1, 0.5]
    assert rates(schedule, [1.0, 0.95, 0.8, 0.75]) == [1, 1, 1, 1, 1]


def test_on_plateau_falls_on_equal_and_on_undefined_losses():
    schedule = on_plateau(1.0, patience=2, factor=0.5, tol=0.0)
    for bad in (1.0, np.nan, np.inf):
        assert rates(schedule, [1.0, bad, bad, bad, bad]) == [1, 1, 1, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("rise", [0.1, 0.3, 0.75])
@pytest.mark.parametrize("total_steps", [2, 10, 101])
def test_one_cycle_as_torch(rise, total_steps):
    """Whose last step is ``total_steps - 1``, and first phase one step shorter."""
    n_epochs, last = 7, total_steps - 1
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=0.3,
        total_steps=total_steps,
        pct_start=(rise * last + 1) / total_steps,
        cycle_momentum=False,
    )
    expected = [optimizer.param_groups[0]["lr"]]
    for _ in range(last):
        optimizer.step()
        scheduler.step()
        expected.append(optimizer.param_groups[0]["lr"])
    schedule = one_cycle(0.3, n_epochs, rise)
    ours = [schedule(step * n_epochs / last, NO_HISTORY) for step in range(total_steps)]
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-17)


def test_one_cycle_rises_and_falls_between_its_bounds():
    schedule = one_cycle(0.3, 10, rise=0.4)
    epochs = np.linspace(0, 10, 1001)
    ours = np.array([schedule(epoch, NO_HISTORY) for epoch in epochs])
    assert ours[0] == pytest.approx(0.3 / 25, rel=1e-12)
    assert schedule(4.0, NO_HISTORY) == pytest.approx(0.3, rel=1e-12)
    assert ours[-1] == pytest.approx(0.3 / 250_000, rel=1e-12)
    assert ours.argmax() == 400
    assert (np.diff(ours[:401]) > 0).all()
    assert (np.diff(ours[400:]) < 0).all()
    assert np.abs(np.diff(ours)).max() < 0.3 * np.pi / 2 / 400  # it never jumps


def test_one_cycle_stays_at_its_least():
    schedule = one_cycle(0.3, 10)
    last = schedule(10, NO_HISTORY)
    assert schedule(10.5, NO_HISTORY) == schedule(99, NO_HISTORY) == last
    assert schedule(9.99, NO_HISTORY) > last > 0
