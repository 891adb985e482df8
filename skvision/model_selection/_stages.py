"""The stages of a search, planned so that they have about the same cost."""

from difflib import get_close_matches
from numbers import Integral
from typing import Any, NamedTuple


class Stage(NamedTuple):
    """A number of candidates and the amount of the resource (None for no resource)."""

    n_candidates: int
    n_resources: int | None
    fraction: float  # of the resource, above 0 and at most 1


def plan(n_iter: int, stages: int, factor: float, most: int | None) -> list[Stage]:
    """Return stages of about the same cost, in total at most ``n_iter`` full fits.

    Parameters
    ----------
    n_iter : int
        Total cost as a number of full fits, at least ``stages``.
    stages : int
        Number of stages.
    factor : float
        Factor by which the resource increases from one stage to the next.
    most : int or None
        Amount of the resource in the last stage. None for no resource.
    """
    planned: list[Stage] = []
    left = float(n_iter)
    for still in range(stages, 0, -1):
        n_resources: Any = (
            None if most is None else max(1, round(most / factor ** (still - 1)))
        )
        fraction = 1.0 if most is None else n_resources / most
        n_candidates = max(1, int(left / still / fraction + 1e-9))
        left -= n_candidates * fraction
        planned.append(Stage(n_candidates, n_resources, fraction))
    return planned


def most_resources(resource: str | None, estimator: Any, X: Any) -> int | None:
    """Return the amount of the resource in the last stage; None without one."""
    if resource is None:
        return None
    if resource == "n_samples":
        return X.shape[0] if hasattr(X, "shape") else len(X)
    parameters = estimator.get_params()
    if resource not in parameters:
        raise ValueError(
            f"resource={resource!r} must be 'n_samples' or a parameter of "
            f"{type(estimator).__name__}, which has no such parameter"
            + _similar(resource, parameters)
        )
    most = parameters[resource]
    if isinstance(most, bool) or not isinstance(most, Integral) or most < 1:
        raise ValueError(
            f"resource={resource!r} must be 'n_samples' or a parameter of "
            f"{type(estimator).__name__} whose value, which the last stage uses, is "
            f"a positive integer; got {most!r}."
        )
    return int(most)


def _similar(name: str, names: dict[str, Any]) -> str:
    """Return the end of an error message, which suggests a similar name."""
    inner = [one for one in names if one.endswith(f"__{name}")]
    meant = inner or get_close_matches(name, ["n_samples", *names], n=1)
    return f": did you mean {meant[0]!r}?" if meant else "."
