"""VerificationThreshold against brute force over pairs of people that it holds out."""

import pickle

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_curve
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import GroupKFold, LeavePGroupsOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skvision import ArcFaceEmbedder, VerificationThreshold
from skvision.metrics import tar_at_far

EMBEDDER = ArcFaceEmbedder(4, max_iter=3, random_state=0)


def faces(n_people=8, n_each=10, seed=0):
    """Return features of people, and their names in disorder."""
    rng = np.random.default_rng(seed)
    who = rng.permutation(np.arange(n_people * n_each) % n_people)
    X = rng.normal(size=(n_people, 6))[who] + rng.normal(size=(len(who), 6)) / 2
    return X, np.array(list("hgfedcba"))[who]


X, Y = faces()
FIRST, SECOND = np.triu_indices(len(Y), 1)


def held_out(embedder, folds):
    """Return whether held-out pairs are of one person, and their cosines."""
    same, cosines = [], []
    for train, test in folds:
        rows = clone(embedder).fit(X[train], Y[train]).transform(X[test])
        i, j = np.triu_indices(len(test), 1)
        same.append(Y[test][i] == Y[test][j])
        cosines.append(cosine_similarity(rows.astype(np.float64))[i, j])
    return np.concatenate(same), np.concatenate(cosines)


def assert_same(lock, other):
    assert lock.threshold_ == other.threshold_
    assert (lock.far_, lock.tar_) == (other.far_, other.tar_)
    assert (lock.n_same_, lock.n_different_) == (other.n_same_, other.n_different_)


# -- the threshold


@pytest.mark.parametrize("far", [0.001, 0.01, 0.1, 0.5, 1])
def test_pairs_learned_from_are_judged_at_the_lowest_threshold_allowed(far):
    lock = VerificationThreshold(far=far).fit(X, Y)
    same, cosines = Y[FIRST] == Y[SECOND], cosine_similarity(X)[FIRST, SECOND]
    accepted = lock.verify(X[FIRST], X[SECOND])
    assert accepted.dtype == bool
    assert np.array_equal(accepted, lock.verify(X[SECOND], X[FIRST]))
    assert lock.far_ == accepted[~same].mean() <= far
    assert lock.tar_.rate == pytest.approx(accepted[same].mean())
    assert (lock.n_same_, lock.n_different_) == (same.sum(), (~same).sum())
    if far < 1:  # the next pair is one too many
        lower = max(cosines[cosines < lock.threshold_])
        assert np.mean(cosines[~same] >= lower) > far
        assert lock.tar_ == tar_at_far(same, cosines, far=lock.far_)._replace(
            threshold=pytest.approx(min(cosines[accepted]))
        )


def test_accuracy_is_the_best_there_is_both_kinds_counting_the_same():
    lock = VerificationThreshold(criterion="accuracy").fit(X, Y)
    same, cosines = Y[FIRST] == Y[SECOND], cosine_similarity(X)[FIRST, SECOND]
    accepted = lock.verify(X[FIRST], X[SECOND])
    best = max(
        np.mean(cosines[same] >= t) - np.mean(cosines[~same] >= t) for t in cosines
    )
    assert accepted[same].mean() - accepted[~same].mean() == pytest.approx(best)
    assert lock.far_ == accepted[~same].mean()


def parts_of_people(n_parts):
    """Return rows to train on and rows of other people, as many people in each part."""
    parts = np.array_split(np.unique(Y), n_parts)
    return [
        (np.flatnonzero(~np.isin(Y, part)), np.flatnonzero(np.isin(Y, part)))
        for part in parts
    ]


@pytest.mark.parametrize("criterion", ["far", "accuracy"])
@pytest.mark.parametrize("cv", [2, 5, GroupKFold(3, shuffle=True, random_state=1)])
def test_the_pairs_are_those_of_people_held_out(criterion, cv):
    lock = VerificationThreshold(EMBEDDER, criterion=criterion, far=0.05, cv=cv)
    lock.fit(X, Y)
    folds = parts_of_people(min(cv, 4)) if cv in (2, 5) else cv.split(X, Y, groups=Y)
    same, cosines = held_out(EMBEDDER, folds)
    fars, tars, _ = roc_curve(same, cosines, drop_intermediate=False)
    accepted = cosines >= lock.threshold_
    assert (lock.n_same_, lock.n_different_) == (same.sum(), (~same).sum())
    assert lock.far_ == accepted[~same].mean()
    assert lock.tar_.rate == pytest.approx(accepted[same].mean())
    if criterion == "far":
        assert lock.far_ == max(fars[fars <= 0.05])
    else:
        assert lock.tar_.rate - lock.far_ == pytest.approx(max(tars - fars))
    embeddings = clone(EMBEDDER).fit(X, Y).transform(X)
    assert np.array_equal(lock.estimator_.transform(X), embeddings)
    assert not hasattr(EMBEDDER, "parameters_")


