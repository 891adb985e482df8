"""What minimises an objective."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult
from scipy.optimize import minimize as scipy_minimize

Vector = NDArray[np.float64]


class Minimum(NamedTuple):
    """Where a minimiser stopped.

    Attributes
    ----------
    params : ndarray of shape (n_params,)
        The best parameters.
    n_iter : int
        Iterations made.
    loss_curve : list of float
        Value of the objective at the start and after each iteration.
    largest_slope : float
        Largest absolute element of the gradient at ``params``.
    """

    params: Vector
    n_iter: int
    loss_curve: list[float]
    largest_slope: float


def minimize_lbfgs(
    objective: Callable[[Vector], tuple[float, Vector]],
    start: Vector,
    *,
    max_iter: int,
    tol: float,
) -> Minimum:
    """Minimise a smooth function by L-BFGS.

    Stops where no element of the gradient exceeds ``tol``, after ``max_iter``
    iterations, or where rounding lets the objective fall no more.

    Parameters
    ----------
    objective : callable
        ``params -> (value, gradient)``.
    start : ndarray of shape (n_params,), float64
        Where to start.
    max_iter : int
        The most iterations.
    tol : float
        Tolerance for the gradient.

    Returns
    -------
    minimum : Minimum
        Where it stopped.

    References
    ----------
    D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale
    optimization", Mathematical Programming 45, 1989.

    Examples
    --------
    >>> import numpy as np
    >>> def bowl(x):
    ...     return float(x @ x), 2 * x
    >>> minimum = minimize_lbfgs(bowl, np.ones(3), max_iter=10, tol=1e-8)
    >>> minimum.n_iter, round(minimum.loss_curve[-1], 12)
    (2, 0.0)
    """
    loss_curve = [float(objective(start)[0])]

    def record(intermediate_result: OptimizeResult) -> None:
        loss_curve.append(float(intermediate_result.fun))

    result = scipy_minimize(
        objective,
        start,
        method="L-BFGS-B",
        jac=True,
        callback=record,
        options={
            "maxiter": max_iter,
            "maxfun": 20 * max_iter,
            "maxls": 50,
            "gtol": tol,
            "ftol": 0,
        },
    )
    largest_slope = float(np.abs(result.jac).max(initial=0))
    return Minimum(result.x, int(result.nit), loss_curve, largest_slope)
