"""Missing labels: one error everywhere, which counts them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimators import CHECKED
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform
from sklearn.base import clone, is_classifier

from skvision import (
    ArcFaceEmbedder,
    KNNImageClassifier,
    MLPBackprop,
    VerificationThreshold,
)
from skvision._contract.labels import refuse_missing
from skvision.inspection import (
    EmbeddingDisplay,
    MistakesDisplay,
    NeighborsDisplay,
    RobustnessDisplay,
    VerificationDisplay,
    first_loss_check,
    gradient_check_estimator,
    occlusion,
    overfit_check,
    saliency,
)
from skvision.metrics import (
    angle_statistics,
    equal_error_rate,
    identification_rate,
    open_set_identification_rate,
    tar_at_far,
    verification_auc,
    verification_curve,
    verification_pairs,
)
from skvision.model_selection import CoarseToFineSearchCV, k_selection_curve

N = 12
X = np.random.default_rng(0).normal(size=(N, 2, 2))
ROWS = X.reshape(N, 4)
NAMES = ["ann", "bob", "eve"] * 4
CLASSIFIERS = [E for E in CHECKED if is_classifier(E())]
EMBEDDER = ArcFaceEmbedder(2, max_iter=1, random_state=0).fit(X, NAMES)
KNN = KNNImageClassifier(1).fit(X, NAMES)
MISSING = [None, np.nan, float("nan"), pd.NA, pd.NaT, np.datetime64("NaT")]


def words(rows):
    return [None if i in rows else name for i, name in enumerate(NAMES)]


# in each of these some labels are missing
COLUMNS = {
    "floats": lambda rows: np.array(
        [np.nan if i in rows else i % 3 for i in range(N)], np.float32
    ),
    "list": words,
    "list of words and NaN": lambda rows: [
        np.nan if i in rows else name for i, name in enumerate(NAMES)
    ],
    "objects": lambda rows: np.array(words(rows), dtype=object),
    "column": lambda rows: np.array(words(rows), dtype=object)[:, None],
    "dates": lambda rows: np.array(
        ["NaT" if i in rows else f"200{i % 3}" for i in range(N)], "datetime64[D]"
    ),
    "masked": lambda rows: np.ma.array(
        np.arange(N) % 3, mask=[i in rows for i in range(N)]
    ),
    "Series": lambda rows: pd.Series(words(rows)),
    "string": lambda rows: pd.Series(words(rows), dtype="string"),
    "category": lambda rows: pd.Series(words(rows), dtype="category"),
    "Categorical": lambda rows: pd.Categorical(words(rows)),
    "Int64": lambda rows: pd.Series(
        [None if i in rows else i % 3 for i in range(N)], dtype="Int64"
    ),
    "boolean": lambda rows: pd.Series(
        [None if i in rows else i % 2 == 0 for i in range(N)], dtype="boolean"
    ),
    "polars": lambda rows: pl.Series(words(rows)),
    "polars numbers": lambda rows: pl.Series(
        [None if i in rows else i % 3 for i in range(N)]
    ),
}


# whatever takes labels, and the name of the argument
TAKERS = {
    "labels": [
        verification_pairs,
        lambda y: angle_statistics(ROWS, y),
    ],
    "gallery_labels": [
        lambda y: identification_rate(ROWS, y, ROWS, NAMES),
        lambda y: open_set_identification_rate(ROWS, y, ROWS, NAMES),
    ],
    "probe_labels": [
        lambda y: identification_rate(ROWS, NAMES, ROWS, y),
        lambda y: open_set_identification_rate(ROWS, NAMES, ROWS, y),
    ],
    "y_same": [
        lambda y: verification_curve(y, np.arange(N)),
        lambda y: equal_error_rate(y, np.arange(N)),
        lambda y: tar_at_far(y, np.arange(N)),
        lambda y: VerificationDisplay(y, np.arange(N)),
    ],
    "y": [
        lambda y: verification_auc(EMBEDDER, X, y),
        lambda y: VerificationThreshold().fit(ROWS, y),
        lambda y: VerificationThreshold(clone(EMBEDDER)).fit(X, y),
        lambda y: VerificationThreshold(EMBEDDER, cv="prefit").fit(X, y),
        lambda y: k_selection_curve(X, y, [1], cv=2),
        lambda y: CoarseToFineSearchCV(
            KNNImageClassifier(), {"n_neighbors": [1, 2, 3]}
        ).fit(X, y),
        lambda y: overfit_check(KNNImageClassifier(), X, y, n_samples=3),
        lambda y: first_loss_check(MLPBackprop(), X, y),
        lambda y: gradient_check_estimator(EMBEDDER, X, y),
        lambda y: VerificationDisplay.from_estimator(EMBEDDER, X, y),
        lambda y: EmbeddingDisplay.from_estimator(EMBEDDER, X, y),
        lambda y: EmbeddingDisplay.from_predictions(ROWS[:, :2], y),
        lambda y: RobustnessDisplay.from_estimator(KNN, X, y),
        lambda y: NeighborsDisplay.from_estimator(KNN, X, y, X_train=X),
    ],
    "y_true": [
        lambda y: MistakesDisplay.from_predictions(X, y, NAMES),
        lambda y: NeighborsDisplay(X, X[:, None], [NAMES], [1], y_true=y),
    ],
    "y_pred": [lambda y: MistakesDisplay.from_predictions(X, NAMES, y)],
    "y_val": [
        lambda y: MLPBackprop().fit(X, NAMES, X_val=X, y_val=y),
    ],
    "target": [
        lambda y: saliency(EMBEDDER, X, target=y),
        lambda y: occlusion(KNN, X, target=y),
    ],
}


def refusal(name, n):
    return rf"^{name} has {n} of \d+ labels missing \(NaN, None, pandas\.NA or NaT\)"


@pytest.mark.parametrize("kind", COLUMNS)
def test_missing_labels_are_found_in_every_kind_of_column(kind):
    for rows in {0}, {3, 7}, {*range(N)}:
        if kind == "polars numbers" and len(rows) == N:
            continue  # a column of nothing has no type
        with pytest.raises(ValueError, match=refusal("y", len(rows))) as refused:
            refuse_missing(COLUMNS[kind](rows), "y")
        assert f"the first in row {min(rows)}:" in str(refused.value)
    refuse_missing(COLUMNS[kind](set()), "y")


@settings(deadline=None)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(MISSING),
            st.sampled_from(["nan", "None", "<NA>", "NaT", "", "null", b"", 0, 0.0]),
            st.integers(-9, 9),
            st.floats(allow_nan=False),
            st.booleans(),
        ),
        min_size=1,
    )
)
def test_exactly_what_is_missing_is_counted(labels):
    n = sum(any(label is one for one in MISSING) for label in labels)
    for given_as in (labels, tuple(labels), np.array(labels, dtype=object)):
        if n:
            with pytest.raises(ValueError, match=refusal("y", n)):
                refuse_missing(given_as, "y")
        else:
            refuse_missing(given_as, "y")


@pytest.mark.parametrize(
    ("name", "take"), [(name, take) for name, takes in TAKERS.items() for take in takes]
)
def test_whatever_takes_labels_refuses_missing_ones(name, take):
    for kind in ("list of words and NaN", "string", "floats"):
        with pytest.raises(ValueError, match=refusal(name, 2)):
            take(COLUMNS[kind]({3, 7}))


@pytest.mark.parametrize("E", CLASSIFIERS, ids=lambda E: E.__name__)
def test_every_classifier_refuses_missing_labels(E):
    for kind, column in COLUMNS.items():
        with pytest.raises(ValueError, match=refusal("y", 2)):
            E().fit(X, column({3, 7}))
        if not hasattr(E(), "partial_fit"):
            continue
        with pytest.raises(ValueError, match=refusal("y", 2)):
            E().partial_fit(X, column({3, 7}), classes=np.unique(NAMES))
        if kind == "list":
            with pytest.raises(ValueError, match=refusal("classes", 1)):
                E().partial_fit(X, NAMES, classes=["ann", "bob", None])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("E", CLASSIFIERS, ids=lambda E: E.__name__)
def test_no_score_counts_missing_labels(E):
    model = E().fit(X, NAMES)
    for column in COLUMNS.values():
        with pytest.raises(ValueError, match=refusal("y", 2)):
            model.score(X, column({3, 7}))
    assert model.score(X, NAMES) == np.mean(model.predict(X) == NAMES)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("E", CLASSIFIERS, ids=lambda E: E.__name__)
def test_words_that_look_missing_are_names(E):
    looks = {"ann": "nan", "bob": "None", "eve": "<NA>"}
    model = E().fit(X, [looks[name] for name in NAMES])
    assert model.classes_.tolist() == ["<NA>", "None", "nan"]


def test_an_unlabeled_search_is_no_matter_of_labels():
    from sklearn.decomposition import PCA

    space = {"tol": loguniform(1e-4, 1e-2)}
    search = CoarseToFineSearchCV(PCA(2), space, n_iter=3, cv=2).fit(ROWS)
    assert search.best_estimator_.n_components_ == 2
