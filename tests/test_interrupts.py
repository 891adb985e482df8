"""Ctrl-C ends every fit and each loop around fits, and leaves nothing half done."""

import signal
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from threadpoolctl import ThreadpoolController

import skvision
from skvision import (
    HOG,
    ArcFaceEmbedder,
    BagOfVisualWords,
    ColorHistogram,
    KNNImageClassifier,
    MLPBackprop,
    MulticlassSVM,
    Perceptron,
    PixelNormalizer,
    SoftmaxRegression,
    VerificationThreshold,
)
from skvision.model_selection import CoarseToFineSearchCV
from skvision.schedules import OnPlateau

PACKAGE = str(Path(skvision.__file__).parent)


def interrupt():
    """Interrupt, also in a process that was started to ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


class Interrupting:
    """An augmentation that changes nothing, and interrupts its n-th call."""

    def __init__(self, n):
        self.n, self.n_calls = n, 0

    def __call__(self, images, rng):
        self.n_calls += 1
        if self.n_calls == self.n:
            interrupt()
        return images


class Events:
    """Counts where Python could handle a signal in skvision, and interrupts the n-th.

    That is where a function is entered and where a call of C code has returned; but for
    the end of a context, at whose very first instruction nothing can be done any more.
    """

    def __init__(self, n=None):
        self.n, self.n_seen = n, 0

    def __call__(self, frame, event, _):
        code = frame.f_code
        ours = code.co_filename.startswith(PACKAGE) and code.co_name != "__exit__"
        if ours and event in ("call", "c_return"):
            self.n_seen += 1
            if self.n_seen == self.n:
                interrupt()

    def watch(self, call):
        """Call; return whether that was interrupted."""
        before = sys.getprofile()
        sys.setprofile(self)
        try:
            call()
        except KeyboardInterrupt:
            return True
        finally:
            sys.setprofile(before)
        return False


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


SMALL = {"batch_size": 16, "max_iter": 4, "random_state": 0, "tol": 0}
BY_EPOCHS = [
    MLPBackprop(8, batch_norm=True, dropout=0.2, **SMALL),
    MLPBackprop(8, solver="sgd", learning_rate=OnPlateau(1), average_last=2, **SMALL),
    MLPBackprop(8, early_stopping=True, n_iter_no_change=9, **SMALL),
    ArcFaceEmbedder(4, learning_rate="constant", **SMALL),
    SoftmaxRegression(solver="adam", n_iter_no_change=9, **SMALL),
    MulticlassSVM(solver="sgd", average=20, learning_rate_init=1e-7, **SMALL),
    Perceptron(**SMALL),
    Perceptron(**{**SMALL, "batch_size": 1}, average=True, early_stopping=True),
]
AT_ONCE = [
    MLPBackprop(8, solver="lbfgs", max_iter=5),
    SoftmaxRegression(max_iter=5),
    MulticlassSVM("hinge", max_iter=5),
    KNNImageClassifier(3),
    PixelNormalizer(),
    BagOfVisualWords(n_words=8, n_patches=200, random_state=0),
    HOG(),
    ColorHistogram(),
    VerificationThreshold(ArcFaceEmbedder(4, **SMALL), far=0.5, cv=2),
]


def name(estimator):
    options = ("solver", "loss", "average", "early_stopping")
    told = {option: getattr(estimator, option, None) for option in options}
    return "-".join(
        [type(estimator).__name__, *(str(of) for of in told.values() if of)]
    )


def state(estimator, *, without=()):
    """Return a hash of all that an estimator has."""
    return joblib.hash({k: v for k, v in vars(estimator).items() if k not in without})


quietly = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning"
)


@quietly
@pytest.mark.parametrize("estimator", BY_EPOCHS + AT_ONCE, ids=name)
def test_an_interrupt_anywhere_leaves_nothing_half_fitted(estimator, pictures):
    (X, y), threads = pictures, n_threads()
    former = clone(estimator).fit(X[8:], y[8:])
    whole = [
        clone(estimator).set_params(max_iter=k).fit(X, y)
        for k in range(1, 5)
        if estimator in BY_EPOCHS
    ]
    if getattr(estimator, "average_last", None):  # which epochs depends on max_iter
        whole = []
    events = Events()
    events.watch(lambda: clone(estimator).fit(X, y))
    kept = set()
    before = state(former)
    for n in np.linspace(1, events.n_seen - 1, 25).astype(int):
        model = clone(former)
        vars(model).update(vars(former))
        if not Events(n).watch(lambda model=model: model.fit(X, y)):
            continue  # threads move the end by a little
        if not vars(model).get("interrupted_"):
            assert state(model) == before, n
            continue
        kept.add(model.n_iter_)
        assert estimator in BY_EPOCHS
        model.predict(X)
        if whole:
            told = ("max_iter", "interrupted_", "_rng")
            one = whole[model.n_iter_ - 1]
            assert state(model, without=told) == state(one, without=told), n
    assert bool(kept) == (estimator in BY_EPOCHS)
    assert state(former) == before
    assert n_threads() == threads


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


class TestCallbacks:
    """They are told of each epoch that is whole, and closed."""

    @pytest.fixture
    def recorder(self):
        callback = pytest.importorskip("sklearn.callback")

        class Recorder(callback.FitCallback):
            def __init__(self, stop_at=None):
                self.stop_at, self.heard = stop_at, []

            def setup(self, estimator, context):
                self.heard.append("setup")

            def teardown(self, estimator, context):
                self.heard.append("teardown")

            def on_fit_task_begin(self, estimator, context):
                pass

            def on_fit_task_end(self, estimator, context, *, fitted_estimator):
                if fitted_estimator is not None:
                    self.heard.append(context.task_name)
                if self.heard.count("iteration") == self.stop_at:
                    interrupt()

        return Recorder

    @pytest.mark.parametrize(
        "model",
        [
            MLPBackprop(8, random_state=0),
            ArcFaceEmbedder(4),
            SoftmaxRegression(solver="adam"),
            Perceptron(batch_size=1),
        ],
        ids=name,
    )
    def test_a_callback_that_interrupts(self, model, recorder, pictures):
        heard = recorder(stop_at=2)
        model = clone(model).set_callbacks(heard)
        with pytest.raises(KeyboardInterrupt):
            model.fit(*pictures)
        assert heard.heard == ["setup", "iteration", "iteration", "teardown"]
        assert model.interrupted_
        assert model.n_iter_ == 2
        assert not hasattr(model, "_callback_fit_ctx")

    def test_an_interrupt_beside_callbacks(self, recorder, pictures):
        heard = recorder()
        model = network(6).set_callbacks(heard)
        with pytest.raises(KeyboardInterrupt):
            model.fit(*pictures)
        assert heard.heard == ["setup", "iteration", "iteration", "teardown"]