def spy():
    """Return an embedder, and a list of what it and its clones are given."""
    seen = []

    class Spy(TransformerMixin, BaseEstimator):
        def fit(self, X, y):
            assert np.array_equal(X[:, 0], y)
            seen.append(("fit", sorted(set(y))))
            self.fitted_ = True
            return self

        def transform(self, X):
            seen.append(("transform", sorted(set(X[:, 0]))))
            return X[:, 1:]

    return Spy(), seen


@pytest.mark.parametrize("cv", [2, 3, 100, GroupKFold(2), LeavePGroupsOut(2)])
@pytest.mark.parametrize("n_people", [4, 7])
def test_people_held_out_are_never_trained_on_and_all_are_in_the_end(rng, n_people, cv):
    who = np.repeat(np.arange(n_people), 3)
    embedder, seen = spy()
    pictures = np.column_stack([who, rng.normal(size=(len(who), 2))])
    VerificationThreshold(embedder, far=0.5, cv=cv).fit(pictures, who)
    assert seen.pop() == ("fit", list(range(n_people)))
    assert [what for what, _ in seen] == ["fit", "transform"] * (len(seen) // 2)
    for (_, train), (_, test) in zip(seen[::2], seen[1::2], strict=True):
        assert sorted(train + test) == list(range(n_people))
        assert len(train) >= 2 and len(test) >= 2
    if isinstance(cv, int):
        assert len(seen) // 2 == min(cv, n_people // 2)
        assert sum(len(test) for _, test in seen[1::2]) == n_people


def test_splits_may_be_listed():
    folds = parts_of_people(4)
    lock = VerificationThreshold(EMBEDDER, far=0.1, cv=folds).fit(X, Y)
    assert_same(lock, VerificationThreshold(EMBEDDER, far=0.1, cv=4).fit(X, Y))


def test_many_pairs_are_drawn_half_of_each_kind(monkeypatch):
    every = VerificationThreshold(far=0.1).fit(X, Y)
    monkeypatch.setattr("skvision._verification.verification_threshold.MOST_PAIRS", 600)
    lock = VerificationThreshold(far=0.1).fit(X, Y)
    assert (lock.n_same_, lock.n_different_) == (300, 300)
    assert 0 < abs(lock.threshold_ - every.threshold_) < 0.1
    lock = VerificationThreshold(EMBEDDER, far=0.1, cv=2).fit(X, Y)
    assert (lock.n_same_, lock.n_different_) == (300, 300)


def test_too_few_pairs_are_warned_of_and_none_of_two_people_is_accepted():
    lock = VerificationThreshold(far=1e-4)
    with pytest.warns(
        UserWarning, match=r"2800 pairs of two people .* rate of 0\.0001"
    ):
        lock.fit(X, Y)
    same = Y[FIRST] == Y[SECOND]
    assert lock.far_ == 0
    assert not lock.verify(X[FIRST], X[SECOND])[~same].any()


@pytest.mark.filterwarnings("ignore:A false accept rate of 0 cannot")
def test_one_image_under_two_names_leaves_nothing_to_accept():
    twice, names = np.vstack([X, X[:1]]), np.append(Y, "twin")
    lock = VerificationThreshold(far=0).fit(twice, names)
    assert (lock.far_, lock.tar_.rate) == (0, 0)
    assert not lock.verify(twice[:1], twice[-1:]).any()


# -- similarities


def test_similarity_is_the_cosine_whatever_the_type():
    lock = VerificationThreshold(far=0.1).fit(X, Y)
    a, b = X[:40].astype(np.float32), X[40:].astype(np.float32)
    expected = np.diag(cosine_similarity(a.astype(float), b.astype(float)))
    for one, two in (
        (a, b),
        (b, a),
        (a.tolist(), b.tolist()),
        (-(2.0**90) * a, b / -(2.0**90)),
    ):
        np.testing.assert_allclose(lock.similarity(one, two), expected, atol=1e-12)
    assert lock.similarity(a, b).dtype == np.float64


@pytest.mark.parametrize("n", range(1, 9))
def test_a_image_is_as_similar_to_itself_as_can_be_and_no_more(n):
    pictures, who = np.random.default_rng(n).normal(size=(50, n)), np.arange(50) % 9
    lock = VerificationThreshold(far=0.1).fit(pictures, who)
    assert 1 - 1e-15 <= lock.similarity(pictures, 7 * pictures).min()
    assert lock.similarity(pictures, 7 * pictures).max() <= 1
    assert lock.similarity(pictures, -7 * pictures).min() >= -1


def test_nothing_is_similar_to_zeros_and_is_not_nan():
    zeros = np.vstack([np.zeros((2, 6)), X])
    lock = VerificationThreshold(far=0.1).fit(zeros, np.append(["a", "b"], Y))
    assert lock.similarity(zeros[:4], zeros[[1, 3, 0, 3]]).tolist()[:3] == [0, 0, 0]


# -- what it is given


@pytest.mark.parametrize(
    "y",
    [
        Y.tolist(),
        Y.astype(object),
        np.unique(Y, return_inverse=True)[1],
        pd.Series(Y, index=np.arange(len(Y))[::-1]),
        pd.Series(Y, dtype="category"),
    ],
)
@pytest.mark.parametrize("estimator", [None, EMBEDDER])
def test_people_may_be_named_in_any_type(y, estimator):
    lock = VerificationThreshold(estimator, far=0.1)
    assert_same(clone(lock).fit(X, y), clone(lock).fit(X, Y))


def test_a_pipeline_may_take_a_list_of_files():
    def read(files):
        return np.array([X[int(file.removesuffix(".png"))] for file in files])

    files = [f"{i}.png" for i in range(len(X))]
    rest = StandardScaler(), EMBEDDER
    lock = VerificationThreshold(make_pipeline(FunctionTransformer(read), *rest))
    lock.set_params(far=0.05).fit(files, Y)
    other = VerificationThreshold(make_pipeline(*rest), far=0.05).fit(X, Y)
    assert_same(lock, other)
    ours = lock.similarity(files[:5], files[5:10])
    assert np.array_equal(ours, other.similarity(X[:5], X[5:10]))


def test_images_and_tables_may_be_given():
    images = np.clip(40 * X + 128, 0, 255).astype(np.uint8).reshape(-1, 2, 3)
    lock = VerificationThreshold(EMBEDDER, far=0.05).fit(images, Y)
    assert lock.verify(images[:3], images[:3]).all()
    table = pd.DataFrame(X, columns=list("uvwxyz"))
    for estimator in None, EMBEDDER:
        lock = VerificationThreshold(estimator, far=0.05)
        plain = clone(lock).fit(X, Y).similarity(X[:5], X[5:10])
        lock.fit(table, Y)
        ours = lock.similarity(table[:5], table[5:10])
        np.testing.assert_allclose(ours, plain, atol=1e-6)


def test_a_fitted_embedder_is_taken_as_it_is():
    embedder = clone(EMBEDDER).fit(*faces(seed=1))
    before = embedder.parameters_.copy()
    lock = VerificationThreshold(embedder, far=0.05, cv="prefit").fit(X, Y)
    assert lock.estimator_ is embedder
    assert np.array_equal(embedder.parameters_, before)
    embeddings = embedder.transform(X)
    assert_same(lock, VerificationThreshold(far=0.05).fit(embeddings, Y))
    two = np.isin(Y, ["a", "b"])
    lock.fit(X[two], Y[two])  # two people will do
    assert lock.n_same_ == 90 and lock.n_different_ == 100


@pytest.mark.parametrize(
    "parameters, rows, names, error, message",
    [
        ({}, X, Y[:-1], ValueError, r"inconsistent numbers of samples"),
        ({}, X[:, 0], Y, ValueError, r"Expected 2D array"),
        ({}, X[:0], Y[:0], ValueError, r"minimum of 2 is required"),
        ({}, X * np.nan, Y, ValueError, r"contains NaN"),
        ({}, X, None, ValueError, r"requires y to be passed"),
        ({}, X, np.arange(80), ValueError, r"none of the same class"),
        ({}, X, np.zeros(80), ValueError, r"none of different classes"),
        ({"far": 1.1}, X, Y, ValueError, r"'far' parameter .* \[0\.0, 1\.0\]"),
        ({"far": np.nan}, X, Y, ValueError, r"'far' parameter"),
        ({"criterion": "eer"}, X, Y, ValueError, r"'criterion' parameter"),
        ({"cv": 1}, X, Y, ValueError, r"'cv' parameter"),
        ({"estimator": EMBEDDER}, X, Y[:-1], ValueError, r"inconsistent numbers"),
        ({"estimator": EMBEDDER}, X, np.arange(80) % 3, ValueError, r"y has 3 people"),
        ({"estimator": EMBEDDER}, X * np.nan, Y, ValueError, r"NaN"),
        (
            {"estimator": EMBEDDER},
            X,
            np.c_[Y, Y],
            ValueError,
            r"y must be one-dimensional",
        ),
        ({"estimator": EMBEDDER, "cv": "prefit"}, X, Y, NotFittedError, "not fitted"),
        (
            {"estimator": EMBEDDER, "cv": [(np.arange(60), np.arange(60, 80))]},
            *(X, Y, ValueError, r"cv has 7 people in both training and test set"),
        ),
    ],
)
def test_what_cannot_be_learned_from(parameters, rows, names, error, message):
    lock = VerificationThreshold(far=0.1)
    with pytest.raises(error, match=message):
        clone(lock).set_params(**parameters).fit(rows, names)
    lock.fit(X, Y)
    before = {name: vars(lock)[name] for name in vars(lock) if name.endswith("_")}
    with pytest.raises(error, match=message):
        lock.set_params(**parameters).fit(rows, names)
    assert {name: vars(lock)[name] for name in vars(lock) if name[-1] == "_"} == before


def test_a_last_fit_that_fails_leaves_what_was_learned_before():
    class Tired(FunctionTransformer):
        def fit(self, X, y=None):
            if len(X) == len(Y):
                raise RuntimeError("too many images")
            return super().fit(X, y)

    lock = VerificationThreshold(Tired(), far=0.1).fit(X[1:], Y[1:])
    before = vars(lock).copy()
    with pytest.raises(RuntimeError, match="too many images"):
        lock.fit(2 * X + 1, Y)
    assert vars(lock) == before


@pytest.mark.parametrize("estimator", [None, EMBEDDER])
def test_images_that_cannot_be_compared(estimator):
    lock = VerificationThreshold(estimator, far=0.1)
    for method in "similarity", "verify":
        with pytest.raises(NotFittedError):
            getattr(clone(lock), method)(X, X)
    lock.fit(X, Y)
    for one, two, message in (
        (X[:3], X[:2], r"got 3 and 2"),
        (X[:1], X[:2], r"got 1 and 2"),
        (X[:, :3], X[:, :3], r"3 features"),
        (X, X * np.nan, r"NaN"),
        (X[0], X[1], r"(?i)2D|shape|dimension"),
    ):
        for method in lock.similarity, lock.verify:
            with pytest.raises(ValueError, match=message):
                method(one, two)


# -- metadata, and fits that are cut short


class Weighed(TransformerMixin, BaseEstimator):
    """An embedder that notes the rows and the metadata that its fits are given."""

    fits: list = []

    def __init__(self, fails=None):
        self.fails = fails

    def fit(self, X, y, sample_weight=None, scale=1):
        Weighed.fits.append((X, y, sample_weight, scale))
        if self.fails is not None:
            self.fails(len(Weighed.fits))
        self.fitted_ = True
        return self

    def transform(self, X):
        return X


@pytest.fixture
def fits():
    Weighed.fits = []
    return Weighed.fits


def check_weights(fits, n_parts):
    """Check that weights went along with their rows, which are their first columns."""
    assert len(fits) == n_parts + 1
    for rows, _, weights, scale in fits:
        assert np.array_equal(rows[:, 0], weights)
        assert scale == 7  # which is no column, and passed on as it is
    assert [len(rows) < len(X) for rows, *_ in fits] == [True] * n_parts + [False]


def test_metadata_go_to_the_fit_of_the_embedder(fits):
    lock = VerificationThreshold(Weighed(), far=0.1, cv=3)
    lock.fit(X, Y, sample_weight=X[:, 0], scale=7)
    check_weights(fits, 3)
    assert_same(lock, VerificationThreshold(Weighed(), far=0.1, cv=3).fit(X, Y))


def test_groups_go_to_the_splitter(fits):
    families = (Y > "d").astype(int)  # two, of four people each
    lock = VerificationThreshold(Weighed(), far=0.1, cv=GroupKFold(2))
    lock.fit(X, Y, groups=families)
    assert [len(np.unique(who)) for _, who, *_ in fits] == [4, 4, 8]
    assert set(fits[0][1]) in ({*"abcd"}, {*"efgh"})
    with pytest.raises(ValueError, match="people in both training and test set"):
        lock.fit(X, Y, groups=np.arange(len(Y)))


def test_metadata_is_routed_to_objects_that_request_it(fits):
    with config_context(enable_metadata_routing=True):
        embedder = Weighed().set_fit_request(sample_weight=True, scale=True)
        lock = VerificationThreshold(embedder, far=0.1, cv=GroupKFold(2))
        routing = lock.get_metadata_routing()
        given = {"sample_weight", "scale", "groups"}
        assert routing.consumes("fit", [*given, "other"]) == given
        routes = routing._serialize()
        assert {"estimator", "splitter"} <= set(routes)
        families = (Y > "d").astype(int)
        lock.fit(X, Y, sample_weight=X[:, 0], scale=7, groups=families)
        check_weights(fits, 2)
        assert set(fits[0][1]) in ({*"abcd"}, {*"efgh"})
        lock.set_params(cv=3).fit(X, Y)  # all of them may be left out
        with pytest.raises(TypeError, match="unexpected argument"):
            lock.fit(X, Y, other=1)
        with pytest.raises(Exception, match="sample_weight"):
            lock.set_params(estimator=Weighed()).fit(X, Y, sample_weight=X[:, 0])
        # and through a tool around it
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        lock.set_params(estimator=embedder)
        make_pipeline(scaler, lock).fit(X, Y, sample_weight=X[:, 0], scale=7)


@pytest.mark.parametrize(
    "parameters, metadata",
    [
        ({"estimator": None}, {"sample_weight": X[:, 0]}),
        ({"estimator": None, "cv": GroupKFold(2)}, {"groups": Y}),
        ({"cv": "prefit"}, {"sample_weight": X[:, 0]}),
        ({"cv": 3}, {"groups": Y}),
    ],
)
def test_metadata_that_nothing_takes_are_refused(fits, parameters, metadata):
    lock = VerificationThreshold(Weighed().fit(X, Y), far=0.1).set_params(**parameters)
    with pytest.raises(TypeError, match=f"fit got {next(iter(metadata))}, which"):
        lock.fit(X, Y, **metadata)


@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("at", [1, 2, 4])
def test_an_interrupt_ends_the_fit_and_leaves_what_was_learned_before(fits, at, n_jobs):
    def interrupt(n):
        if n == at:
            raise KeyboardInterrupt

    lock = VerificationThreshold(Weighed(), far=0.1, cv=3).fit(X, Y)
    fits.clear()
    lock.set_params(estimator=Weighed(interrupt), n_jobs=n_jobs)
    before = vars(lock).copy()
    with pytest.raises(KeyboardInterrupt), parallel_config("threading"):
        lock.fit(2 * X, Y)
    assert vars(lock) == before
    assert n_jobs == 2 or len(fits) == at


def test_parameters_of_the_embedder_are_checked():
    lock = VerificationThreshold(clone(EMBEDDER).set_params(max_iter=-3))
    with pytest.raises(ValueError, match="'max_iter' parameter of ArcFaceEmbedder"):
        lock.fit(X, Y)


def test_nothing_is_learned_from_people_held_out():
    # what is learned before a hold-out would show: a far person shifts the mean, and a
    # large one the deviation
    embedder = make_pipeline(StandardScaler(), EMBEDDER)
    folds = parts_of_people(2)
    (train, test), moved = folds[0], X.copy()
    moved[test] = 100 * moved[test] + 1000
    lock = VerificationThreshold(embedder, far=0.1, cv=folds[:1]).fit(moved, Y)
    plain = clone(embedder).fit(X[train], Y[train]).transform(moved[test])
    i, j = np.triu_indices(len(test), 1)
    cosines = cosine_similarity(plain.astype(np.float64))[i, j]
    same = Y[test][i] == Y[test][j]
    assert lock.tar_.rate == pytest.approx(np.mean(cosines[same] >= lock.threshold_))
    assert lock.far_ == np.mean(cosines[~same] >= lock.threshold_)


# -- as an estimator


def test_jobs_do_not_change_what_is_learned():
    lock = VerificationThreshold(EMBEDDER, far=0.1, cv=3)
    with parallel_config("threading"):  # processes take seconds to start
        beside = clone(lock).set_params(n_jobs=2).fit(X, Y)
    assert_same(lock.fit(X, Y), beside)


def test_it_is_cloned_pickled_and_set_as_estimators_are():
    lock = VerificationThreshold(make_pipeline(StandardScaler(), EMBEDDER), far=0.1)
    lock.set_params(estimator__arcfaceembedder__n_components=3, cv=3, criterion="far")
    assert lock.get_params()["estimator__arcfaceembedder__n_components"] == 3
    lock.fit(X, Y)
    assert lock.estimator_.transform(X).shape == (80, 3)
    assert not hasattr(clone(lock), "threshold_")
    assert_same(clone(lock).fit(X, Y), lock)
    again = pickle.loads(pickle.dumps(lock))
    assert_same(again, lock)
    assert np.array_equal(again.verify(X[:40], X[40:]), lock.verify(X[:40], X[40:]))


# -- what a first reading found


def test_a_part_for_each_has_as_many_people_however_many_images():
    rng = np.random.default_rng(0)
    who = np.repeat(range(5), [100, 10, 10, 10, 10])
    rows = rng.normal(size=(5, 6))[who] + rng.normal(size=(len(who), 6)) / 2
    lock = VerificationThreshold(EMBEDDER, cv=2, far=0.1).fit(rows, who)
    assert lock.n_same_ == sum(n * (n - 1) // 2 for n in (100, 10, 10, 10, 10))
    assert lock.n_features_in_ == 6


def test_a_part_of_one_image_makes_no_pairs():
    rng = np.random.default_rng(0)
    who = np.repeat(range(5), [5, 5, 5, 5, 1])
    rows = rng.normal(size=(5, 6))[who] + rng.normal(size=(len(who), 6)) / 2
    folds = [(np.arange(10, 21), np.arange(10)), (np.arange(20), np.arange(20, 21))]
    lock = VerificationThreshold(EMBEDDER, cv=folds, far=0.2).fit(rows, who)
    assert (lock.n_same_, lock.n_different_) == (20, 25)
    with pytest.raises(ValueError, match="holds out no pair"):
        VerificationThreshold(EMBEDDER, cv=folds[1:], far=0.2).fit(rows, who)


def test_as_many_names_as_images():
    prefit = VerificationThreshold(StandardScaler().fit(X), cv="prefit", far=0.1)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        prefit.fit(X, Y[:50])
    with pytest.raises(ValueError, match="the target y is None"):
        prefit.fit(X, None)


def test_what_makes_no_embeddings_is_refused():
    with pytest.raises(TypeError, match="ColumnlessScaler has no transform"):
        VerificationThreshold(type("ColumnlessScaler", (BaseEstimator,), {})()).fit(
            X, Y
        )


def test_the_interval_of_a_lock_that_accepts_no_two_people_has_its_rate():
    rows, who = np.repeat(np.eye(4), 5, axis=0), np.repeat(range(4), 5)
    tar = VerificationThreshold(criterion="accuracy").fit(rows, who).tar_
    assert (tar.rate, tar.high) == (1, 1)
    assert tar.low <= 1


@pytest.mark.parametrize("far", [0, 1])
@pytest.mark.parametrize("seed", range(8))
def test_tables_are_judged_as_in_fit_at_both_ends(far, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(10, 20))
    rows[2] = rows[0] + 0.01 * rng.normal(size=20)  # two people, nearly the same
    who = np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    table = pd.DataFrame(rows)
    i, j = np.triu_indices(10, 1)
    lock = VerificationThreshold(far=far).fit(table, who)
    accepted = lock.verify(table.iloc[i], table.iloc[j])
    assert accepted[who[i] != who[j]].mean() == lock.far_ == far
    assert lock.verify(rows[:3], -rows[:3]).all() == far


def test_routed_weights_that_nothing_takes_are_refused():
    with config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True).fit(X)
        prefit = VerificationThreshold(scaler, cv="prefit", far=0.1)
        with pytest.raises(TypeError, match="sample_weight, which is not used"):
            prefit.fit(X, Y, sample_weight=np.ones(len(X)))
