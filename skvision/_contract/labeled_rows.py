"""What classifiers are fitted to: rows, the class of each, and its weight."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from skvision._contract.images import validate_rows
from skvision._contract.labels import refuse_missing
from skvision._contract.sklearn_compat import check_sample_weight


class LabeledRows(NamedTuple):
    """Rows, the index of the class of each among the classes, and its weight.

    ``unbalanced`` are the weights before ``class_weight="balanced"``.
    """

    X: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    classes: np.ndarray
    unbalanced: Any = None

    @property
    def n_outputs(self) -> int:
        """Rows of W: two classes share one."""
        return len(self.classes) if len(self.classes) > 2 else 1

    @property
    def shares(self) -> np.ndarray:
        """What each row counts in a mean."""
        shares: np.ndarray = self.weights / self.weights.sum()
        return shares

    def shares_of(self, rows: np.ndarray) -> np.ndarray:
        """Return what each row counts in a mean over some rows, 0 for the others."""
        shares = np.zeros(len(self.weights))
        shares[rows] = self.weights[rows] / self.weights[rows].sum()
        return shares


def see(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    classes: Any = None,
    reset: bool,
) -> LabeledRows:
    """Check what is to be learned from; ``classes`` where they are known."""
    refuse_missing(y, "y")
    X, y = validate_rows(estimator, X, y, reset=reset)
    check_classification_targets(y)
    present, labels = np.unique(y, return_inverse=True)
    if classes is None:
        classes = present
        if len(classes) < 2:
            raise ValueError(
                f"y has one class only, {str(classes[0])!r}; a classifier needs "
                f"two or more."
            )
    else:
        unknown = np.setdiff1d(present, classes)
        if len(unknown):
            raise ValueError(
                f"y has the classes {unknown.tolist()}, which are not among those "
                f"announced, {classes.tolist()}: the first call of partial_fit, or "
                f"fit, settles what classes there are."
            )
        labels = np.searchsorted(classes, present)[labels]
    weights = _row_weights(sample_weight, estimator.class_weight, X, classes, labels)
    problem = LabeledRows(X, labels, weights, classes, unbalanced=weights)
    return _balanced(estimator, problem, np.arange(len(X)))


def announced_classes(estimator: Any, classes: Any) -> Any:
    """Return all classes there will be, as the calls of partial_fit name them."""
    if classes is not None:
        refuse_missing(classes, "classes")
        classes = np.unique(classes)
    if not hasattr(estimator, "classes_"):
        if classes is None or len(classes) < 2:
            raise ValueError(
                "The first call of partial_fit must name all classes there will "
                "be, two at least: pass classes=np.unique(all labels)."
            )
        return classes
    if classes is not None and not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            f"classes={classes.tolist()} is not the same as on the last call of "
            f"partial_fit, {estimator.classes_.tolist()}: leave it out."
        )
    return estimator.classes_


def refuse_balanced(estimator: Any) -> None:
    """Raise where class weights would need labels that partial_fit does not see."""
    if estimator.class_weight == "balanced":
        raise ValueError(
            'class_weight="balanced" needs all labels, which partial_fit does not '
            "have: give the weights as a dict, or as sample_weight."
        )


def refuse_other_classes(estimator: Any, classes: np.ndarray) -> None:
    """Raise where a fit cannot go on from the one before."""
    if not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            f"warm_start goes on from a fit of the classes "
            f"{estimator.classes_.tolist()}; got the classes {classes.tolist()}. Set "
            f"warm_start=False."
        )


def hold_out(
    estimator: Any, problem: LabeledRows, rng: np.random.RandomState
) -> tuple[LabeledRows, np.ndarray, np.ndarray]:
    """Return a problem, the rows of weight to learn from, and those to validate on.

    The problem is the one given, with weights of classes that are balanced among the
    rows to learn from: nothing is learned from the others.
    """
    from sklearn.model_selection import train_test_split

    rows = np.flatnonzero(problem.weights)
    if not estimator.early_stopping:
        return problem, rows, rows[:0]
    try:
        learning, held_out = train_test_split(
            rows,
            test_size=estimator.validation_fraction,
            stratify=problem.labels[rows],
            random_state=rng,
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping cannot hold out validation_fraction="
            f"{estimator.validation_fraction:g} of {len(rows)} rows of "
            f"{len(problem.classes)} classes: {error}"
        ) from error
    learning = np.sort(learning)
    return _balanced(estimator, problem, learning), learning, held_out


def _balanced(estimator: Any, problem: LabeledRows, rows: np.ndarray) -> LabeledRows:
    """Give all classes the same total weight in some rows, where that is asked for."""
    if not isinstance(estimator.class_weight, str):
        return problem
    weights, n_classes = problem.unbalanced, len(problem.classes)
    totals = np.bincount(problem.labels[rows], weights[rows], minlength=n_classes)
    share = totals.sum() / n_classes
    factors = np.divide(share, totals, where=totals > 0, out=np.zeros(n_classes))
    return problem._replace(weights=weights * factors[problem.labels])


def see_validation(
    estimator: Any,
    problem: LabeledRows,
    X_val: Any,
    y_val: Any,
    sample_weight_val: Any,
) -> LabeledRows:
    """Check images that the user gives to validate on."""
    if X_val is None or y_val is None:
        raise ValueError(
            f"X_val and y_val go together, and sample_weight_val with them; "
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
        raise ValueError(f"In the validation set: {error}") from error
    unknown = np.setdiff1d(y, problem.classes)
    if len(unknown):
        raise ValueError(
            f"y_val has the classes {unknown.tolist()}, which y does not have; its "
            f"classes are {problem.classes.tolist()}."
        )
    labels = np.searchsorted(problem.classes, y)
    return LabeledRows(X, labels, weights, problem.classes)


def _row_weights(
    sample_weight: Any, class_weight: Any, X: Any, classes: Any, labels: Any
) -> Any:
    """Return weights of rows times those of classes, where these are a dict."""
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
            "The weights of all rows are zero, by sample_weight, class_weight or both: "
            "Sample weights must contain at least one non-zero number."
        )
    with np.errstate(over="ignore"):
        total = weights.sum()
    if not np.isfinite(total):
        raise ValueError(
            f"The weights of rows, by sample_weight and class_weight, go up to "
            f"{weights.max():.3g} and add up to more than float64 can hold: divide "
            f"them by a power of ten. Only their ratios matter."
        )
    return weights
