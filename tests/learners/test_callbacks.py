"""All learners tell scikit-learn's callbacks of iterations, obey, and close them."""

import numpy as np
import pytest
from learner_states import Interrupting, interrupt
from learner_table import each, learned

from skvision import MLPBackprop

callback = pytest.importorskip("sklearn.callback")
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ITERATIONS = ["iteration"] * 2


class Recorder(callback.FitCallback):
    """Remembers what it was told, and stops or interrupts a fit at an iteration."""

    def __init__(self, rows=None, stop_at=None, interrupt_at=None):
        self.rows, self.stop_at, self.interrupt_at = rows, stop_at, interrupt_at
        self.heard, self.scores = [], []

    def setup(self, estimator, context):
        self.heard.append("setup")

    def teardown(self, estimator, context):
        self.heard.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        if fitted_estimator is not None:
            self.heard.append(context.task_name)
            if self.rows is not None and context.task_name == "iteration":
                self.scores.append(fitted_estimator.score(*self.rows))
        n = self.heard.count("iteration")
        if n == self.interrupt_at:
            interrupt()
        return n == self.stop_at


@pytest.fixture(autouse=True)
def _heard(ctrl_c):
    """Let interrupts be heard."""


@each()
def test_callbacks_see_each_iteration_and_stop(learner, rows):
    X, y = rows[0] + 2 * np.eye(5)[rows[1]], rows[1]
    recorder = Recorder((X, y), stop_at=3)
    model = learner.make().set_callbacks(recorder).fit(X, y)
    assert len(recorder.scores) == 3
    assert recorder.heard[:4] == ["setup", *ITERATIONS, "iteration"]
    assert recorder.heard[-1] == "teardown"
    if not learner.averages_last:  # whose mean comes at the end
        assert model.score(X, y) == recorder.scores[-1]
    if learner.exact:
        assert recorder.scores[-1] > 0.5
    if learner.epochs:
        assert model.n_iter_ == 3
    assert not hasattr(model, "_callback_fit_ctx")


@each()
def test_callbacks_change_nothing(learner, rows):
    recorder = Recorder(rows)
    model = learner.make().set_callbacks(recorder).fit(*rows)
    np.testing.assert_array_equal(learned(model), learned(learner.make().fit(*rows)))
    if learner.epochs and not learner.averages_last:
        assert recorder.scores[-1] == model.score(*rows)


@each("epochs")
def test_a_callback_that_interrupts(learner, rows):
    recorder = Recorder(interrupt_at=2)
    model = learner.make().set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt, match="keeps the result of 2 of max_iter=4"):
        model.fit(*rows)
    assert recorder.heard == ["setup", *ITERATIONS, "teardown"]
    assert model.interrupted_
    assert model.n_iter_ == 2
    assert not hasattr(model, "_callback_fit_ctx")


def test_an_interrupt_beside_callbacks(images):
    recorder = Recorder()
    model = MLPBackprop(
        8, augmentation=Interrupting(6), batch_size=20, random_state=0
    ).set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*images)
    assert recorder.heard == ["setup", *ITERATIONS, "teardown"]


@each("in_parts", "goes_on")
def test_scores_are_monitored(learner, rows):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    learner.make().set_callbacks(monitor).fit(*rows)
    log = monitor.get_logs().data
    found = [entry["accuracy"] for entry in log if entry["task_name"] == "iteration"]
    by_epochs, expected = learner.make(), []
    for _ in range(4):
        by_epochs.partial_fit(*rows, classes=[0, 1, 2])
        expected.append(by_epochs.score(*rows))
    assert found == expected


def test_progress_bar(rows, capsys):
    pytest.importorskip("rich")
    model = MLPBackprop(6, max_iter=3, random_state=0)
    model.set_callbacks(callback.ProgressBar()).fit(*rows)
    assert "MLPBackprop" in capsys.readouterr().out
