"""Stages of a search: what each may cost."""

from difflib import get_close_matches
from numbers import Integral
from typing import Any, NamedTuple


class Stage(NamedTuple):
    """How many candidates to try, and with how much of the resource (None: all)."""

    n_candidates: int
    n_resources: int | None
    share: float  # of the resource, from above 0 to 1


def plan(n_iter: int, stages: int, factor: float, most: int | None) -> list[Stage]:
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
    planned: list[Stage] = []
    left = float(n_iter)
    for still in range(stages, 0, -1):
        n_resources: Any = (
            None if most is None else max(1, round(most / factor ** (still - 1)))
        )
        share = 1.0 if most is None else n_resources / most
        n_candidates = max(1, int(left / still / share + 1e-9))
        left -= n_candidates * share
        planned.append(Stage(n_candidates, n_resources, share))
    return planned


def most_resources(resource: str | None, estimator: Any, X: Any) -> int | None:
    """Return what the last stage has of the resource; None without one."""
    if resource is None:
        return None
    if resource == "n_samples":
        return X.shape[0] if hasattr(X, "shape") else len(X)
    parameters = estimator.get_params()
    if resource not in parameters:
        raise ValueError(
            f"resource={resource!r} must be 'n_samples' or a parameter of "
            f"{type(estimator).__name__}, which has none of this name"
            + _similar(resource, parameters)
        )
    most = parameters[resource]
    if isinstance(most, bool) or not isinstance(most, Integral) or most < 1:
        raise ValueError(
            f"resource={resource!r} must be 'n_samples' or a parameter of "
            f"{type(estimator).__name__} that is a whole number from 1, which "
            f"the last stage takes; its value is {most!r}."
        )
    return int(most)


def _similar(name: str, names: dict[str, Any]) -> str:
    """Return what may have been meant, as the end of a message."""
    inner = [one for one in names if one.endswith(f"__{name}")]
    meant = inner or get_close_matches(name, ["n_samples", *names], n=1)
    return f": did you mean {meant[0]!r}?" if meant else "."
