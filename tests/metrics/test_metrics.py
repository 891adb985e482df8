"""Rates and angles against brute force, scikit-learn, SciPy and cases by hand."""

import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import binomtest, chi2, norm
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skvision import ArcFaceEmbedder
from skvision.metrics import angle_statistics as angles
from skvision.metrics import equal_error_rate as eer
from skvision.metrics import identification_rate as identify
from skvision.metrics import open_set_identification_rate as open_set
from skvision.metrics import tar_at_far
from skvision.metrics import verification_auc as auc
from skvision.metrics import verification_curve as curve_of
from skvision.metrics import verification_pairs as pairs_of

TWO = np.eye(2)
FACES = TWO, ["ann", "bob"], TWO, ["ann", "eve"]
few = settings(max_examples=40, deadline=None)
unresolved = pytest.mark.filterwarnings("ignore:.* too few to distinguish a false")
ARRAYS = [list, np.array, pd.Series, lambda x: pd.Series(x, x, dtype="category")]


@st.composite
def tied_pairs(draw):
    """Draw a few pairs of both kinds, many of which are just as similar."""
    pairs = draw(st.lists(st.tuples(st.booleans(), st.integers(-4, 4)), min_size=2))
    same, similarity = np.array(pairs, int).T
    assume(0 < same.sum() < len(same))
    return same.astype(bool), similarity / 4


def gaussian_pairs(rng, n):
    same = np.arange(2 * n) < n
    return same, rng.normal(2.0 * same)


# -- pairs


