"""The charts of a report: how a model learned, and how well it knows what it knows."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._app.html_report.charts import Chart, draw
from skvision._app.html_report.learning_curve import count_right
from skvision._app.html_report.words import write_share
from skvision._app.report import wilson_interval
from skvision._app.train_and_score import Evidence
from skvision._linear.softmax_regression import SoftmaxRegression

_N_BINS = 10
_ENOUGH_TO_CALIBRATE = 30  # images
_MOST_DOTS = 30
_WHOLE = {"low": 0.0, "high": 1.0, "percent": True, "ticks": (0, 0.25, 0.5, 0.75, 1)}


class Training(NamedTuple):
    """The charts that there are; None for the others."""

    loss: Chart | None
    alpha: Chart | None
    learning: Chart | None


def draw_training(classifier: SoftmaxRegression, evidence: Evidence) -> Training:
    """Return charts of the objective, of the penalty and of the training images."""
    return Training(
        _draw_loss(classifier),
        _draw_alphas(evidence.losses, classifier.alpha),
        _draw_learning(classifier, evidence) if len(evidence.rows) else None,
    )


def draw_calibration(
    right: NDArray[np.bool_], confidence: NDArray[np.floating[Any]]
) -> Chart | None:
    """Return how often predictions are right, by their probability.

    None where there are too few of them.
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
                f"{write_share(k / _N_BINS, 0)} to {write_share((k + 1) / _N_BINS, 0)}",
                str(n),
                write_share(points[-1][0], 0),
                write_share(n_right / n, 0),
                f"{write_share(low, 0)} to {write_share(high, 0)}",
            ]
        )
    mean, share = confidence.mean(), right.mean()
    return draw(
        "calibration",
        "Is it as sure as it should be?",
        f"On average it gives its answer a probability of {write_share(mean, 0)}, and "
        f"{write_share(share, 0)} are right. On the broken line the two agree; bars "
        f"are 95\N{NO-BREAK SPACE}% intervals.",
        points,
        x={"label": "probability it gives", **_WHOLE},
        y={"label": "share that is right", **_WHOLE},
        table=(
            [
                "probability",
                "pictures",
                "mean",
                "right",
                "95\N{NO-BREAK SPACE}% interval",
            ],
            rows,
        ),
        intervals=intervals,
        reference=[(0, 0), (1, 1)],
        joined=False,
    )


def _draw_loss(classifier: SoftmaxRegression) -> Chart | None:
    curve = [float(value) for value in classifier.loss_curve_]
    if len(curve) < 2 or not np.isfinite(curve).all():
        return None
    return draw(
        "loss",
        "The objective, by iteration",
        f"What the solver makes small, cross-entropy and penalty, fell from "
        f"{curve[0]:.3g} to {curve[-1]:.3g} in {len(curve) - 1} iterations.",
        list(enumerate(curve)),
        x={"label": "iteration"},
        y={"label": "objective", "low": min(0.0, *curve)},
        table=(
            ["iteration", "objective"],
            [[str(i), f"{value:.5f}"] for i, value in enumerate(curve)],
        ),
        dotted=len(curve) <= _MOST_DOTS,
    )


def _draw_alphas(losses: dict[float, float], alpha: float) -> Chart | None:
    if len(losses) < 2:
        return None
    points = sorted(losses.items())
    alphas = [point[0] for point in points]
    ends = {alphas[0]: "smallest", alphas[-1]: "largest"}
    beyond = f" It is the {ends[alpha]} that was tried." if alpha in ends else ""
    return draw(
        "alpha",
        "How strong a penalty",
        f"The penalty on weights, alpha, was chosen on training images set aside: "
        f"alpha = {alpha:g} predicts them best.{beyond}",
        points,
        x={"label": "alpha", "log": True, "ticks": alphas},
        y={"label": "cross-entropy"},
        table=(
            ["alpha", "cross-entropy on images set aside"],
            [[f"{a:g}", f"{loss:.4f}"] for a, loss in points],
        ),
        chosen=alphas.index(alpha),
    )


def _draw_learning(classifier: SoftmaxRegression, evidence: Evidence) -> Chart | None:
    labels = evidence.pictures.labels
    truth = labels[evidence.in_test]
    n_right = count_right(
        classifier,
        evidence.rows,
        labels[evidence.in_training],
        evidence.features,
        truth,
    )
    if len(n_right) < 2:
        return None
    points = [(float(n), k / len(truth)) for n, k in n_right.items()]
    intervals = [wilson_interval(k, len(truth)) for k in n_right.values()]
    chance = np.unique(truth, return_counts=True)[1].max() / len(truth)
    (fewest, first), (all_of_them, last) = points[0], points[-1]
    return draw(
        "learning",
        "Would more images help?",
        f"After {fewest:.0f} training images, {write_share(first, 0)} of those held "
        f"out are right; after all {all_of_them:.0f}, {write_share(last, 0)}. Bars are "
        f"95\N{NO-BREAK SPACE}% intervals, the broken line is always saying the "
        f"commonest class. Where the line still climbs at its end, more images are "
        f"likely to help.",
        points,
        x={"label": "training images", "low": 0.0},
        y={"label": "held-out images right", **_WHOLE},
        table=(
            [
                "training images",
                "right",
                "of",
                "share",
                "95\N{NO-BREAK SPACE}% interval",
            ],
            [
                [str(n), str(k), str(len(truth)), write_share(k / len(truth), 0)]
                + [f"{write_share(low, 0)} to {write_share(high, 0)}"]
                for (n, k), (low, high) in zip(n_right.items(), intervals, strict=True)
            ],
        ),
        intervals=intervals,
        reference=[(0, chance), (all_of_them, chance)],
    )
