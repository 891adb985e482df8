"""Central differences of a scalar function of an array."""

import math
from collections.abc import Callable
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_scalar

from skvision._contract.public import public

Array = NDArray[np.floating]


class Slopes(NamedTuple):
    """Differences of a function along one coordinate, by one step to either side."""

    left: float
    right: float
    central: float
    is_flat: bool  # whether the function does not move

    @property
    def gap(self) -> float:
        """How much steeper it is to the right than to the left."""
        return self.right - self.left


def slopes(
    value_at: Callable[[Array], float], x: Array, index: int, step: float, value: float
) -> Slopes:
    """Compute differences at flat coordinate ``index`` of x, where f(x) is ``value``.

    They are divided by the distance of the points that were indeed visited: x + step is
    rounded, by up to 1e-5 of a step in float64.
    """
    here = float(x.flat[index])
    values, distances = [], []
    for sign in (-1, 1):
        point = x.copy()
        point.flat[index] += sign * step
        distances.append(abs(float(point.flat[index]) - here))
        if not 0 < distances[-1] < math.inf:
            raise ValueError(
                f"step={step:g} does not move x{list(multi_index(index, x.shape))}, "
                f"which is {here:g}, to another {x.dtype}: pass a larger step or None."
            )
        values.append(value_at(point))
    (lower, upper), (back, forth) = values, distances
    return Slopes(
        left=(value - lower) / back,
        right=(upper - value) / forth,
        central=(upper - lower) / (back + forth),
        is_flat=lower == value == upper,
    )


def multi_index(index: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a flat index in C order as an index of each axis."""
    return tuple(int(i) for i in np.unravel_index(index, shape)) if shape else ()


def check_x(x: ArrayLike) -> Array:
    """Return a copy of x in C order, or raise where it is not of real numbers."""
    x = np.array(x, order="C")
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"x is {x.dtype}; differences need float64 or float32: pass "
            f"x.astype(float)."
        )
    if not np.isfinite(x).all():
        raise ValueError("x has NaN or infinity in it; finite numbers are needed.")
    return x


def step_at(x: Array, index: int, step: float | None) -> float:
    """Return the step for a coordinate: the one given, or one that suits its size.

    The cube root of eps balances two errors of a central difference, the truncation,
    which grows as step^2, and the rounding of values, which grows as eps / step.
    """
    if step is None:
        size = max(1.0, abs(float(x.flat[index])))
        eps = float(np.finfo(x.dtype).eps)
        suited: float = eps ** (1 / 3) * size
        return suited
    check_scalar(step, "step", Real, min_val=0, include_boundaries="neither")
    return float(step)


def check_value(value: Any) -> float:
    """Return a value of the function as a float, or raise."""
    if isinstance(value, tuple):
        raise TypeError(
            "function returned a tuple; a number is needed: where it returns (value, "
            "gradient), pass lambda x: function(x)[0]."
        )
    if np.size(value) != 1:
        raise TypeError(
            f"function returned an array of shape {np.shape(value)}; a number is "
            f"needed: sum or average it."
        )
    number = float(np.asarray(value).item())
    if not math.isfinite(number):
        raise ValueError(
            f"function is {number} at x or within a step of it; differences need "
            f"finite values: choose another x or a smaller step."
        )
    return number


@public("skvision.inspection")
def numerical_gradient(
    function: Callable[[Array], float],
    x: ArrayLike,
    *,
    step: float | None = None,
    coordinates: ArrayLike | None = None,
) -> Array:
    r"""Compute the gradient of a function by central differences.

    .. math::
        \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}

    with an error of :math:`h^2 |f'''| / 6` from the step and one of about
    :math:`\epsilon |f| / h` from rounding. It takes two calls a coordinate, which is
    for checks and not for training.

    Parameters
    ----------
    function : callable
        ``x -> value``, a number. It is given copies of ``x``.
    x : array-like of any shape, float64 or float32
        Where to differentiate. It is not modified.
    step : float, default=None
        The step h, in units of ``x``. None is the cube root of the dtype's eps, 6e-6
        in float64 and 5e-3 in float32, times max(1, \|x_i\|).
    coordinates : array-like of int, default=None
        Flat indices in C order, from 0 to ``x.size - 1``, of the elements to
        differentiate by. None is all.

    Returns
    -------
    gradient : ndarray of the shape of ``x``, or (n_coordinates,)
        The derivatives, in the dtype of ``x``.

    Raises
    ------
    TypeError
        If ``x`` is neither float64 nor float32, or ``function`` returns no number.
    ValueError
        If ``x`` or the function is not finite, a coordinate is out of range, or the
        step is not above zero or too small to move ``x``.

    References
    ----------
    J. Nocedal and S. J. Wright, "Numerical Optimization", chapter 8, 2006.

    Examples
    --------
    >>> from skvision.inspection import numerical_gradient
    >>> def f(v):
    ...     x, y, z = v
    ...     return (x + y) * z
    >>> print(numerical_gradient(f, [-2.0, 5.0, -4.0]).round(6))
    [-4. -4.  3.]
    """
    point = check_x(x)

    def value_at(at: Array) -> float:
        return check_value(function(at))

    if coordinates is None:
        indices = np.arange(point.size)
    else:
        indices = np.atleast_1d(np.asarray(coordinates))
        if not (
            np.issubdtype(indices.dtype, np.integer)
            and indices.ndim == 1
            and np.all((indices >= 0) & (indices < point.size))
        ):
            raise ValueError(
                f"coordinates must be flat indices from 0 to {point.size - 1}; got "
                f"{coordinates}. np.ravel_multi_index turns others into these."
            )
    value = value_at(point.copy()) if len(indices) else 0.0
    gradient = np.array(
        [
            slopes(value_at, point, i, step_at(point, i, step), value).central
            for i in indices.tolist()
        ],
        dtype=point.dtype,
    )
    return gradient.reshape(point.shape) if coordinates is None else gradient