@few
@given(
    st.lists(st.sampled_from("abcd"), min_size=2, max_size=15),
    st.sampled_from([*ARRAYS, lambda y: np.array(y, object), lambda y: [*map(ord, y)]]),
    st.data(),
)
def test_pairs_are_distinct_in_order_and_half_of_each_kind_or_nearly(y, kind, data):
    every = [(i, j) for i in range(len(y)) for j in range(i + 1, len(y))]
    are_same = [y[i] == y[j] for i, j in every]
    n_pairs = data.draw(st.sampled_from([None, *range(1, len(every) + 1)]))
    how = {"n_pairs": n_pairs, "random_state": 0}
    pairs, same = pairs_of(kind(y), **how)
    assert same.tolist() == [y[i] == y[j] for i, j in pairs]
    assert np.array_equal(pairs, pairs_of(y, **how)[0])
    drawn = list(map(tuple, pairs.tolist()))
    assert drawn == sorted(set(drawn) & set(every))
    assert len(drawn) == (n_pairs or len(every))
    scarce = min(sum(are_same), len(every) - sum(are_same))
    assert min(sum(same), sum(~same)) == min(len(drawn) // 2, scarce) or not n_pairs


@pytest.mark.parametrize("n_pairs", [8, 12, 30])  # by rejection, both, by enumeration
def test_all_pairs_of_a_kind_are_drawn_alike_often(n_pairs):
    labels, random, n_draws = np.tile([0, 1, 2], 4), np.random.RandomState(0), 800
    drawn = np.zeros((12, 12))
    for _ in range(n_draws):
        how = {"n_pairs": n_pairs, "random_state": random}
        drawn[tuple(pairs_of(labels, **how)[0].T)] += 1
    i, j = np.triu_indices(12, 1)
    for kind in (labels[i] == labels[j], labels[i] != labels[j]):
        counts, n = drawn[i, j][kind], kind.sum()
        share = n_pairs / 2 / n
        excess = (counts - n_draws * share) ** 2 / (n_draws * share * (1 - share))
        assert 0.001 < chi2.sf(excess.sum() * (n - 1) / n, n - 1) < 0.999


def test_a_few_pairs_of_many_images_take_little_memory():
    tracemalloc.start()
    labels = np.arange(20_000) % 500
    pairs, same = pairs_of(labels, n_pairs=1000, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6  # all pairs are 3.2e9 bytes
    assert same.sum() == 500 and len(np.unique(pairs, axis=0)) == 1000


# -- the curve


@few
@given(tied_pairs())
def test_the_curve_is_a_count_at_each_threshold_and_that_of_scikit_learn(pairs):
    same, x = pairs
    far, tar, thresholds = curve_of(same, x)
    assert thresholds.tolist() == [np.inf, *np.unique(x)[::-1]]
    assert far.tolist() == [np.mean(x[~same] >= t) for t in thresholds]
    assert tar.tolist() == [np.mean(x[same] >= t) for t in thresholds]
    peer = roc_curve(same, x, drop_intermediate=False)
    np.testing.assert_allclose([far, tar, thresholds], peer, rtol=1e-15)


def test_the_curve_does_not_depend_on_order_repetition_scale_or_type(rng):
    same, x = gaussian_pairs(rng, 50)
    x = x.astype(np.float32)
    curve = curve_of(same, x)
    shuffled = rng.permutation(100)
    for equal in (
        (same[shuffled], x[shuffled]),
        (np.tile(same, 3), np.tile(x, 3)),
        (same.astype(int).tolist(), x.tolist()),
        (pd.Series(same.astype(float), index=shuffled), pd.Series(x)),
    ):
        assert np.array_equal(curve_of(*equal), curve)
    rising = curve_of(same, np.arctan(x.astype(float)))
    assert np.array_equal(rising[:2], curve[:2])


@pytest.mark.parametrize(
    "same, different, rate",
    [
        ([0.9, 0.8, 0.6, 0.3], [0.7, 0.4, 0.2, 0.1], 0.25),
        ([1, 0.5], [0.5, 0, 0], 0.2),  # 3/5 of the way from (0, 1/2) to (1/3, 1)
        ([3, 2], [1, 0], 0),
        ([1, 0], [3, 2], 1),
        ([0.3] * 3, [0.3] * 5, 0.5),
    ],
)
def test_equal_error_rates_worked_by_hand(same, different, rate):
    y = np.repeat([1, 0], [len(same), len(different)])
    assert eer(y, same + different) == pytest.approx(rate)


@few
@given(tied_pairs())
def test_equal_error_rate_is_where_scikit_learns_curve_has_equal_errors(pairs):
    far, tar, _ = roc_curve(*pairs, drop_intermediate=False)
    rate = eer(*pairs)
    assert rate == pytest.approx(np.interp(0, far - (1 - tar), far))
    assert eer(~pairs[0], -pairs[1]) == pytest.approx(rate)


# -- true accept rates


def test_true_accept_rates_worked_by_hand():
    y, x = [1, 1, 1, 1, 0, 0, 0, 0], [0.9, 0.7, 0.4, 0.2, 0.8, 0.5, 0.3, 0.1]
    assert tar_at_far(y, x, far=0.25)[::3] == (0.5, 0.7)
    assert tar_at_far(y, x, far=0.3)[::3] == (0.5, 0.7)
    assert tar_at_far(y, x, far=1)[::3] == (1, 0.1)
    x = [1, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0]  # from (0, 1/4) on to (1/2, 1)
    assert tar_at_far(y, x, far=0.25)[::3] == (0.625, 1)


@unresolved
@few
@given(tied_pairs())
def test_true_accept_rates_are_interpolated_and_rise(pairs):
    far, tar, _ = roc_curve(*pairs, drop_intermediate=False)
    rates = np.linspace(0, 1, 13)
    ours = [tar_at_far(*pairs, far=rate) for rate in rates]
    for rate, one in zip(rates, ours, strict=True):
        there = tar[far == rate]
        expected = there.max() if len(there) else np.interp(rate, far, tar)
        assert one.rate == pytest.approx(expected)
    assert all(0 <= one.low <= one.rate <= one.high <= 1 for one in ours[1:])
    assert (np.diff([one.rate for one in ours]) >= -1e-15).all()
    assert ours[-1].rate == 1


@pytest.mark.parametrize("far, confidence", [(0.2, 0.95), (0.05, 0.8), (1, 0.99)])
def test_the_interval_is_of_exact_binomial_bounds(rng, far, confidence):
    same, x = gaussian_pairs(rng, 30)

    def bounds(accepted):
        tests = [
            binomtest(sum(accepted), 30, alternative=a) for a in ("greater", "less")
        ]
        low, high = (test.proportion_ci(1 - (1 - confidence) / 4) for test in tests)
        return low.low, high.high

    rates = [(*bounds(x[~same] >= t), *bounds(x[same] >= t)) for t in x]
    low = max([low for _, at_most, low, _ in rates if at_most <= far], default=0)
    high = min([high for at_least, _, _, high in rates if at_least >= far], default=1)
    tar = tar_at_far(same, x, far=far, confidence=confidence)
    assert tar[1:3] == pytest.approx((low, high), abs=1e-9)


@unresolved
@pytest.mark.parametrize("far, n", [(0.1, 200), (0.02, 100), (0.001, 200)])
def test_the_interval_holds_the_true_rate_as_often_as_it_says(rng, far, n):
    truth = norm.sf(norm.isf(far) - 2)
    tars = [tar_at_far(*gaussian_pairs(rng, n), far=far) for _ in range(300)]
    assert np.mean([tar.low <= truth <= tar.high for tar in tars]) >= 0.95


def test_more_pairs_or_less_confidence_narrow_the_interval(rng):
    widths = []
    for n, confidence in [(50, 0.95), (500, 0.95), (500, 0.8), (20_000, 0.95)]:
        pairs = gaussian_pairs(rng, n)
        tar = tar_at_far(*pairs, far=0.1, confidence=confidence)
        widths.append(tar.high - tar.low)
    assert (np.diff(widths) < 0).all()


def test_too_few_pairs_are_warned_of_by_the_smallest_rate_they_can_tell(rng):
    pairs = gaussian_pairs(rng, 50)
    with pytest.warns(UserWarning, match=r"50 pairs of different classes.* is 0\.02\."):
        tar_at_far(*pairs, far=0.019)
    tar_at_far(*pairs, far=0.02)  # does not warn


# -- identification


@st.composite
def sightings(draw):
    """Draw a gallery along axes, so that ties are exact, and probes by it."""
    names = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=8))
    who = draw(st.lists(st.sampled_from("abcxyz"), min_size=1, max_size=9))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    axes = np.vstack([np.eye(3), -np.eye(3), np.zeros(3)]).astype(int)
    gallery = 7 * axes[rng.integers(7, size=len(names))]
    return gallery, names, rng.integers(-2, 3, (len(who), 3)), who


