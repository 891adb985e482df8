"""What a coarse-to-fine search costs: fits, rows and folds of its stages."""

import numpy as np
import pytest
from peaks import Peak, X, search_peak
from scipy.stats import uniform
from sklearn.model_selection import ShuffleSplit

from skvision.model_selection import CoarseToFineSearchCV
from skvision.model_selection._folds import SameFolds
from skvision.model_selection._stages import plan


def test_stages_cost_alike():
    # 27 candidates with a ninth cost as much as 9 with a third and 3 with all
    assert [tuple(stage[:2]) for stage in plan(9, 3, 3, 27)] == [
        (27, 3),
        (9, 9),
        (3, 27),
    ]
    assert [stage.n_candidates for stage in plan(10, 3, 3, None)] == [3, 3, 4]


@pytest.mark.parametrize("n_iter", [4, 10, 17, 60])
@pytest.mark.parametrize("most", [1, 7, 100, None])
@pytest.mark.parametrize("stages", [1, 2, 4])
def test_the_plan_keeps_to_what_n_iter_fits_cost(n_iter, most, stages):
    planned = plan(n_iter, stages, 2.5, most)
    cost = sum(stage.n_candidates * stage.fraction for stage in planned)
    assert n_iter - 1 < cost <= n_iter + 1e-9
    assert planned[-1].fraction == 1.0
    assert planned[-1].n_resources == most


def test_cost_of_a_search_by_a_parameter():
    search = search_peak({"place": uniform(0, 1)}, resource="max_iter", n_iter=12)
    cost = sum(rows * epochs for rows, epochs, _ in Peak.fits[:-1])
    assert cost == 12 * 9 * 300  # of three training parts of 100 rows
    assert Peak.fits[-1][:2] == (150, 9)  # the refit
    assert search.best_params_["max_iter"] == 9


def test_cost_of_a_search_by_rows():
    search_peak({"place": uniform(0, 1)}, resource="n_samples", n_iter=9)
    rows = [fit[0] for fit in Peak.fits[:-1]]
    assert sorted(set(rows)) == [11, 33, 100]
    assert sum(rows) <= 9 * 300
    assert all(labels == [0, 1, 2] for _, _, labels in Peak.fits)


def test_fractions_of_rows_cost_no_more():
    CoarseToFineSearchCV(
        Peak(),
        {"place": uniform(0, 1)},
        n_iter=4,
        stages=4,
        resource="n_samples",
        refit=False,
        cv=2,
    ).fit(X[:81], np.arange(81) % 2)
    assert 3 * 81 < sum(rows for rows, _, _ in Peak.fits) <= 4 * 81


def test_a_part_of_the_rows_is_stratified_and_parts_are_nested(rng):
    labels = rng.permutation(np.repeat([0, 1, 2], [80, 35, 5]))
    folds = SameFolds(ShuffleSplit(2, random_state=0), stratify=True, random_state=1)
    parts = {}
    for share in (0.05, 0.25, 0.5, 1.0):
        folds.fraction = share
        parts[share] = list(folds.split(labels[:, None], labels))
    whole = list(ShuffleSplit(2, random_state=0).split(labels))
    for i in range(2):
        assert np.array_equal(parts[1.0][i][0], whole[i][0])
        assert set(parts[0.25][i][0]) < set(parts[0.5][i][0])
        for share, split in parts.items():
            train, test = split[i]
            assert np.array_equal(test, whole[i][1])
            had = np.bincount(labels[whole[i][0]])
            got = np.bincount(labels[train], minlength=3)
            assert len(train) == int(share * had.sum())
            assert got.min() >= 1
            assert np.abs(got - share * had).max() <= 2


def test_folds_are_the_same_in_all_stages():
    folds = SameFolds(ShuffleSplit(3, random_state=np.random.RandomState(0)))
    first, second = list(folds.split(X)), list(folds.split(X))
    for (train, test), (train_again, test_again) in zip(first, second, strict=True):
        assert np.array_equal(train, train_again)
        assert np.array_equal(test, test_again)


@pytest.mark.parametrize("y", [None, np.eye(60)[:, :3]], ids=["none", "multilabel"])
def test_a_part_of_the_rows_without_classes(y):
    folds = SameFolds(ShuffleSplit(2, random_state=0), stratify=True, random_state=1)
    whole = list(folds.split(np.zeros((60, 1)), y))
    folds.fraction = 0.5
    for (train, test), (all_of_it, test_again) in zip(
        folds.split(np.zeros((60, 1)), y), whole, strict=True
    ):
        assert set(train) < set(all_of_it)
        assert len(train) == len(all_of_it) // 2
        assert np.array_equal(test, test_again)
