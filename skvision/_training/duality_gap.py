"""The certificate of linear fits: a bound on the distance from the minimum."""

import numpy as np

from skvision._training.penalties import soft_threshold
from skvision._training.problem import Point, Problem, Vector


def relative_gap(problem: Problem, here: Point) -> float:
    r"""Return a bound on :math:`(F - F^*) / F`, from the dual problem.

    Let :math:`D` be the slopes of the loss with respect to the scores. For
    :math:`\theta` between 0 and 1, :math:`\theta D` is a feasible point of the dual
    problem if it sums to zero for each bias, which is the case for optimal biases. With
    :math:`G = D^\top X`, the objective is bounded from below by

    .. math:: \theta \left(L - \langle G, W \rangle\right) - \Omega^*(-\theta G)

    for a loss whose infimum is 0, where :math:`\Omega^*` is the conjugate of the
    penalty. With an L2 penalty and :math:`\theta = 1`, the gap is the bound of strong
    convexity, :math:`\|\nabla F\|^2 / (2 \lambda_2)`. Without a penalty, the only known
    bound is 0.
    """
    slope, W = here.slope[: problem.n_weights], here.params[: problem.n_weights]
    bound = dual_bound(here.loss - float(slope @ W), slope, problem.l1, problem.l2)
    return relative(here.value - bound, here.value)


def dual_bound(fitted: float, slope: Vector, l1: float, l2: float) -> float:
    r"""Return the best known bound :math:`\theta a - \Omega^*(-\theta G)`, at least 0.

    Parameters
    ----------
    fitted : float
        The value :math:`a` of the dual of the loss.
    slope : ndarray of shape (n_weights,)
        The gradient of the loss with respect to the weights, :math:`G`.
    l1, l2 : float
        Strengths of the L1 and L2 penalties.

    Returns
    -------
    bound : float
        The bound for :math:`\theta = 1` (L2), or for the largest :math:`\theta` for
        which the gradient satisfies the dual constraint of the L1 penalty.

    Examples
    --------
    >>> import numpy as np
    >>> dual_bound(1.0, np.array([0.5, -0.5]), 0.0, 1.0)
    0.75
    >>> dual_bound(1.0, np.array([0.5, -0.25]), 0.25, 0.0)
    0.5
    """
    bound = 0.0
    if l1 > 0:
        largest = float(np.abs(slope).max(initial=0))
        bound = max(bound, fitted * min(1.0, l1 / largest if largest > 0 else 1.0))
    if l2 > 0:
        beyond = soft_threshold(slope, l1)
        bound = max(bound, fitted - float(beyond @ beyond) / (2 * l2))
    return bound


def relative(gap: float, value: float) -> float:
    """Return a gap as a fraction of a value; a negative gap is rounding."""
    if value <= 0:
        return 0.0
    return max(gap, 0.0) / value
