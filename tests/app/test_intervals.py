"""Intervals: those of the papers, and they contain the truth."""

import numpy as np
import pytest

from skvision._app.intervals import (
    accuracy_interval,
    difference_interval,
    wilson_interval,
)

ALONE = np.arange


def test_wilson_interval():
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998."""
    for n_correct, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        assert wilson_interval(n_correct, n) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(20, 20) == pytest.approx((1 - 0.1611, 1.0), abs=5e-5)


def test_difference_interval_is_that_of_bonett_and_price(rng):
    right, other = rng.random((2, 80)) < [[0.8], [0.6]]
    p10 = (np.sum(right & ~other) + 1) / 82
    p01 = (np.sum(other & ~right) + 1) / 82
    width = 1.959964 * np.sqrt((p10 + p01 - (p10 - p01) ** 2) / 82)
    low, high = difference_interval(right, other, ALONE(80))
    assert (low, high) == pytest.approx((p10 - p01 - width, p10 - p01 + width))
    back = difference_interval(other, right, ALONE(80))
    assert back == pytest.approx((-high, -low))


def test_accuracy_interval_is_that_of_agresti_and_coull():
    share = 9 / 14  # 7 of 10, and 2 of 4
    width = 1.959964 * np.sqrt(share * (1 - share) / 14)
    low, high = accuracy_interval(ALONE(10) < 7, ALONE(10))
    assert (low, high) == pytest.approx((share - width, share + width))
    assert accuracy_interval(np.ones(10, bool), ALONE(10))[1] == 1
    assert accuracy_interval(np.zeros(10, bool), ALONE(10))[0] == 0


@pytest.mark.parametrize("times", [2, 7])
def test_copies_within_a_part_add_nothing_to_what_is_known(rng, times):
    right, other = rng.random((2, 50)) < [[0.8], [0.6]]
    parts = rng.permutation(50)
    one = difference_interval(right, other, parts)
    many = (np.repeat(values, times) for values in (right, other, parts))
    assert difference_interval(*many) == pytest.approx(one)
    many = (np.repeat(values, times) for values in (right, parts))
    assert accuracy_interval(*many) == pytest.approx(accuracy_interval(right, parts))


@pytest.mark.parametrize(
    "n_parts, size, likeness", [(50, 1, 0), (400, 1, 0), (40, 5, 0.5), (60, 4, 1)]
)
@pytest.mark.parametrize("p10, p01", [(0.25, 0.15), (0.1, 0.1)])
def test_intervals_hold_the_truth(rng, n_parts, size, likeness, p10, p01):
    """In 95 of 100 cases, or some more; images of a part are alike or not."""
    n_draws, shape = 500, (n_parts, size)
    parts = np.repeat(ALONE(n_parts), size)
    n_held = n_held_difference = 0
    for _ in range(n_draws):
        shared = np.broadcast_to(rng.random((n_parts, 1)), shape)
        where = rng.random((n_parts, 1)) < likeness
        draw = np.where(where, shared, rng.random(shape)).ravel()
        right, other = draw < p10 + 0.5, (draw >= p10) & (draw < p10 + 0.5 + p01)
        low, high = difference_interval(right, other, parts)
        n_held_difference += low <= p10 - p01 <= high
        low, high = accuracy_interval(right, parts)
        n_held += low <= p10 + 0.5 <= high
    for held in (n_held, n_held_difference):
        assert held / n_draws > 0.92  # three standard errors below 0.95
