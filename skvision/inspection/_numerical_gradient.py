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
    """Differences of a function along one coordinate, by one step to both sides."""

    left: float
    right: float
    central: float
    is_flat: bool  # whether the function is constant

    @property
    def gap(self) -> float:
        """Difference of the slopes to the right and to the left."""
        return self.right - self.left


def slopes(
    value_at: Callable[[Array], float], x: Array, index: int, step: float, value: float
) -> Slopes:
    """Compute differences at flat coordinate ``index`` of x, where f(x) is ``value``.

    They are divided by the actual distances of the points, because x + step is rounded,
    by up to 1e-5 of a step in float64.
    """
    here = float(x.flat[index])
    values, distances = [], []
    for sign in (-1, 1):
        point = x.copy()
        point.flat[index] += sign * step
        distances.append(abs(float(point.flat[index]) - here))
        if not 0 < distances[-1] < math.inf:
            raise ValueError(
                f"step={step:g} does not change x{list(multi_index(index, x.shape))}, "
                f"which is {here:g} in {x.dtype}. Pass a larger step or None."
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
    """Convert a flat index in C order to an index for each axis."""
    return tuple(int(i) for i in np.unravel_index(index, shape)) if shape else ()


def check_x(x: ArrayLike) -> Array:
    """Return a copy of x in C order; raise an error if it is not of finite floats."""
    x = np.array(x, order="C")
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"x must have dtype float64 or float32; got {x.dtype}. Pass "
            f"x.astype(float)."
        )
    if not np.isfinite(x).all():
        raise ValueError("x must not contain NaN or infinity.")
    return x


def step_at(x: Array, index: int, step: float | None) -> float:
    """Return the step for a coordinate, by default in proportion to its size.

    The cube root of eps balances the two errors of a central difference: truncation,
    which grows as step^2, and rounding of values, which grows as eps / step.
    """
    if step is None:
        size = max(1.0, abs(float(x.flat[index])))
        eps = float(np.finfo(x.dtype).eps)
        suited: float = eps ** (1 / 3) * size
        return suited
    check_scalar(step, "step", Real, min_val=0, include_boundaries="neither")
    return float(step)


def check_value(value: Any) -> float:
    """Return a value of the function as a float; raise an error if it is invalid."""
    if isinstance(value, tuple):
        raise TypeError(
            "function must return a number; got a tuple. If it returns (value, "
            "gradient), pass lambda x: function(x)[0]."
        )
    if np.size(value) != 1:
        raise TypeError(
            f"function must return a number; got an array of shape {np.shape(value)}. "
            f"Return its sum or mean."
        )
    number = float(np.asarray(value).item())
    if not math.isfinite(number):
        raise ValueError(
            f"function must be finite at x and within a step of it; got {value}. Pass "
            f"another x or a smaller step."
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

    with a truncation error of :math:`h^2 |f'''| / 6` and a rounding error of about
    :math:`\epsilon |f| / h`. It takes two calls per coordinate, so use it for checks
    and not for training.

    Parameters
    ----------
    function : callable
        Function ``x -> value`` that returns a number. It is called with copies of
        ``x``.
    x : array-like of any shape, float64 or float32
        Point at which the gradient is computed. It is not modified.
    step : float, default=None
        Step h, in units of ``x``. None means the cube root of eps of the dtype, 6e-6
        for float64 and 5e-3 for float32, times max(1, \|x_i\|).
    coordinates : array-like of int, default=None
        Flat indices in C order, from 0 to ``x.size - 1``, of the elements to
        differentiate by. None means all elements.

    Returns
    -------
    gradient : ndarray of the shape of ``x``, or (n_coordinates,)
        Derivatives, in the dtype of ``x``.

    Raises
    ------
    TypeError
        If ``x`` is neither float64 nor float32, or if ``function`` does not return a
        number.
    ValueError
        If ``x`` or the function is not finite, if a coordinate is out of range, or if
        the step is not positive or too small to change ``x``.

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
                f"coordinates must be flat indices between 0 and {point.size - 1}; got "
                f"{coordinates}. Convert other indices by np.ravel_multi_index."
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
