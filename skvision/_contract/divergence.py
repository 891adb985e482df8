"""Why a fit ended in numbers that are infinite or NaN, and what to change."""

from typing import Any

import numpy as np

PLAIN = 10  # standardized features are seldom larger; scaling helps only above it


def largest_value(X: Any) -> float:
    """Return the largest absolute value, of bytes as of floats."""
    return max(float(X.max()), -float(X.min()))


def squares_of(dtype: Any) -> tuple[float, float]:
    """Return between which numbers squares neither vanish nor overflow."""
    limits = np.finfo(dtype)
    return float(limits.tiny) ** 0.5, float(limits.max) ** 0.5


def check_outputs(outputs: np.ndarray, X: Any) -> np.ndarray:
    """Raise where what was computed from some rows is infinite or NaN."""
    if not np.isfinite(outputs).all():
        raise ValueError(
            f"The result is infinite or NaN: X has values up to "
            f"{largest_value(X):.3g}, too large to compute with in {outputs.dtype} at "
            f"these weights. Pass X like that of fit, or scale it before the fit, with "
            f"PixelNormalizer() for instance."
        )
    return outputs


def advice_on_extremes(estimator: Any, X: Any, dtype: Any) -> str:
    """Say which of the numbers given to a fit cannot be computed with.

    Parameters
    ----------
    estimator : estimator
        Has the parameter ``alpha``.
    X : ndarray, uint8, float32 or float64
        Features.
    dtype : dtype
        What is computed in.

    Returns
    -------
    advice : str
        One sentence, or two.
    """
    largest, dtype = largest_value(X), np.dtype(dtype)
    start, end = squares_of(dtype)
    if estimator.alpha > end and largest < end:
        return (
            f"alpha={estimator.alpha:g} is too large to compute with in {dtype}: "
            f"lower it."
        )
    if largest < start:
        return (
            f"X has values up to {largest:.3g} only, too small to compute with in "
            f"{dtype}: {_scale_them(estimator)}."
        )
    if largest > PLAIN:
        return (
            f"X has values up to {largest:.3g}, too large to compute with in {dtype}: "
            f"{_scale_them(estimator)}."
        )
    return (
        f"It is out of the range of {dtype} at values of X up to {largest:.3g} and "
        f"alpha={estimator.alpha:g}: make the first weights smaller, or raise alpha."
    )


def advice_on_divergence(estimator: Any, X: Any, dtype: Any, *, scaled: bool) -> str:
    """Say why steps led to infinity, and what to change.

    Parameters
    ----------
    estimator : estimator
        Has the parameters of a mini-batch solver.
    X : ndarray, uint8, float32 or float64
        Features.
    dtype : dtype
        What is computed in.
    scaled : bool
        Whether the estimator standardizes the features itself.

    Returns
    -------
    advice : str
        One sentence, or two.
    """
    rate = estimator.learning_rate_init
    own = callable(estimator.learning_rate)  # which does not use learning_rate_init
    l2 = estimator.alpha * (1 - estimator.l1_ratio)
    limit = _largest_decay(estimator)
    if rate * l2 > limit and not own:
        share = " times 1 - l1_ratio" if estimator.l1_ratio else ""
        return (
            f"alpha={estimator.alpha:g}{share} times the step learning_rate_init="
            f"{rate:g} is {rate * l2:.3g}, and above {limit:.3g} the penalty alone "
            f"makes the weights grow without bound with solver={estimator.solver!r}: "
            f"lower alpha, or learning_rate_init to less than {limit / l2:.2g}."
        )
    X = np.ones(1) if scaled else X
    largest, (start, end) = largest_value(X), squares_of(dtype)
    if not start < largest < end or estimator.alpha > end:
        return advice_on_extremes(estimator, X, dtype)
    advice = f"Lower learning_rate_init={rate:g}"
    if own:
        advice = "Let learning_rate return smaller rates"
    if getattr(estimator, "max_gradient_norm", 0) is None:
        advice += ", or set max_gradient_norm"
    if largest > PLAIN:
        remedy = _scale_them(estimator)
        advice += f", or {remedy}: X has values up to {largest:.3g}"
    return f"{advice}."


def _scale_them(estimator: Any) -> str:
    if hasattr(estimator, "standardize"):
        return "set standardize=True"
    return "scale the features, with PixelNormalizer() for instance"


def _largest_decay(estimator: Any) -> Any:
    """Return the product of rate and L2 penalty above which weights cannot stay finite.

    Without momentum, a step multiplies weights by 1 less the product. With momentum,
    two steps are a linear map whose eigenvalues leave the unit circle at -1. Solvers
    that divide by the size of gradients take bounded steps.
    """
    if estimator.solver == "adamw":
        return 2.0
    if estimator.solver != "sgd":
        return np.inf
    momentum = estimator.momentum
    look_ahead = 2 * momentum if estimator.nesterovs_momentum else 0
    return 2 * (1 + momentum) / (1 + look_ahead)
