"""Check of a gradient by central differences."""

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
    r"""Compare a gradient with central differences of its function.

    The relative error of a derivative a, compared with the difference quotient n, is

    .. math:: \frac{|a - n|}{\max(|a|, |n|, \text{floor})}, \qquad
        \text{floor} = \frac{20 \, \epsilon |f|}{h \, \text{tol}}

    Rounding errors of f of about :math:`\epsilon |f|` cause errors of about
    :math:`\epsilon |f| / h` in n. With the floor, small derivatives only fail if they
    differ by more than the rounding errors.

    Parameters
    ----------
    function : callable
        Function ``x -> (value, gradient)`` that returns a number and an array of the
        shape of ``x``. It must be deterministic; for example, it must not use dropout.
    x : array-like of any shape, float64 or float32
        Point at which the gradient is checked. It is not modified.
    n_coordinates : int, default=100
        Number of random coordinates to check. All coordinates are checked if there are
        fewer, or if None.
    step : float, default=None
        Step h, in units of ``x``. None means the cube root of eps of the dtype, 6e-6
        for float64 and 5e-3 for float32, times max(1, \|x_i\|).
    tol : float, default=None
        Largest relative error that passes. None means 1e-6 for float64 and 1e-3 for
        float32.
    random_state : int, RandomState or None, default=None
        Determines the coordinates. Pass an int for reproducible output across multiple
        calls.

    Returns
    -------
    check : GradientCheck
        Result, which is true if all derivatives agree. Printing it shows those that do
        not. It has the arrays ``analytic``, ``numerical``, ``left``, ``right``,
        ``errors`` and ``is_kink`` with an entry for each coordinate, their ``names``
        and ``indices``, and ``passed``, ``worst``, ``worst_index``, ``worst_error``,
        ``value`` and ``tol``.

    Raises
    ------
    TypeError
        If ``x`` is neither float64 nor float32, or if ``function`` does not return a
        number and an array.
    ValueError
        If the shapes of the gradient and ``x`` differ, if ``x`` is empty, if ``x`` or
        the function is not finite, if two calls of the function return different
        values, or if a parameter is out of its range.

    Notes
    -----
    Each coordinate takes four calls, at h and h / 2 to both sides, from which n is
    extrapolated to step 0. If the differences are not consistent with a smooth
    function, they are repeated at h / 10 and h / 100. There are three cases, by the gap
    between the slopes to the left and to the right:

    - If it shrinks with the step, it is due to curvature, and n is computed with the
      smallest step.
    - If it remains, there is a kink, such as that of a hinge, a ReLU or an absolute
      value. A derivative between both slopes is a valid subgradient with error 0;
      others are wrong.
    - If it grows, it is due to rounding of larger terms of f, such as in the logarithm
      of a probability close to 1, which also affects the differences at other
      coordinates. eps \|f\| in the floor is then replaced by up to 8 eps max(1, \|f\|),
      as it is if f is constant.

    The hinge loss of thousands of samples has kinks everywhere, so check it with a few
    hundred samples. At a minimum, all derivatives are about zero, and a wrong factor is
    hard to detect, so check at another point. The check detects relative errors of 1e-3
    with float32, and of 1e-6 with float64.

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
    chosen = choose_coordinates(
        point.size, n_coordinates, check_random_state(random_state)
    )
    indices = [multi_index(i, point.shape) for i in chosen]
    names = [coordinate_name("x", index) for index in indices]
    return check_coordinates(
        function, point, chosen, indices, names, step=step, tol=tol
    )


def check_coordinates(
    function: Callable[[Array], Any],
    x: Array,
    chosen: NDArray[np.intp],
    indices: Sequence[tuple[int, ...]],
    names: Sequence[str],
    *,
    step: float | None,
    tol: float | None,
) -> GradientCheck:
    """Check the flat coordinates ``picked`` of x with these indices and names."""
    tol = TOLERANCES[x.dtype] if tol is None else tol
    check_scalar(tol, "tol", Real, min_val=0, include_boundaries="neither")
    value, gradient = _value_and_gradient(function, x)

    def value_at(point: Array) -> float:
        return check_value(function(point)[0])

    found = differentiate(value_at, x, chosen.tolist(), step, value, tol)
    analytic = gradient.reshape(-1)[chosen]
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
    """Return the validated value and gradient at x."""
    values = []
    for _ in range(2):
        result = function(x.copy())
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"function must return (value, gradient); got "
                f"{type(result).__name__}. Use numerical_gradient for a function "
                f"without a gradient."
            )
        values.append(check_value(result[0]))
        gradient = np.array(result[1], dtype=np.float64)
    rounding = 1e3 * float(np.finfo(x.dtype).eps) * max(1.0, abs(values[0]))
    if abs(values[0] - values[1]) > rounding:
        raise ValueError(
            f"function must be deterministic; it returned {values[0]!r} and then "
            f"{values[1]!r} for the same x. Disable its random numbers, for example in "
            f"dropout, augmentation and mini-batches."
        )
    if gradient.shape != x.shape:
        raise ValueError(
            f"The gradient must have the shape of x, {x.shape}; got {gradient.shape}. "
            f"Check its sums and transpositions."
        )
    return values[0], gradient


def choose_coordinates(
    size: int, n: int | None, random: RandomState
) -> NDArray[np.intp]:
    """Return ``n`` distinct integers below ``size`` in order, or all of them."""
    if n is not None:
        check_scalar(n, "n_coordinates", Integral, min_val=1)
    if size == 0:
        raise ValueError("x must not be empty.")
    if n is None or n >= size:
        return np.arange(size)
    return np.sort(random.choice(size, int(n), replace=False))


def coordinate_name(name: str, index: tuple[int, ...]) -> str:
    """Return the name of an element of an array, such as ``"coef_[3, 17]"``."""
    return f"{name}{list(index)}" if index else name
