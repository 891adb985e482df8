"""Validation of the training data of classifiers: rows, labels and weights."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from skvision._contract.images import validate_rows
from skvision._contract.labels import refuse_missing
from skvision._contract.sklearn_compat import check_sample_weight
from skvision._training.sources import ArraySource, Source


class LabeledRows(NamedTuple):
    """Rows, the index of the class of each row, and the weight of each row.

    ``unbalanced`` holds the weights before ``class_weight="balanced"`` is applied.
    """

    source: Source
    labels: np.ndarray
    weights: np.ndarray
    classes: np.ndarray
    unbalanced: Any = None

    @property
    def n_outputs(self) -> int:
        """The number of rows of weights, which is one for two classes."""
        return len(self.classes) if len(self.classes) > 2 else 1

    @property
    def normalized_weights(self) -> np.ndarray:
        """The weights of the rows, scaled so that they sum to one."""
        shares: np.ndarray = self.weights / self.weights.sum()
        return shares

    def part(self, rows: np.ndarray) -> "LabeledRows":
        """Return some of the rows, which are copied to memory."""
        source = ArraySource(self.source.take(rows))
        return LabeledRows(source, self.labels[rows], self.weights[rows], self.classes)

    def normalized_weights_of(self, rows: np.ndarray) -> np.ndarray:
        """Return weights that sum to one over some rows and are 0 for the others."""
        normalized = np.zeros(len(self.weights))
        normalized[rows] = self.weights[rows] / self.weights[rows].sum()
        return normalized


def validate_labeled_rows(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    class_weight: Any,
    classes: Any = None,
    reset: bool,
) -> LabeledRows:
    """Validate training data; ``classes`` are the classes if they are known."""
    refuse_missing(y, "y")
    X, y = validate_rows(estimator, X, y, reset=reset)
    check_classification_targets(y)
    present, labels = np.unique(y, return_inverse=True)
    if classes is None:
        classes = present
        if len(classes) < 2:
            raise ValueError(
                f"y has only one class, {str(classes[0])!r}; a classifier needs at "
                f"least two."
            )
    else:
        unknown = np.setdiff1d(present, classes)
        if len(unknown):
            raise ValueError(
                f"y has the classes {unknown.tolist()}, which are not among the known "
                f"classes {classes.tolist()}. All classes must be passed to fit or to "
                f"the first call of partial_fit."
            )
        labels = np.searchsorted(classes, present)[labels]
    weights = _row_weights(sample_weight, class_weight, X, classes, labels)
    problem = LabeledRows(ArraySource(X), labels, weights, classes, unbalanced=weights)
    return _balanced(class_weight, problem, np.arange(len(X)))


def announced_classes(known: Any, classes: Any) -> Any:
    """Return all classes, as passed to the first call of ``partial_fit``.

    ``known`` are the classes of previous calls, or None in the first one.
    """
    if classes is not None:
        refuse_missing(classes, "classes")
        classes = np.unique(classes)
    if known is None:
        if classes is None or len(classes) < 2:
            raise ValueError(
                "The first call of partial_fit needs all classes, at least two: pass "
                "classes=np.unique(all labels)."
            )
        return classes
    if classes is not None and not np.array_equal(classes, known):
        raise ValueError(
            f"classes={classes.tolist()} is not the same as on the last call of "
            f"partial_fit, {known.tolist()}: omit it."
        )
    return known


def refuse_balanced(class_weight: Any) -> None:
    """Raise an error if class weights are balanced, which ``partial_fit`` cannot do."""
    if class_weight == "balanced":
        raise ValueError(
            'class_weight="balanced" needs all labels, which partial_fit does not '
            "have: pass class_weight as a dict, or pass sample_weight."
        )


def refuse_other_classes(known: np.ndarray, classes: np.ndarray) -> None:
    """Raise an error if a warm start is given other classes than the previous fit."""
    if not np.array_equal(classes, known):
        raise ValueError(
            f"warm_start=True needs the classes of the previous fit, "
            f"{known.tolist()}; got the classes {classes.tolist()}. Set "
            f"warm_start=False."
        )


def hold_out(
    problem: LabeledRows,
    fraction: float | None,
    class_weight: Any,
    rng: np.random.RandomState,
) -> tuple[LabeledRows, np.ndarray, np.ndarray]:
    """Split the rows of positive weight into training rows and held-out rows.

    Return the problem and the indices of both. None as the ``fraction`` holds out no
    rows. Balanced class weights are computed from the training rows only, so that
    nothing is learned from the held-out rows.
    """
    from sklearn.model_selection import train_test_split

    rows = np.flatnonzero(problem.weights)
    if fraction is None:
        return problem, rows, rows[:0]
    try:
        learning, held_out = train_test_split(
            rows,
            test_size=fraction,
            stratify=problem.labels[rows],
            random_state=rng,
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping cannot hold out validation_fraction="
            f"{fraction:g} of {len(rows)} rows of "
            f"{len(problem.classes)} classes: {error}"
        ) from error
    learning = np.sort(learning)
    return _balanced(class_weight, problem, learning), learning, held_out


def _balanced(class_weight: Any, problem: LabeledRows, rows: np.ndarray) -> LabeledRows:
    """Give all classes the same total weight in some rows if they are balanced."""
    if not isinstance(class_weight, str):
        return problem
    weights, n_classes = problem.unbalanced, len(problem.classes)
    totals = np.bincount(problem.labels[rows], weights[rows], minlength=n_classes)
    mean_total = totals.sum() / n_classes
    factors = np.divide(mean_total, totals, where=totals > 0, out=np.zeros(n_classes))
    return problem._replace(weights=weights * factors[problem.labels])


def validate_validation_set(
    estimator: Any,
    problem: LabeledRows,
    X_val: Any,
    y_val: Any,
    sample_weight_val: Any,
) -> LabeledRows:
    """Validate the images and labels of a validation set passed by the user."""
    if X_val is None or y_val is None:
        raise ValueError(
            f"X_val and y_val must be passed together; "
            f"{'X_val' if X_val is None else 'y_val'} is missing."
        )
    refuse_missing(y_val, "y_val")
    try:
        X, y = validate_rows(estimator, X_val, y_val, reset=False)
        weights = check_sample_weight(
            sample_weight_val, X, dtype=np.float64, ensure_non_negative=True
        )
        if not weights.any():
            raise ValueError("Sample weights must contain a non-zero number.")
    except ValueError as error:
        raise ValueError(f"Invalid validation set: {error}") from error
    unknown = np.setdiff1d(y, problem.classes)
    if len(unknown):
        raise ValueError(
            f"y_val has the classes {unknown.tolist()}, which are not in y; the "
            f"classes of y are {problem.classes.tolist()}."
        )
    labels = np.searchsorted(problem.classes, y)
    return LabeledRows(ArraySource(X), labels, weights, problem.classes)


def _row_weights(
    sample_weight: Any, class_weight: Any, X: Any, classes: Any, labels: Any
) -> Any:
    """Return the weights of rows, times class weights if they are a dict."""
    weights = check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    if isinstance(class_weight, dict):
        of_classes = compute_class_weight(
            class_weight, classes=classes, y=classes[labels]
        )
        if not (np.isfinite(of_classes).all() and min(of_classes) >= 0):
            raise ValueError(
                f"class_weight must not be negative, infinite or NaN; got "
                f"{class_weight}."
            )
        with np.errstate(over="ignore"):
            weights = weights * of_classes[labels]
    if not weights.any():
        raise ValueError(
            "All weights are zero, through sample_weight, class_weight or both: "
            "Sample weights must contain at least one non-zero number."
        )
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not np.isfinite(total):
        raise ValueError(
            f"The sum of the weights, from sample_weight and class_weight, overflows "
            f"in float64; the largest weight is {weights.max():.3g}. Divide the "
            f"weights by a power of ten; only their ratios matter."
        )
    return weights
