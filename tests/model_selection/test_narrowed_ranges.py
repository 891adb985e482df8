"""Ranges of a coarse-to-fine search: how they shrink, move and widen."""

import numpy as np
import pandas as pd
import pytest
from peaks import search_peak
from scipy import stats
from scipy.stats import loguniform, norm, randint, uniform
from sklearn.linear_model import Ridge

from skvision.model_selection._narrowing import as_spaces, describe, narrowed_spaces


def narrowed_space(distributions, best):
    whole = as_spaces([distributions])
    return narrowed_spaces(whole, whole, best)[0]


def ends_of(distribution, values):
    best = [{"p": value} for value in values]
    return narrowed_space({"p": distribution}, best)["p"].bounds()


def test_a_uniform_range_shrinks_to_its_best_and_a_tenth_of_its_width():
    # the best from 4 to 5 in a range from 2 to 12: a margin of 1 on both sides
    np.testing.assert_allclose(ends_of(uniform(2, 10), [4.5, 4, 5]), (3, 6))
    # and no further than the user's range
    np.testing.assert_allclose(ends_of(uniform(2, 10), [2.5, 11.5]), (2, 12))


def test_a_log_uniform_range_shrinks_by_its_logarithm():
    # ten decades: a margin of one
    np.testing.assert_allclose(
        ends_of(loguniform(1e-8, 1e2), [1e-3, 1e-2]), (1e-4, 0.1)
    )


def test_a_range_of_whole_numbers_shrinks_to_whole_numbers():
    # 0 to 99: 30 to 39 are the quantiles from 0.3 to 0.4, with margins 0.2 to 0.5
    low, high = ends_of(randint(0, 100), [30, 39])
    assert (low, high) == (19, 49)  # 19 ends where 20 begins
    space = narrowed_space({"p": randint(0, 100)}, [{"p": 30}, {"p": 39}])
    rng = np.random.RandomState(0)
    drawn = [space["p"].rvs(rng) for _ in range(500)]
    assert all(type(value) is int for value in drawn)
    assert set(drawn) == set(range(20, 50))


def test_a_discrete_range_of_other_numbers_keeps_them():
    tenths = stats.rv_discrete(values=([0.1, 0.2, 0.5], [0.25, 0.25, 0.5]))()
    space = narrowed_space({"p": tenths}, [{"p": 0.1}])
    rng = np.random.RandomState(0)
    assert {space["p"].rvs(rng) for _ in range(50)} == {0.1, 0.2}


def test_any_distribution_shrinks_by_its_quantiles():
    low, high = ends_of(norm(3, 2), norm(3, 2).ppf([0.4, 0.5]))
    np.testing.assert_allclose((low, high), norm(3, 2).ppf([0.3, 0.6]))


def test_choices_are_those_of_the_best():
    whole = as_spaces([{"p": ["a", "b", "c"], "q": np.array([1, 2, 3])}])
    last = whole[0]["q"][2]
    best = [{"p": "c", "q": last}, {"p": "a", "q": last}]
    assert narrowed_spaces(whole, whole, best) == {0: {"p": ["a", "c"], "q": [3]}}


def test_choices_may_be_anything():
    lists = {
        "p": [np.zeros(2), np.ones(2)],
        "q": [Ridge(1), Ridge(2)],
        "r": [lambda: 1, lambda: 2],
        "s": [None, 1, True],
    }
    best = {name: values[1] for name, values in lists.items()}
    assert narrowed_space(lists, [best]) == {k: [v[1]] for k, v in lists.items()}
    search = search_peak({"kind": [None, lambda: 1, "a"], "place": uniform(0, 1)})
    assert search.best_score_ > 0.8


def test_what_can_only_be_drawn_stays():
    class Dice:
        def rvs(self, random_state):
            return random_state.randint(1, 7)

    dice = Dice()
    assert narrowed_space({"p": dice}, [{"p": 3}]) == {"p": dice}


def test_spaces_without_a_best_candidate_are_left():
    spaces = as_spaces(
        [
            {"kernel": ["linear"], "C": loguniform(1e-2, 1e2)},
            {"kernel": ["rbf"], "C": loguniform(1e-2, 1e2)},
            {"kernel": ["rbf"], "gamma": uniform(0, 1)},
        ]
    )
    narrowed = narrowed_spaces(spaces, spaces, [{"kernel": "rbf", "C": 1.0}])
    assert list(narrowed) == [1]
    assert narrowed[1]["kernel"] == ["rbf"]
    np.testing.assert_allclose(narrowed[1]["C"].bounds(), (10**-0.4, 10**0.4))