def ranked(gallery, names, probes, who):
    """Return the rank of each probe's person, 0 for strangers, and its best cosine."""
    cosines, ranks = cosine_similarity(probes, gallery).round(12), []
    for row, person in zip(cosines, who, strict=True):
        best = {name: max(row[np.array(names) == name]) for name in names}
        ranks.append(sum(b >= best.get(person, np.inf) for b in best.values()))
    return np.array(ranks), cosines.max(axis=1)


@few
@given(sightings(), st.integers(1, 4), st.integers(1, 20))
def test_identification_is_a_count_of_ranks_however_it_is_blocked(faces, rank, block):
    ranks, _ = ranked(*faces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skvision.metrics._identification.SIMILARITIES_PER_BATCH", block)
        if (ranks == 0).any():
            with pytest.raises(
                ValueError, match=r"has \d classes that are not in the gallery"
            ):
                identify(*faces, rank=rank)
        known = [[x for x, r in zip(of, ranks, strict=True) if r] for of in faces[2:]]
        if known[1]:
            rate = identify(*faces[:2], *known, rank=np.int64(rank))
            assert rate == np.mean(ranks[ranks > 0] <= rank)


@unresolved
@few
@given(sightings(), st.integers(1, 3))
def test_open_set_identification_is_that_of_the_lowest_threshold_allowed(faces, rank):
    ranks, largest = ranked(*faces)
    strange = ranks == 0
    if strange.all() or not strange.any():
        with pytest.raises(ValueError, match=r"An open set requires .* contain no"):
            open_set(*faces)
        return
    for allowed in [*np.arange(sum(strange) + 1) / sum(strange), 0.15, 0.3, 0.7]:
        levels = [np.inf, *largest]
        alarms = np.array([np.mean(largest[strange] >= t) for t in levels])
        threshold = min(np.array(levels)[alarms <= allowed])
        expected = np.mean(((largest >= threshold) & (ranks <= rank))[~strange])
        assert open_set(*faces, false_alarm_rate=allowed, rank=rank) == expected


def test_false_alarms_that_are_allowed_are_not_lost_to_rounding():
    angles = np.arange(1, 101) / 100  # of strangers, and 0.29 * 100 < 29
    probes = np.append(angles, 0.295)
    faces = np.column_stack([np.cos(probes), np.sin(probes)])
    who = ["eve"] * 100 + ["ann"]
    assert open_set([[1, 0]], ["ann"], faces, who, false_alarm_rate=0.29) == 1
    assert open_set([[1, 0]], ["ann"], faces, who, false_alarm_rate=0.28) == 0


@pytest.mark.parametrize("kind", ARRAYS)
def test_faces_may_come_in_any_type(rng, kind):
    gallery, probes = rng.normal(size=(2, 9, 4)).astype(np.float32)
    people = np.arange(9) % 4
    rate = identify(gallery, people, probes, people, rank=2)
    names = np.array(list("wxyz"))[people]
    for rows in gallery.tolist(), pd.DataFrame(gallery), gallery * np.float32(1e-30):
        for who in names, names.astype(object):
            faces = rows, kind(who), probes.astype(float) * 1e200, names
            assert identify(*faces, rank=2) == rate


# -- angles


@pytest.mark.parametrize("kind", ARRAYS)
def test_angles_are_those_of_the_arc_cosine(rng, kind):
    rows, labels = rng.normal(size=(30, 4)), np.array(list("cab"))[np.arange(30) % 3]
    ours = angles(rows.astype(np.float32), kind(labels))
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    centers = np.array([units[labels == name].mean(axis=0) for name in "abc"])
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    own = centers[[2, 0, 1] * 10]
    apart = np.arccos(np.clip(centers @ centers.T, -1, 1)) + 9 * np.eye(3)
    assert ours.classes.tolist() == list("abc")
    np.testing.assert_allclose(ours.centers, centers, atol=1e-6)
    np.testing.assert_allclose(ours.within, np.arccos((units * own).sum(1)), atol=1e-6)
    np.testing.assert_allclose(ours.between, apart.min(axis=1), atol=1e-6)
    own_centers = angles(rows, labels, centers=5 * centers)
    np.testing.assert_allclose(own_centers.within, ours.within, atol=1e-6)


@pytest.mark.parametrize("angle", [1e-12, 1e-7, 1.0, np.pi / 2, np.pi - 1e-7, np.pi])
def test_angles_are_exact_where_they_are_small_and_where_they_are_nearly_pi(angle):
    rows = [[1, 0], [np.cos(angle), np.sin(angle)]]
    ours = angles(rows, [0, 1], centers=[rows[0]] * 2)
    assert ours.within.tolist() == pytest.approx([0, angle], rel=1e-9, abs=1e-15)
    assert np.pi - ours.within[1] == pytest.approx(np.pi - angle, rel=1e-8, abs=1e-15)
    between = angles(rows, [0, 1]).between
    assert between.tolist() == pytest.approx([angle] * 2, rel=1e-9)


def test_zeros_are_at_a_right_angle_and_one_class_has_no_other():
    ours = angles([[0, 0], [3, 0], [0, 0]], ["a", "a", "b"])
    assert ours.within.tolist() == [np.pi / 2, 0, np.pi / 2]
    assert ours.between.tolist() == [np.pi / 2, np.pi / 2]
    assert np.isnan(angles([[1, 0], [0, 1]], [4, 4]).between).all()


# -- the score


def auc_of_all_pairs(embeddings, y):
    i, j = np.triu_indices(len(y), 1)
    return roc_auc_score(y[i] == y[j], cosine_similarity(embeddings)[i, j])


def test_the_score_is_scikit_learns_and_nearly_so_by_a_sample(rng, monkeypatch):
    y = np.array(list("abcde"))[np.arange(200) % 5]
    X = rng.normal(size=(5, 6))[np.arange(200) % 5] + 2 * rng.normal(size=(200, 6))
    expected, same = auc_of_all_pairs(X, y), FunctionTransformer()
    for kind in ARRAYS:
        assert auc(same, X, kind(y)) == pytest.approx(expected)
    monkeypatch.setattr("skvision.metrics._verification.MAX_PAIRS", 4000)
    sampled = auc(same, X, y)
    assert 1e-9 < abs(sampled - expected) < 0.03


def test_cross_validation_scores_classes_that_were_never_seen():
    X, y = (of[:300] for of in load_digits(return_X_y=True))
    pipe = make_pipeline(StandardScaler(), ArcFaceEmbedder(max_iter=2, random_state=0))
    how = {"cv": GroupKFold(3), "groups": y, "scoring": auc}
    scores = cross_val_score(pipe, X, y, **how)
    for score, (train, test) in zip(scores, how["cv"].split(X, y, y), strict=True):
        embeddings = pipe.fit(X[train], y[train]).transform(X[test])
        assert score == pytest.approx(auc_of_all_pairs(embeddings, y[test]))


def test_what_has_no_embeddings_cannot_be_scored():
    with pytest.raises(TypeError, match=r"LogisticRegression has no transform"):
        auc(LogisticRegression(), TWO, [0, 1])


# -- what is refused


@pytest.mark.parametrize(
    "rate, given, message",
    [
        (pairs_of, ([],), r"require at least two images; labels has 0"),
        (pairs_of, (["ann"],), r"require at least two images; labels has 1"),
        (partial(pairs_of, n_pairs=4), ([1, 1, 2],), r"between 1 and 3, .*; got 4"),
        (
            partial(pairs_of, n_pairs=2.0),
            ([1, 1, 2],),
            r"between 1 and 3, .*; got 2\.0",
        ),
        (pairs_of, (TWO,), r"one-dimensional"),
        (curve_of, ([1, 0], [0.5]), r"same length; got 2 and 1"),
        (curve_of, ([2, 0], [1, 2]), r"y_same must be True .* got int64 .*\[2, 0\]"),
        (curve_of, ([np.nan, 0], [1, 2]), r"y_same has 1 of 2 labels missing"),
        (curve_of, ([], []), r"y_same gives 0 pairs"),
        (curve_of, (TWO, TWO), r"one-dimensional"),
        (eer, ([1, 1], [1, 2]), r"2 pairs, but none of different classes"),
        (tar_at_far, ([0, 0], [1, 2]), r"2 pairs, but none of the same class"),
        (tar_at_far, ([1, 0], [np.inf, 2]), r"similarity has infinite values"),
        (
            partial(tar_at_far, far=-0.1),
            ([1, 0], [1, 2]),
            r"far must be between 0 and 1",
        ),
        (partial(tar_at_far, far=np.nan), ([1, 0], [1, 2]), r"far must .*; got nan"),
        (partial(tar_at_far, confidence=95), ([1, 0], [1, 2]), r"between 0 and 1; got"),
        (
            partial(open_set, false_alarm_rate=2),
            FACES,
            r"must be between 0 and 1; got 2",
        ),
        (partial(open_set, rank=0), FACES, r"rank must be an integer .* got 0"),
        (partial(identify, rank=1.0), FACES, r"rank must be an integer .* got 1.0"),
        (
            identify,
            (TWO * np.nan, "ab", TWO, "ab"),
            r"gallery has infinite values or NaN",
        ),
        (
            identify,
            (TWO, [1, 2], [[1, 0, 0]], [1]),
            r"number of components; got 2 and 3",
        ),
        (identify, (TWO, [1, 2], [1, 0], [1, 2]), r"probes .* numbers .* shape \(2,\)"),
        (
            identify,
            (TWO, [1, 2], TWO, [1]),
            r"the probes .* got 2 embeddings and 1 labels",
        ),
        (
            identify,
            (TWO[:0], [], TWO, [1, 2]),
            r"the gallery .* got 0 embeddings and 0",
        ),
        (identify, (TWO, TWO, TWO, [1, 2]), r"one-dimensional"),
        (angles, (TWO, [1, 2, 3]), r"2 embeddings and 3 labels"),
        (
            partial(angles, centers=[[1, 0]]),
            (TWO, [1, 2]),
            r"shape \(2, 2\), .* \(1, 2\)",
        ),
        (partial(angles, centers=[1, 0]), (TWO, [1, 2]), r"centers must be numbers"),
        (partial(angles, centers=TWO / np.nan), (TWO, [1, 2]), r"centers has .* NaN"),
        (auc, (FunctionTransformer(), TWO, [1]), r"got 2 images and 1 labels"),
        (auc, (FunctionTransformer(), TWO, [1, 1, 2]), r"got 2 images and 3 labels"),
        (auc, (FunctionTransformer(), TWO, [1, 1]), r"none of different classes"),
        (auc, (FunctionTransformer(), TWO, [1, 2]), r"none of the same class"),
        (auc, (FunctionTransformer(), TWO * np.nan, [1, 2]), r"embeddings has .* NaN"),
    ],
)
def test_what_is_refused(rate, given, message):
    with pytest.raises(ValueError, match=message):
        rate(*given)


# -- what a first reading found


def test_no_warning_of_a_rate_that_pairs_can_resolve():
    same, falling = [1] * 49 + [0] * 49, np.arange(98)[::-1]
    assert tar_at_far(same, falling, far=1 / 49).rate == 1
    assert tar_at_far(same, falling, far=0).rate == 1  # none is what is asked for
    with pytest.warns(UserWarning, match=r"the smallest rate .* is 0\.021\."):
        tar_at_far(same, falling, far=0.01)
    assert tar_at_far(same, falling, far=0.021).rate == 1


def test_equal_images_of_two_people_tie():
    three = np.random.default_rng(0).normal(size=(3, 128))
    both = np.vstack([three, three])
    for who in (range(3), range(3, 6)):
        assert identify(both, range(6), three, who) == 0


def test_truths_as_objects_and_huge_similarities():
    far, _, _ = curve_of(np.array([True, False], object), [1e308, -1e308])
    assert far.tolist() == [0, 0, 1]


def test_pairs_where_nearly_all_are_of_one_class():
    labels = np.append(np.zeros(199_999, int), 1)
    pairs, same = pairs_of(labels, n_pairs=1000, random_state=0)
    assert same.sum() == 500
    assert (pairs[~same, 1] == 199_999).all()


def test_columns_are_taken_as_vectors(rng):
    same, similarity = np.arange(30) % 3 == 0, rng.normal(size=30)
    assert eer(same[:, None], similarity[:, None]) == eer(same, similarity)


def test_sparse_embeddings_are_refused():
    with pytest.raises(TypeError, match=r"must be a dense array\. Convert it by"):
        identify(csr_array(TWO), [1, 2], TWO, [1, 2])
