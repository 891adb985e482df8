"""Ctrl-C ends every fit and each loop around fits, and leaves nothing half done."""

from dataclasses import replace

import numpy as np
import pytest
from joblib import parallel_config
from learner_states import Events, Interrupting, nothing_fitted, state
from learner_table import FEW, LEARNERS, each, learned
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import ThreadpoolController

from skvision import (
    HOG,
    ArcFaceEmbedder,
    BagOfVisualWords,
    ColorHistogram,
    KNNImageClassifier,
    MLPBackprop,
    PixelNormalizer,
    VerificationThreshold,
)
from skvision.model_selection import CoarseToFineSearchCV
from skvision.schedules import OnPlateau

quietly = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning"
)


@pytest.fixture(autouse=True)
def _heard(ctrl_c):
    """Let interrupts be heard."""


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8), np.arange(40) % 4


def n_threads():
    """Return how many threads each library takes for matrix products."""
    return [one.num_threads for one in ThreadpoolController().lib_controllers]


BY_NAME = {learner.name: learner for learner in LEARNERS}
STOPPING = [
    replace(
        BY_NAME[name],
        name=f"{name}_stopping",
        model=BY_NAME[name].make(early_stopping=True, n_iter_no_change=9),
    )
    for name in ("softmax_adam", "perceptron_rows_average", "mlp", "mlp_adamw")
]
PLATEAU = replace(
    BY_NAME["mlp_average"],
    name="mlp_plateau",
    model=BY_NAME["mlp_average"].make(solver="sgd", learning_rate=OnPlateau(1)),
)
AT_ONCE = [
    KNNImageClassifier(3),
    PixelNormalizer(),
    BagOfVisualWords(n_words=8, n_patches=200, random_state=0),
    HOG(),
    ColorHistogram(),
    VerificationThreshold(ArcFaceEmbedder(4, **FEW), far=0.5, cv=2),
]


def interrupts_of(estimator, former, X, y, n_points):
    """Yield what refits of a copy are after interrupts at points all over them."""
    events = Events()
    events.watch(lambda: clone(estimator).fit(X, y))
    for n in np.linspace(1, events.n_seen - 1, n_points).astype(int):
        model = clone(former)
        vars(model).update(vars(former))
        error = Events(n).watch(lambda model=model: model.fit(X, y))
        if error is not None:  # threads move the end by a little
            yield model, str(error)


@quietly
@each(of=[*LEARNERS, *STOPPING, PLATEAU])
def test_an_interrupt_anywhere_keeps_whole_epochs_or_the_former_fit(learner, rows):
    (X, y), threads = rows, n_threads()
    estimator = learner.make(max_iter=4, tol=0)
    former = clone(estimator).fit(X[8:], y[8:])
    before = state(former)
    whole = []
    if learner.epochs and not learner.averages_last:  # which depends on max_iter
        whole = [clone(estimator).set_params(max_iter=k).fit(X, y) for k in range(1, 5)]
    kept = set()
    n_points = 16 if learner.epochs else 8
    for model, told in interrupts_of(estimator, former, X, y, n_points):
        if not vars(model).get("interrupted_"):
            assert state(model) == before
            continue
        kept.add(model.n_iter_)
        assert f"keeps the result of {model.n_iter_} of max_iter=4 epochs" in told
        model.predict(X)
        if whole:
            others = {"without": ("max_iter", "interrupted_"), "chance": False}
            one = whole[model.n_iter_ - 1]
            assert not one.interrupted_
            assert state(model, **others) == state(one, **others)
    assert bool(kept) == learner.epochs
    assert state(former) == before
    for model, _ in interrupts_of(estimator, clone(estimator), X, y, 6):
        assert vars(model).get("interrupted_") or nothing_fitted(model)
    assert n_threads() == threads


@quietly
@pytest.mark.parametrize("estimator", AT_ONCE, ids=lambda of: type(of).__name__)
def test_an_interrupt_anywhere_keeps_the_former_fit(estimator, pictures):
    (X, y), threads = pictures, n_threads()
    former = clone(estimator).fit(X[8:], y[8:])
    before = state(former)
    for model, _ in interrupts_of(estimator, former, X, y, 25):
        assert not vars(model).get("interrupted_")
        assert state(model) == before
    assert n_threads() == threads


@quietly
@each("has_partial_fit")
def test_an_interrupted_partial_fit_changes_nothing(learner, rows):
    """Or it is whole, and says so."""
    model = learner.make(random_state=0).partial_fit(*rows, classes=range(3))
    before, events, whole = state(model), Events(), clone(model)
    vars(whole).update(vars(model))
    events.watch(lambda: whole.partial_fit(*rows))
    for n in np.linspace(1, events.n_seen - 1, 10).astype(int):
        other = clone(model)
        vars(other).update(vars(model))
        if Events(n).watch(lambda other=other: other.partial_fit(*rows)) is None:
            continue
        if vars(other).get("interrupted_"):
            assert other.n_iter_ == 2
            np.testing.assert_array_equal(learned(other), learned(whole))
        else:
            assert state(other) == before
    np.testing.assert_array_equal(learned(model.partial_fit(*rows)), learned(whole))


