"""Stages of a search: what each may cost."""

from typing import NamedTuple


class Stage(NamedTuple):
    """How many candidates to try, and with how much of the resource (None: all)."""

    n_candidates: int
    n_resources: int | None
    share: float  # of the resource, from above 0 to 1


def plan(n_iter, stages, factor, most):
    """Return stages that cost about the same, together at most ``n_iter`` whole fits.

    Parameters
    ----------
    n_iter : int
        The number of whole fits that may be paid for, at least ``stages``.
    stages : int
        How many stages there are.
    factor : float
        How much more of the resource a stage has than the one before.
    most : int or None
        The resource of the last stage; None: each stage fits wholly.
    """
    planned, left = [], float(n_iter)
    for still in range(stages, 0, -1):
        n_resources = (
            None if most is None else max(1, round(most / factor ** (still - 1)))
        )
        share = 1.0 if most is None else n_resources / most
        n_candidates = max(1, int(left / still / share + 1e-9))
        left -= n_candidates * share
        planned.append(Stage(n_candidates, n_resources, share))
    return planned