def test_spaces_may_have_the_same_parameters():
    spaces = as_spaces(
        [
            {"alpha": [0.0, "auto"]},
            {"alpha": loguniform(1e-4, 1)},
            {"alpha": loguniform(1e3, 1e7)},
            {"alpha": randint(10, 20)},
        ]
    )
    zero, auto = spaces[0]["alpha"]
    for value, number in ((zero, 0), (auto, 0), (1e-2, 1), (1e4, 2), (12, 3)):
        best = {"alpha": value}
        assert list(narrowed_spaces(spaces, spaces, [best])) == [number]
        events = describe(spaces, spaces, best)
        assert [row["space"] for row in events if row["best"] is not None] == [number]


def test_what_was_left_behind_comes_back_where_it_is_best_again():
    # of the best of a stage some are fitted again that lie outside of what is narrowed
    whole = as_spaces([{"p": ["a", "b"], "q": uniform(0, 10)}, {"r": uniform(0, 10)}])
    narrowed = narrowed_spaces(whole, whole, [{"p": "a", "q": 5.0}])
    assert list(narrowed) == [0]
    assert narrowed[0]["p"] == ["a"]
    best = [{"p": "b", "q": 8.0}, {"r": 3.0}]
    rows = describe(whole, narrowed, best[0])
    assert [row["best"] for row in rows] == ["b", 8.0]
    again = narrowed_spaces(whole, narrowed, best)
    assert again[0]["p"] == ["b"]
    # a tenth of the width of 2 that it had, and of the 10 of the whole
    np.testing.assert_allclose(again[0]["q"].bounds(), (7.8, 8.2))
    np.testing.assert_allclose(again[1]["r"].bounds(), (2, 4))
    assert {row["space"] for row in describe(whole, again, best[1])} == {0, 1}


@pytest.mark.parametrize("name", ["loguniform", "reciprocal"])
def test_log_uniform_stays_log_uniform(name):
    distribution = getattr(stats, name)(1e-6, 1e2)
    space = narrowed_space({"p": distribution}, [{"p": 1e-3}, {"p": 1.0}])
    rng = np.random.RandomState(0)
    drawn = [space["p"].rvs(rng) for _ in range(500)]
    # eight decades, of which 0.8 are a margin
    expected = loguniform(10**-3.8, 10**0.8)
    assert stats.kstest(drawn, expected.cdf).pvalue > 0.01
    assert stats.kstest(drawn, uniform(0, 10**0.8).cdf).pvalue < 1e-9


def test_a_moved_log_uniform_goes_by_quantiles():
    moved = loguniform(1, 100, loc=-1)
    np.testing.assert_allclose(ends_of(moved, [9.0]), moved.ppf([0.4, 0.6]))


def test_a_log_uniform_range_is_widened_where_the_best_is_on_its_edge():
    # ten decades: 0.1 of the range below the best is beyond the end
    low, high = ends_of(loguniform(1e-4, 1e6), [1.1e-4, 1e-2])
    np.testing.assert_allclose((low, high), (1.1e-5, 1e-1))
    low, high = ends_of(loguniform(1e-4, 1e6), [0.9e6])
    np.testing.assert_allclose((low, high), (0.9e5, 0.9e7))
    # not where it is one of the others that lies there
    low, _ = ends_of(loguniform(1e-4, 1e6), [1e-2, 1.1e-4])
    np.testing.assert_allclose(low, 1e-4)


def test_ranges_that_end_at_one_are_not_widened_beyond_it():
    assert ends_of(loguniform(1e-5, 1), [0.9])[1] == pytest.approx(1)
    assert ends_of(loguniform(1e-5, 0.9), [0.9])[1] == pytest.approx(1)
    assert ends_of(loguniform(1e-5, 1), [1.1e-5])[0] < 1e-5


def test_widening_has_an_end():
    whole = spaces = as_spaces([{"p": loguniform(1, 100)}])
    for _ in range(50):
        spaces = narrowed_spaces(whole, spaces, [{"p": spaces[0]["p"].bounds()[1]}])
    assert spaces[0]["p"].bounds()[1] < 10_000


def test_ranges_are_reported():
    space = {"p": loguniform(1, 1e4), "q": ["a", "b"], "r": randint(1, 9)}
    spaces = as_spaces([space])
    best = {"p": 1.1, "q": "b", "r": 8}
    first = pd.DataFrame(describe(spaces, spaces, best))
    assert first["parameter"].tolist() == ["p", "q", "r"]
    assert first["edge"].tolist() == ["low", "", "high"]
    assert first["best"].tolist() == [1.1, "b", 8]
    assert not first["widened"].any()
    narrowed = narrowed_spaces(spaces, spaces, [best])
    second = pd.DataFrame(describe(spaces, narrowed, best | {"p": 2.0}))
    assert second["widened"].tolist() == [True, False, False]
    assert second["low"][0] == pytest.approx(1.1 / 10**0.4)
    assert second["choices"][1] == ["b"]
