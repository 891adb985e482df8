"""Error messages and advice for fits and predictions that are infinite or NaN."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from skvision._training.sources import Source

PLAIN = 10  # standardized features are seldom larger, so scaling would not help


def largest_value(source: Source) -> float:
    """Return the largest absolute value of rows of any dtype."""
    blocks = map(source.take, source.blocks())
    return max(max(float(x.max()), -float(x.min())) for x in blocks)


def squares_of(dtype: Any) -> tuple[float, float]:
    """Return the range of numbers whose squares neither underflow nor overflow."""
    limits = np.finfo(dtype)
    return float(limits.tiny) ** 0.5, float(limits.max) ** 0.5


def check_outputs(outputs: np.ndarray, source: Source) -> np.ndarray:
    """Raise an error if a result computed from rows is infinite or NaN."""
    if not np.isfinite(outputs).all():
        raise ValueError(
            f"The result is infinite or NaN: X has values up to "
            f"{largest_value(source):.3g}, which are too large for {outputs.dtype} "
            f"with these weights. Pass X in the range of the training data, or scale "
            f"it before the fit, for example with PixelNormalizer()."
        )
    return outputs


def advice_on_extremes(
    parameters: Mapping[str, Any], largest: float, dtype: Any
) -> str:
    """Return which of the inputs of a fit is too large or too small, and what to do.

    Parameters
    ----------
    parameters : dict of str to object
        The parameters of an estimator, among them ``"alpha"``.
    largest : float
        The largest absolute value of the features.
    dtype : dtype
        The dtype of the computations.

    Returns
    -------
    advice : str
        One or two sentences.
    """
    dtype, alpha = np.dtype(dtype), parameters["alpha"]
    start, end = squares_of(dtype)
    if alpha > end and largest < end:
        return f"alpha={alpha:g} is too large for computations in {dtype}: decrease it."
    if largest < start:
        return (
            f"The largest value of X is {largest:.3g}, which is too small for "
            f"computations in {dtype}: {_scaling_advice(parameters)}."
        )
    if largest > PLAIN:
        return (
            f"X has values up to {largest:.3g}, which are too large for computations "
            f"in {dtype}: {_scaling_advice(parameters)}."
        )
    return (
        f"The objective exceeds the range of {dtype} with values of X up to "
        f"{largest:.3g} and alpha={alpha:g}: use smaller initial weights, or "
        f"increase alpha."
    )


def advice_on_divergence(
    parameters: Mapping[str, Any], source: Source, dtype: Any, *, scaled: bool
) -> str:
    """Return why the steps of a mini-batch solver diverged, and what to do.

    Parameters
    ----------
    parameters : dict of str to object
        The parameters of an estimator with mini-batch solvers.
    source : Source
        The features.
    dtype : dtype
        The dtype of the computations.
    scaled : bool
        Whether the estimator standardizes the features itself.

    Returns
    -------
    advice : str
        One or two sentences.
    """
    rate, alpha = parameters["learning_rate_init"], parameters["alpha"]
    own = callable(parameters["learning_rate"])  # which does not use learning_rate_init
    l1_ratio = parameters.get("l1_ratio", 0.0)
    l2, limit = alpha * (1 - l1_ratio), _largest_decay(parameters)
    if rate * l2 > limit and not own:
        factor = " times 1 - l1_ratio" if l1_ratio else ""
        return (
            f"alpha={alpha:g}{factor} times learning_rate_init={rate:g} is "
            f"{rate * l2:.3g}. Above {limit:.3g}, the penalty alone makes the weights "
            f"diverge with solver={parameters['solver']!r}: decrease alpha, or "
            f"decrease learning_rate_init to less than {limit / l2:.2g}."
        )
    largest, (start, end) = 1.0 if scaled else largest_value(source), squares_of(dtype)
    if not start < largest < end or alpha > end:
        return advice_on_extremes(parameters, largest, dtype)
    advice = f"Decrease learning_rate_init={rate:g}"
    if own:
        advice = "Return smaller values from learning_rate"
    if parameters.get("max_gradient_norm", 0) is None:
        advice += ", or set max_gradient_norm"
    if largest > PLAIN:
        remedy = _scaling_advice(parameters)
        advice += f", or {remedy}: X has values up to {largest:.3g}"
    return f"{advice}."


def _scaling_advice(parameters: Mapping[str, Any]) -> str:
    if "standardize" in parameters:
        return "set standardize=True"
    return "scale the features, for example with PixelNormalizer()"


def _largest_decay(parameters: Mapping[str, Any]) -> float:
    """Return the product of learning rate and L2 penalty above which weights diverge.

    Without momentum, a step multiplies the weights by 1 minus this product. With
    momentum, two consecutive steps are a linear map, one of whose eigenvalues falls
    below -1. Solvers that divide by the magnitude of the gradients take bounded steps.
    """
    if parameters["solver"] == "adamw":
        return 2.0
    if parameters["solver"] != "sgd":
        return math.inf
    momentum: float = parameters["momentum"]
    look_ahead = 2 * momentum if parameters["nesterovs_momentum"] else 0
    return 2 * (1 + momentum) / (1 + look_ahead)
