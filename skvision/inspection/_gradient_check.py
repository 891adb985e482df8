"""An analytic gradient against central differences."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state, check_scalar

from skvision._contract.public import public
from skvision.inspection._derivative import differentiate
from skvision.inspection._gradient_check_result import GradientCheck
from skvision.inspection._numerical_gradient import (
    check_value,
    check_x,
    multi_index,
)

Array = NDArray[np.floating]
TOLERANCES = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-3}


@public("skvision.inspection")
def gradient_check(
    function: Callable[[Array], tuple[float, Array]],
    x: ArrayLike,
    *,
    n_coordinates: int | None = 100,
    step: float | None = None,
    tol: float | None = None,
    random_state: int | RandomState | None = None,
) -> GradientCheck:
    r"""Hold a gradient against central differences of its function.

    The relative error of a derivative a against the differences n is

    .. math:: \frac{|a - n|}{\max(|a|, |n|, \text{floor})}, \qquad
        \text{floor} = \frac{20 \, \epsilon |f|}{h \, \text{tol}}

    Values of f are rounded by some :math:`\epsilon |f|`, which leaves n uncertain by
    that over h. The floor has derivatives as small as this judged by whether they
    differ by more than rounding can.

    Parameters
    ----------
    function : callable
        ``x -> (value, gradient)``: a number and an array of the shape of ``x``. It must
        return the same each time, so no dropout.
    x : array-like of any shape, float64 or float32
        Where to check. It is not modified.
    n_coordinates : int, default=100
        How many coordinates to draw; all where there are fewer, or for None.
    step : float, default=None
        The step h, in units of ``x``. None is the cube root of the dtype's eps, 6e-6
        in float64 and 5e-3 in float32, times max(1, \|x_i\|).
    tol : float, default=None
        The largest relative error that passes. None is 1e-6 in float64 and 1e-3 in
        float32.
    random_state : int, RandomState or None, default=None
        Draws the coordinates; an int for the same ones each time.

    Returns
    -------
    check : GradientCheck
        True where all agree. Print it to read which do not; it has the arrays
        ``analytic``, ``numerical``, ``left``, ``right``, ``errors`` and ``is_kink``
        with an entry for each coordinate, ``names`` and ``indices`` of these, and
        ``passed``, ``worst``, ``worst_index``, ``worst_error``, ``value`` and ``tol``.

    Raises
    ------
    TypeError
        If ``x`` is neither float64 nor float32, or ``function`` does not return a
        number and an array.
    ValueError
        If the gradient has another shape than ``x``, ``x`` is empty, ``x`` or the
        function is not finite, the function returns another value when asked again, or
        a parameter is out of its range.

    Notes
    -----
    A coordinate takes four calls, at h and h / 2 to either side, from which n is
    extrapolated to step 0. Where these do not fit together as those of a smooth
    function do, they are repeated at h / 10 and h / 100, to see what becomes of the gap
    between the slopes to the left and to the right:

    - it shrinks with the step: that is curvature, and n is taken at the smallest step;
    - it stays: a kink, as of a hinge, a ReLU or an absolute value. A derivative from
      one slope to the other is a valid subgradient and its error 0; others are wrong;
    - it grows: rounding of a value made of larger ones, as the logarithm of a
      probability close to 1, which the differences at other coordinates tell too.
      eps \|f\| in the floor becomes as much as 8 eps max(1, \|f\|), as it does where
      f does not move at all.

    Thousands of rows under a hinge have kinks everywhere: check with a few hundred. At
    a minimum all derivatives are about zero, and a wrong factor is hard to see: check
    elsewhere. float32 sees only errors of a tenth of a percent, float64 those of one in
    a million.

    References
    ----------
    J. Nocedal and S. J. Wright, "Numerical Optimization", chapter 8, 2006.

    F. H. Clarke, "Optimization and Nonsmooth Analysis", chapter 2, 1983.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.inspection import gradient_check
    >>> x = np.array([0.2, 0.4])
    >>> def squared_length(W):
    ...     y = W @ x
    ...     return y @ y, 2 * np.outer(y, x)
    >>> W = np.array([[0.1, 0.5], [-0.3, 0.8]])
    >>> check = gradient_check(squared_length, W)
    >>> check.passed, check.analytic.round(3).tolist()
    (True, [0.088, 0.176, 0.104, 0.208])

    >>> def forgets_one(W):
    ...     value, gradient = squared_length(W)
    ...     gradient[1, 0] = 0
    ...     return value, gradient
    >>> print(gradient_check(forgets_one, W))
    gradient check FAILED: 3 of 4 coordinates agree to a relative 1e-06
      x[1, 0]: analytic 0, numerical 0.104, error 1
    """
    point = check_x(x)
    drawn = draw(point.size, n_coordinates, check_random_state(random_state))
    indices = [multi_index(i, point.shape) for i in drawn]
    names = [label("x", index) for index in indices]
    return compare(function, point, drawn, indices, names, step=step, tol=tol)


def compare(
    function: Callable[[Array], Any],
    x: Array,
    drawn: NDArray[np.intp],
    indices: Sequence[tuple[int, ...]],
    names: Sequence[str],
    *,
    step: float | None,
    tol: float | None,
) -> GradientCheck:
    """Check the flat coordinates ``drawn`` of x, of these indices and names."""
    tol = TOLERANCES[x.dtype] if tol is None else tol
    check_scalar(tol, "tol", Real, min_val=0, include_boundaries="neither")
    value, gradient = _value_and_gradient(function, x)

    def value_at(point: Array) -> float:
        return check_value(function(point)[0])

    found = differentiate(value_at, x, drawn.tolist(), step, value, tol)
    analytic = gradient.reshape(-1)[drawn]
    errors = [d.error_of(a) for d, a in zip(found, analytic.tolist(), strict=True)]
    return GradientCheck(
        indices=tuple(indices),
        names=tuple(names),
        analytic=analytic,
        numerical=np.array([d.numerical for d in found]),
        left=np.array([d.left for d in found]),
        right=np.array([d.right for d in found]),
        errors=np.array(errors),
        is_kink=np.array([d.is_kink for d in found]),
        value=value,
        tol=float(tol),
    )


def _value_and_gradient(
    function: Callable[[Array], Any], x: Array
) -> tuple[float, NDArray[np.float64]]:
    """Return the value and the gradient at x, or raise."""
    values = []
    for _ in range(2):
        result = function(x.copy())
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"function must return (value, gradient); got "
                f"{type(result).__name__}. For one without a gradient there is "
                f"numerical_gradient."
            )
        values.append(check_value(result[0]))
        gradient = np.array(result[1], dtype=np.float64)
    rounding = 1e3 * float(np.finfo(x.dtype).eps) * max(1.0, abs(values[0]))
    if abs(values[0] - values[1]) > rounding:
        raise ValueError(
            f"function returned {values[0]!r} and then {values[1]!r} for the same x; "
            f"it must always return the same: fix its random numbers (dropout, "
            f"augmentation, mini-batches)."
        )
    if gradient.shape != x.shape:
        raise ValueError(
            f"The gradient has the shape {gradient.shape} and x {x.shape}; a gradient "
            f"has the shape of its variable: check its sums and transpositions."
        )
    return values[0], gradient


def draw(size: int, n: int | None, random: RandomState) -> NDArray[np.intp]:
    """Return ``n`` different numbers below ``size`` in order, or all of them."""
    if n is not None:
        check_scalar(n, "n_coordinates", Integral, min_val=1)
    if size == 0:
        raise ValueError("x is empty; there is nothing to check.")
    if n is None or n >= size:
        return np.arange(size)
    return np.sort(random.choice(size, int(n), replace=False))


def label(name: str, index: tuple[int, ...]) -> str:
    """Return how an element of an array is written: ``"coef_[3, 17]"``."""
    return f"{name}{list(index)}" if index else name
