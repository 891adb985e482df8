"""The charts of a report: training curves and calibration."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skvision._app.evidence import Evidence
from skvision._app.html_report.charts import Chart, Curve, draw
from skvision._app.html_report.learning_curve import count_right
from skvision._app.html_report.portraits import linear_model
from skvision._app.intervals import wilson_interval
from skvision._app.words import unbroken_percent
from skvision._linear.softmax_regression import SoftmaxRegression

_N_BINS = 10
_ENOUGH_TO_CALIBRATE = 30  # images
_MOST_DOTS = 30
_WHOLE = {"low": 0.0, "high": 1.0, "percent": True, "ticks": (0, 0.25, 0.5, 0.75, 1)}


class TrainingCharts(NamedTuple):
    """The charts of the training; None for one that cannot be drawn."""

    loss: Chart | None
    alpha: Chart | None
    learning: Chart | None


def draw_training(
    pipeline: Pipeline, evidence: Evidence, chance: float
) -> TrainingCharts:
    """Return charts of the objective, of the penalty and of the training images."""
    softmax = linear_model(pipeline)
    return TrainingCharts(
        _draw_loss(softmax),
        _draw_alphas(evidence.losses, softmax.alpha),
        _draw_learning(pipeline[-1], evidence, chance) if len(evidence.rows) else None,
    )


def draw_calibration(
    right: NDArray[np.bool_], confidence: NDArray[np.floating[Any]]
) -> Chart | None:
    """Return a chart of how often predictions are right, by their probability.

    Returns
    -------
    chart : Chart or None
        None if there are too few predictions.
    """
    if len(right) < _ENOUGH_TO_CALIBRATE:
        return None
    bins = np.minimum((confidence * _N_BINS).astype(int), _N_BINS - 1)
    points, intervals, rows = [], [], []
    for k in np.unique(bins).tolist():
        members = bins == k
        n, n_right = int(members.sum()), int(right[members].sum())
        low, high = wilson_interval(n_right, n)
        points.append((float(confidence[members].mean()), n_right / n))
        intervals.append((low, high))
        rows.append(
            [
                _write_range(k / _N_BINS, (k + 1) / _N_BINS, 0),
                str(n),
                unbroken_percent(points[-1][0]),
                unbroken_percent(n_right / n),
                _write_range(low, high),
            ]
        )
    mean, fraction = confidence.mean(), right.mean()
    return draw(
        "calibration",
        "Are the probabilities right?",
        f"The mean probability of the predicted class is {unbroken_percent(mean)}, "
        f"and {unbroken_percent(fraction)} of the predictions are right. On the broken "
        f"line the two agree; bars are 95\N{NO-BREAK SPACE}% intervals.",
        Curve(points, intervals, [(0, 0), (1, 1)], joined=False),
        x={"label": "predicted probability", **_WHOLE},
        y={"label": "fraction that is right", **_WHOLE},
        table=(
            [
                "probability",
                "images",
                "mean",
                "right",
                "95\N{NO-BREAK SPACE}% interval",
            ],
            rows,
        ),
    )


def _draw_loss(classifier: SoftmaxRegression) -> Chart | None:
    curve = [float(value) for value in classifier.loss_curve_]
    if len(curve) < 2 or not np.isfinite(curve).all():
        return None
    return draw(
        "loss",
        "The objective, by iteration",
        f"The solver minimizes the cross-entropy plus the penalty. The sum fell from "
        f"{curve[0]:.3g} to {curve[-1]:.3g} in {len(curve) - 1} iterations.",
        Curve(list(enumerate(curve)), dotted=len(curve) <= _MOST_DOTS),
        x={"label": "iteration"},
        y={"label": "objective", "low": min(0.0, *curve)},
        table=(
            ["iteration", "objective"],
            [[str(i), f"{value:.5f}"] for i, value in enumerate(curve)],
        ),
    )


def _draw_alphas(losses: dict[float, float], alpha: float) -> Chart | None:
    if len(losses) < 2:
        return None
    points = sorted(losses.items())
    alphas = [point[0] for point in points]
    ends = {alphas[0]: "smallest", alphas[-1]: "largest"}
    beyond = f" It is the {ends[alpha]} one that was tried." if alpha in ends else ""
    return draw(
        "alpha",
        "The strength of the penalty",
        f"The strength of the penalty on the weights, alpha, was chosen on validation "
        f"images, a part of the training images: alpha = {alpha:g} predicts them best."
        f"{beyond}",
        Curve(points, chosen=alphas.index(alpha)),
        x={"label": "alpha", "log": True, "ticks": alphas},
        y={"label": "cross-entropy"},
        table=(
            ["alpha", "cross-entropy on validation images"],
            [[f"{a:g}", f"{loss:.4f}"] for a, loss in points],
        ),
    )


def _draw_learning(classifier: Any, evidence: Evidence, chance: float) -> Chart | None:
    evaluation = evidence.evaluation
    truth = evaluation.truth
    n_right = count_right(
        classifier,
        evidence.rows,
        evidence.dataset.labels[evidence.split.in_training],
        evaluation.features,
        truth,
    )
    if len(n_right) < 2:
        return None
    points = [(float(n), k / len(truth)) for n, k in n_right.items()]
    intervals = [wilson_interval(k, len(truth)) for k in n_right.values()]
    (fewest, first), (all_of_them, last) = points[0], points[-1]
    return draw(
        "learning",
        "Would more images help?",
        f"After {fewest:.0f} training images, {unbroken_percent(first)} of the "
        f"held-out images are right; after all {all_of_them:.0f}, "
        f"{unbroken_percent(last)}. Bars are 95\N{NO-BREAK SPACE}% intervals. The "
        f"broken line is the accuracy of always predicting the most frequent class. If "
        f"the line still climbs at its end, more images are likely to help.",
        Curve(points, intervals, [(0, chance), (all_of_them, chance)]),
        x={"label": "training images", "low": 0.0},
        y={"label": "held-out images right", **_WHOLE},
        table=(
            [
                "training images",
                "right",
                "of",
                "fraction",
                "95\N{NO-BREAK SPACE}% interval",
            ],
            [
                [str(n), str(k), str(len(truth)), unbroken_percent(k / len(truth))]
                + [_write_range(low, high)]
                for (n, k), (low, high) in zip(n_right.items(), intervals, strict=True)
            ],
        ),
    )


def _write_range(low: float, high: float, digits: int = 1) -> str:
    return f"{unbroken_percent(low, digits)} to {unbroken_percent(high, digits)}"