def network(n_call, **options):
    """Return a network of which a fit is interrupted in a batch; two are an epoch."""
    options = {"batch_size": 20, "random_state": 0, **options}
    return MLPBackprop(8, augmentation=Interrupting(n_call), **options)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("how", ["partial_fit", "warm_start"])
def test_what_goes_on_after_an_interrupt_is_as_after_fewer_epochs(
    how, solver, pictures
):
    """Weights, velocities and random numbers are those of the last whole epoch."""
    options = {"solver": solver, "dropout": 0.3, "batch_norm": True}
    cut, whole = network(6, **options), network(0, max_iter=2, **options)
    with pytest.raises(KeyboardInterrupt, match="keeps the result of 2 of max_iter="):
        cut.fit(*pictures)
    whole.fit(*pictures)
    assert cut.interrupted_
    assert not whole.interrupted_
    for model in (cut, whole):
        if how == "warm_start":
            model.set_params(warm_start=True, max_iter=3).fit(*pictures)
        else:
            for _ in range(3):
                model.partial_fit(*pictures)
    np.testing.assert_array_equal(cut.parameters_, whole.parameters_)
    assert cut.loss_curve_ == whole.loss_curve_
    assert cut.n_iter_ == whole.n_iter_ == 5
    assert not cut.interrupted_


def test_an_interrupt_before_the_first_whole_epoch_keeps_the_former_fit(pictures):
    X, y = pictures
    model = network(0, max_iter=2).fit(X, y)
    before = state(model, without=["augmentation", "warm_start"])
    for warm_start in (False, True):
        model.set_params(augmentation=Interrupting(2), warm_start=warm_start)
        for go_on in (model.fit, model.partial_fit):
            model.augmentation.n_calls = 0
            with pytest.raises(KeyboardInterrupt):
                go_on(X, y)
            assert state(model, without=["augmentation", "warm_start"]) == before
    with pytest.raises(KeyboardInterrupt):
        network(2).fit(X, y)


def test_a_fit_that_fails_after_an_interrupted_one_keeps_that(pictures):
    X, y = pictures
    model = network(5)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    before = model.parameters_.copy()
    with pytest.raises(ValueError):
        model.fit(X, y + 0.5)
    assert model.interrupted_
    np.testing.assert_array_equal(model.parameters_, before)


LOOPS = {
    "cross_val_score": lambda model, X, y: cross_val_score(
        model, X, y, cv=KFold(4), error_score=0
    ),
    "GridSearchCV": lambda model, X, y: GridSearchCV(
        model, {"mlpbackprop__alpha": [0, 1]}, cv=2, error_score=0
    ).fit(X, y),
    "BaggingClassifier": lambda model, X, y: BaggingClassifier(model).fit(
        X.reshape(len(X), -1), y
    ),
    "CoarseToFineSearchCV": lambda model, X, y: CoarseToFineSearchCV(
        model, {"mlpbackprop__alpha": [0, 1, 2]}, cv=2, n_iter=3, error_score=0
    ).fit(X, y),
    "VerificationThreshold": lambda model, X, y: VerificationThreshold(
        model, cv=2, far=0.5
    ).fit(X, y),
}


@pytest.mark.parametrize("loop", LOOPS)
def test_an_interrupt_ends_what_runs_over_fits(loop, pictures):
    X, y = pictures
    fits = []

    def fit(self, *args, **kwargs):
        fits.append(self)
        return MLPBackprop.fit(self, *args, **kwargs)

    counted = type("MLPBackprop", (MLPBackprop,), {"fit": fit})
    model = counted(
        8, augmentation=Interrupting(5), batch_size=10, image_shape=(8, 8, 3)
    )
    with pytest.raises(KeyboardInterrupt):
        LOOPS[loop](make_pipeline(model), X, y)
    assert len(fits) == 1
    assert fits[0].interrupted_


@pytest.mark.slow
@pytest.mark.parametrize("loop", ["cross_val_score", "VerificationThreshold"])
def test_an_interrupt_of_a_process_ends_what_runs_over_processes(loop, pictures):
    model = MLPBackprop(8, augmentation=Interrupting(4), batch_size=10)
    with parallel_config("loky", n_jobs=2), pytest.raises(KeyboardInterrupt):
        LOOPS[loop](make_pipeline(model), *pictures)
