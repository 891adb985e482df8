"""The mini-batch loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mini_batches import linear_batches, minimize_in_batches

from skvision._training.losses import perceptron, softmax_cross_entropy
from skvision._training.minimize import batches
from skvision._training.objective import linear_objective
from skvision._training.optimizers import adam, sgd
from skvision._training.penalties import l2
from skvision._training.schedules import (
    NO_HISTORY,
    constant,
    exponential,
    on_plateau,
)
from skvision._training.sources import ArraySource, Centered


class Recorder:
    """An objective that remembers what it was asked, with a slope of one."""

    def __init__(self, values=lambda n_calls: 1.0, interrupt_at=None):
        self.values, self.interrupt_at = values, interrupt_at
        self.indices, self.params = [], []

    def __call__(self, params, index):
        if len(self.indices) == self.interrupt_at:
            raise KeyboardInterrupt
        self.indices.append(index.tolist())
        self.params.append(params.copy())
        return self.values(len(self.indices) - 1), np.ones_like(params)


def run(objective, n_rows=12, *, params=None, optimizer=None, rows=None, **options):
    """Minimize with plain gradient steps unless other options are given."""
    params = np.zeros(2) if params is None else params
    optimizer = sgd(0) if optimizer is None else optimizer
    defaults = {"schedule": constant(0.1), "batch_size": 4, "max_iter": 3}
    rows = np.arange(n_rows) if rows is None else rows
    return minimize_in_batches(
        objective, params, rows, optimizer=optimizer, **defaults | options
    )


@given(st.integers(1, 60), st.integers(1, 70))
def test_batches_have_each_row_once_in_order(n, batch_size):
    order = np.arange(n)[::-1]
    cut = batches(order, batch_size)
    np.testing.assert_array_equal(np.concatenate(cut), order)
    sizes = [len(batch) for batch in cut]
    assert all(size == batch_size for size in sizes[:-1])
    assert 1 <= sizes[-1] <= batch_size + 1


def test_a_remainder_of_one_row_joins_the_batch_before():
    assert [len(batch) for batch in batches(np.arange(9), 4)] == [4, 5]
    assert [len(batch) for batch in batches(np.arange(10), 4)] == [4, 4, 2]
    assert [len(batch) for batch in batches(np.arange(8), 4)] == [4, 4]
    assert [len(batch) for batch in batches(np.arange(1), 4)] == [1]


def test_batches_of_one_row_stay_batches_of_one_row():
    assert [batch.tolist() for batch in batches(np.arange(3), 1)] == [[0], [1], [2]]


def test_rows_come_in_their_order_without_rng():
    recorder = Recorder()
    run(recorder, rows=np.array([5, 1, 8, 2, 9, 7]), max_iter=2)
    assert recorder.indices == 2 * [[5, 1, 8, 2], [9, 7]]


def test_each_epoch_has_its_own_order_which_the_seed_gives():
    def indices(seed):
        recorder = Recorder()
        result = run(recorder, 100, rng=np.random.RandomState(seed))
        assert len(result.loss_curve) == 3
        return recorder.indices

    first = indices(0)
    assert first == indices(0)
    assert first != indices(1)
    epochs = np.reshape(first, (3, 100)).tolist()
    assert all(sorted(epoch) == list(range(100)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


def test_steps_are_those_of_the_optimizer_at_the_rates_of_the_schedule():
    recorder, params = Recorder(), np.zeros(2)
    result = run(recorder, params=params, schedule=exponential(1.0, 0.5), max_iter=3)
    assert result.learning_rates == [1.0, 0.5, 0.25]
    np.testing.assert_allclose(result.params, -3 * 1.75)
    np.testing.assert_array_equal(result.params, params)  # changed in place
    np.testing.assert_allclose([p[0] for p in recorder.params[:4]], [0, -1, -2, -3])


def test_epochs_before_count_for_the_schedule():
    before = NO_HISTORY | {"loss": [1.0, 1.0], "learning_rate": [1.0, 0.5]}
    result = run(Recorder(), schedule=exponential(1.0, 0.5), before=before)
    assert result.learning_rates == [0.25, 0.125, 0.0625]


def test_schedule_sees_the_losses_of_the_epochs_before():
    result = run(
        Recorder(), schedule=on_plateau(1.0, patience=2, factor=0.5), max_iter=6
    )
    assert result.learning_rates == [1, 1, 1, 0.5, 0.5, 0.25]


def test_loss_curve_is_the_mean_over_rows():
    recorder = Recorder(values=lambda n_calls: float(n_calls))
    result = run(recorder, 10, max_iter=2)  # batches of 4, 4 and 2
    assert result.loss_curve == [(0 * 4 + 1 * 4 + 2 * 2) / 10, (3 * 4 + 16 + 10) / 10]
    assert result.validation_scores == []


@pytest.mark.parametrize(
    ("losses", "tol", "n_epochs"),
    [
        ([5, 4, 3, 3, 3, 3, 3], 0.0, 5),
        ([5, 4, 3, 2.95, 2.9, 2.85, 2.8], 0.1, 5),
        ([5, 4, 3, 3.5, 2.0, 2, 2], 0.0, 7),
        ([5, 6, 4.99, 1, 1, 1, 1], 0.1, 3),
        ([7, 6, 5, 4, 3, 2, 1], 0.1, 7),
    ],
)
def test_stops_after_two_epochs_without_improvement(losses, tol, n_epochs):
    recorder = Recorder(values=lambda n_calls: float(losses[n_calls]))
    result = run(recorder, 4, tol=tol, n_iter_no_change=2, max_iter=7)
    assert len(result.loss_curve) == n_epochs
    assert len(result.learning_rates) == n_epochs
    still = n_epochs < 7 or losses[-1] == 2
    assert result.converged == still
    assert not result.interrupted


def test_minus_infinity_as_tol_never_stops():
    result = run(Recorder(), tol=-np.inf, n_iter_no_change=1, max_iter=9)
    assert len(result.loss_curve) == 9
    assert not result.converged


def test_on_epoch_is_called_with_the_parameters_and_may_stop():
    iterates = []
    result = run(
        Recorder(),
        max_iter=9,
        on_epoch=lambda params: iterates.append(params.copy()) or len(iterates) == 2,
    )
    assert len(result.loss_curve) == len(iterates) == 2
    assert result.converged
    np.testing.assert_allclose(iterates, [[-0.3, -0.3], [-0.6, -0.6]])


@pytest.mark.parametrize("average_from", [0, 4, 13, 24])
def test_average_of_the_parameters_after_each_step(average_from):
    after = []
    recorder = Recorder()

    def objective(params, index):
        if recorder.indices:
            after.append(params.copy())
        return recorder(params, index)

    params = np.zeros(2)
    result = run(objective, params=params, average_from=average_from)
    after.append(params.copy())
    n_seen = 4 * np.arange(1, 10)
    expected = np.mean(
        [p for p, n in zip(after, n_seen, strict=True) if n > average_from], 0
    )
    np.testing.assert_allclose(result.params, expected, rtol=1e-12)
    assert params[0] == pytest.approx(-0.9)


def test_average_that_never_begins_is_the_last():
    assert run(Recorder(), average_from=10**6).params[0] == pytest.approx(-0.9)


def test_average_in_float32():
    result = run(Recorder(), params=np.zeros(2, np.float32), average_from=0)
    assert result.params.dtype == np.float32
    np.testing.assert_allclose(result.params, -0.5, rtol=1e-6)


def test_parameters_of_the_best_score_are_used():
    scores = iter([0.3, 0.8, 0.5, 0.8, 0.1])
    params = np.zeros(2)
    result = run(Recorder(), params=params, score=lambda p: next(scores), max_iter=5)
    assert result.validation_scores == [0.3, 0.8, 0.5, 0.8, 0.1]
    np.testing.assert_allclose(result.params, -0.6)  # the first of the best
    np.testing.assert_allclose(params, -1.5)


def test_parameters_of_the_best_score_count_even_if_it_is_best_by_little():
    scores = iter([0.3, 0.8, 0.81, 0.7])
    result = run(
        Recorder(),
        score=lambda p: next(scores),
        max_iter=4,
        tol=0.1,
        n_iter_no_change=2,
    )
    assert result.converged
    np.testing.assert_allclose(result.params, -0.9)


def test_scores_decide_when_to_stop():
    scores = iter([0.3, 0.5, 0.5, 0.5, 0.9])
    result = run(  # the loss falls all the while
        Recorder(values=lambda n: -float(n)),
        score=lambda p: next(scores),
        max_iter=5,
        n_iter_no_change=2,
    )
    assert len(result.loss_curve) == len(result.validation_scores) == 4
    assert result.converged


def test_score_is_that_of_the_average():
    seen = []
    result = run(
        Recorder(), average_from=0, score=lambda p: seen.append(p.copy()) or len(seen)
    )
    np.testing.assert_allclose(seen[0], -0.2)
    np.testing.assert_array_equal(result.params, seen[-1])


@pytest.mark.parametrize("average_from", [None, 0])
def test_interrupt_keeps_the_last_whole_epoch(average_from):
    result = run(Recorder(interrupt_at=8), average_from=average_from, max_iter=9)
    whole = run(Recorder(), average_from=average_from, max_iter=2)
    assert result.interrupted
    assert not result.converged
    assert result.loss_curve == whole.loss_curve
    assert len(result.learning_rates) == 2
    np.testing.assert_array_equal(result.params, whole.params)


def test_interrupt_of_the_score_keeps_the_epoch_before():
    scores = iter([0.5, 0.6])

    def score(params):
        for value in scores:
            return value
        raise KeyboardInterrupt

    result = run(Recorder(), score=score, max_iter=9)
    assert result.interrupted
    assert result.validation_scores == [0.5, 0.6]
    assert len(result.loss_curve) == len(result.learning_rates) == 2
    np.testing.assert_allclose(result.params, -0.6)


@pytest.mark.parametrize("n_calls", [0, 2])
def test_interrupt_before_a_whole_epoch_is_passed_on(n_calls):
    with pytest.raises(KeyboardInterrupt):
        run(Recorder(interrupt_at=n_calls))


@pytest.fixture
def problem(rng):
    labels = rng.integers(0, 3, 90)
    X = rng.normal(size=(90, 4)) + labels[:, None]
    return Centered(ArraySource(X), X.mean(axis=0)), labels


def test_comes_close_to_the_minimum_of_the_whole(problem):
    rows, labels = problem
    shared = {"loss": softmax_cross_entropy, "penalty": l2(0.1)}
    result = run(
        linear_batches(rows, labels, np.ones(90), **shared),
        90,
        params=np.zeros(15),
        optimizer=adam(),
        schedule=exponential(0.05, 0.97),
        batch_size=16,
        max_iter=250,
        rng=np.random.RandomState(0),
    )
    whole = linear_objective(rows, labels, np.full(90, 1 / 90), **shared)
    assert np.abs(whole(result.params)[1]).max() < 1e-3


def test_one_batch_of_weights_is_those_rows_repeated(problem):
    rows, labels = problem
    counts = np.arange(90) % 3
    twice = np.repeat(np.arange(90), counts)
    repeated = Centered(ArraySource(rows.source.take(twice)), rows.center)
    options = {
        "optimizer": sgd(),
        "batch_size": 1000,
        "max_iter": 20,
    }
    shared = {"loss": softmax_cross_entropy, "penalty": l2(0.1)}
    here = run(
        linear_batches(rows, labels, counts / counts.mean(), **shared),
        90,
        params=np.zeros(15),
        **options,
    )
    there = run(
        linear_batches(repeated, labels[twice], np.ones(len(twice)), **shared),
        len(twice),
        params=np.zeros(15),
        **options,
    )
    np.testing.assert_allclose(here.params, there.params, atol=1e-12)
    np.testing.assert_allclose(here.loss_curve, there.loss_curve, rtol=1e-12)


@pytest.mark.parametrize(
    ("labels", "params", "mistakes"),
    [
        ([0, 0, 0, 1], [2, 1, -2], [1, 3, 3, 2, 1, 0]),  # AND
        ([0, 1, 1, 1], [1, 1, 0], [1, 2, 1, 0]),  # OR
        ([1, 1, 1, 0], [-2, -1, 3], [2, 3, 3, 2, 1, 0]),  # NAND
        ([0, 1, 1, 0], None, [4] * 20),  # XOR
    ],
)
def test_perceptron_rule_learns_gates(labels, params, mistakes):
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.uint8)
    of_batch = linear_batches(
        Centered(ArraySource(X), np.zeros(2)),
        np.array(labels),
        np.ones(4),
        loss=perceptron,
        penalty=l2(0.0),
    )
    wrong = []

    def counted(params, index):
        value, gradient = of_batch(params, index)
        wrong.append(bool(gradient.any()))
        return value, gradient

    n_epochs = len(mistakes) + 2 * (params is None)
    result = run(
        counted,
        4,
        params=np.zeros(3, np.float32),
        schedule=constant(1.0),
        batch_size=1,
        max_iter=n_epochs,
    )
    of_epochs = np.reshape(wrong, (n_epochs, 4)).sum(axis=1).tolist()
    if params is None:
        assert of_epochs[2:] == mistakes  # from the third epoch on
    else:
        assert of_epochs == mistakes
        assert result.params.tolist() == params


def test_schedule_is_called_with_fractions_of_epochs():
    iterates = []

    def schedule(epoch, history):
        iterates.append((epoch, {name: len(of) for name, of in history.items()}))
        return 1 / (1 + epoch)

    before = {"loss": [2, 2], "validation_score": [], "learning_rate": [9, 9]}
    result = run(Recorder(), 10, schedule=schedule, before=before, max_iter=2)
    epochs, lengths = zip(*iterates, strict=True)
    np.testing.assert_allclose(epochs, [2, 7 / 3, 8 / 3, 3, 10 / 3, 11 / 3])
    assert [of["loss"] for of in lengths] == [2, 2, 2, 3, 3, 3]
    assert [of["learning_rate"] for of in lengths] == [2, 3, 3, 3, 4, 4]
    assert not any(of["validation_score"] for of in lengths)
    assert result.learning_rates == [1 / 3, 1 / 4]  # the first of each epoch
    np.testing.assert_allclose(result.params, -(1 / (1 + np.array(epochs))).sum())


class Counter(Recorder):
    """A recorder that counts its calls in statistics, as running ones change."""

    def __init__(self, **options):
        super().__init__(**options)
        self.statistics = np.full(3, 100.0)

    def __call__(self, params, index):
        result = super().__call__(params, index)
        self.statistics += 1
        return result


def run_counted(counter, **options):
    return run(counter, statistics=counter.statistics, **options)


@pytest.mark.parametrize("average_from", [None, 0])
def test_statistics_are_those_of_the_last_epoch(average_from):
    counter = Counter()
    result = run_counted(counter, average_from=average_from)
    assert result.statistics.tolist() == [109] * 3
    assert not np.shares_memory(result.statistics, counter.statistics)


def test_statistics_are_those_of_the_best_score():
    scores, counter = iter([0.3, 0.8, 0.5, 0.8]), Counter()
    result = run_counted(counter, score=lambda p: next(scores), max_iter=4)
    assert result.statistics.tolist() == [106] * 3
    np.testing.assert_allclose(result.params, -0.6)
    assert counter.statistics.tolist() == [112] * 3


def test_score_sees_the_statistics_of_its_epoch():
    counter, seen = Counter(), []
    run_counted(
        counter, score=lambda p: seen.append(counter.statistics[0]) or len(seen)
    )
    assert seen == [103, 106, 109]


def test_statistics_of_an_interrupt_are_those_of_the_last_whole_epoch():
    result = run_counted(Counter(interrupt_at=8))
    assert result.interrupted
    assert result.statistics.tolist() == [106] * 3


def test_without_statistics_there_are_none():
    assert run(Recorder()).statistics.shape == (0,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("average_from", [None, 0])
@pytest.mark.parametrize(("n_calls", "n_epochs"), [(0, 0), (2, 0), (3, 1), (7, 2)])
def test_divergence_leaves_the_last_whole_epoch(bad, average_from, n_calls, n_epochs):
    options = {"average_from": average_from, "max_iter": 9}
    counter = Counter(values=lambda n: bad if n == n_calls else 1.0)
    result = run_counted(counter, **options, parts=[slice(1)])
    assert result.diverged
    assert not result.converged
    assert not result.interrupted
    assert len(counter.indices) == n_calls + 1  # no step is made from there
    for record in (result.loss_curve, result.learning_rates, result.update_ratios):
        assert len(record) == n_epochs
    if n_epochs == 0:
        np.testing.assert_array_equal(result.params, 0)
    else:
        whole = run(Recorder(), **options | {"max_iter": n_epochs})
        np.testing.assert_array_equal(result.params, whole.params)
    assert result.statistics.tolist() == [100 + 3 * n_epochs] * 3
    assert np.isfinite(result.loss_curve).all()


def test_divergence_leaves_the_best_score():
    scores = iter([0.3, 0.8, 0.5])
    counter = Counter(values=lambda n: np.nan if n == 10 else 1.0)
    result = run_counted(counter, score=lambda p: next(scores), max_iter=9)
    assert result.diverged
    assert result.validation_scores == [0.3, 0.8, 0.5]
    np.testing.assert_allclose(result.params, -0.6)
    assert result.statistics.tolist() == [106] * 3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("n_calls", [2, 5])
def test_parameters_of_the_last_batch_may_diverge(bad, n_calls):
    counter = Counter()

    def objective(params, index):
        value, gradient = counter(params, index)
        if len(counter.indices) == n_calls + 1:
            gradient[1] = bad
        return value, gradient

    scored = []
    result = run(
        objective,
        statistics=counter.statistics,
        max_iter=9,
        score=lambda p: scored.append(p) or len(scored),
    )
    assert result.diverged
    assert len(counter.indices) == n_calls + 1
    n_epochs = n_calls // 3
    assert len(scored) == len(result.loss_curve) == n_epochs
    np.testing.assert_allclose(result.params, -0.3 * n_epochs)
    assert result.statistics.tolist() == [100 + 3 * n_epochs] * 3


def test_what_does_not_diverge_says_so():
    assert not run(Recorder()).diverged


def test_update_ratios_are_the_last_step_over_what_it_moved():
    result = run(
        Recorder(),
        params=np.array([3.2, 4.2, 0.5, 0.0]),
        parts=[slice(0, 2), slice(2, 3)],
        max_iter=2,
    )
    # three steps of 0.1 an epoch, from (3, 4) and 0.3 in the first
    expected = [
        [np.sqrt(0.02) / 5, 1 / 3],
        [np.sqrt(0.02) / np.hypot(2.7, 3.7), np.inf],
    ]
    np.testing.assert_allclose(result.update_ratios[0], expected[0], rtol=1e-12)
    assert result.update_ratios[1][0] == pytest.approx(expected[1][0], rel=1e-12)
    assert result.update_ratios[1][1] > 1e12  # 0.5 - 5 * 0.1 is 0 but for rounding
    assert all(type(ratio) is float for ratio in result.update_ratios[0])


def test_update_ratio_of_zeros_is_infinite():
    result = run(Recorder(), 4, parts=[slice(0, 2)], max_iter=2)
    assert result.update_ratios[0] == [np.inf]
    assert result.update_ratios[1] == pytest.approx([1.0])


def test_update_ratios_of_the_rates_of_the_schedule():
    result = run(
        Recorder(),
        4,
        params=np.array([10.0, 0.0], np.float32),
        parts=[slice(0, 1)],
        schedule=exponential(1.0, 0.5),
    )
    expected = [[1 / 10], [0.5 / 9], [0.25 / 8.5]]
    np.testing.assert_allclose(result.update_ratios, expected, rtol=1e-6)


def test_without_parts_there_are_no_ratios():
    assert run(Recorder()).update_ratios == [[], [], []]


@pytest.mark.parametrize("make", [adam, sgd])
def test_state_is_that_of_the_epoch_that_is_kept(make):
    """Of the best score, or of the last whole epoch before an interrupt."""
    optimizer = make()

    def state_after(n_epochs):
        state = optimizer.init(np.zeros(2))
        run(Recorder(), optimizer=optimizer, state=state, max_iter=n_epochs)
        return state

    scores = iter([0.3, 0.8, 0.5, 0.8])
    best = run(
        Recorder(), optimizer=optimizer, score=lambda p: next(scores), max_iter=4
    )
    cut = run(Recorder(interrupt_at=8), optimizer=optimizer, max_iter=9)
    for result in (best, cut):
        assert result.state.keys() == state_after(2).keys()
        for name, array in state_after(2).items():
            np.testing.assert_array_equal(result.state[name], array)
    assert not best.interrupted
    assert cut.interrupted


def test_losses_of_averages_say_when_to_stop():
    """The objective decreases without end, while the average is as prescribed."""
    values_of_average = iter([5.0, 4.0, 4.0, 4.0])
    result = run(
        Recorder(values=lambda n: -float(n)),
        average_from=12,
        value_of=lambda params: next(values_of_average),
        n_iter_no_change=2,
        max_iter=9,
    )
    assert result.loss_curve == [-1.0, 5.0, 4.0, 4.0, 4.0]  # none in the first epoch
    assert result.converged
