"""Sampling of candidates from ranges that are narrowed from stage to stage."""

from typing import Any

from sklearn.model_selection import ParameterGrid, ParameterSampler

from skvision.model_selection._narrowing import describe, narrowed_spaces


class CandidateSampler:
    """Draws random candidates and remembers which have been tried.

    Parameters
    ----------
    spaces : dict of int to dict
        The ranges given by the user, as returned by `as_spaces`.
    rng : RandomState
        The random number generator.
    """

    def __init__(self, spaces: dict[int, dict[str, Any]], rng: Any) -> None:
        self.given = spaces
        self.spaces = spaces  # the ranges of the last stage
        self._rng = rng
        self._tried: list[dict[str, Any]] = []
        # with the current amount of the resource
        self._tried_alike: list[dict[str, Any]] = []

    def sample(self, n: int, again: Any, grew: bool) -> Any:
        """Return ``n`` candidates, or fewer if lists have no more combinations.

        Parameters
        ----------
        n : int
            Number of candidates.
        again : list of dict
            Candidates to include that have been tried with less of the resource.
        grew : bool
            Whether this stage has more of the resource than the previous one.
        """
        if grew:
            self._tried_alike = []
        n_new = n - len(again)
        known = again + self._tried_alike
        new = _sample(self.spaces, n_new, self._rng, known)
        if len(new) < n_new:  # all combinations have been tried: use the given ranges
            known = self._tried + new
            others = _sample(self.given, n_new - len(new), self._rng, known)
            new += others
            self.spaces = self.given if others else self.spaces
        self._tried += again + new
        self._tried_alike += again + new
        return again + new

    def describe(self, best: dict[str, Any] | None) -> list[Any]:
        """Return a record for each range of this stage, with the best value."""
        return describe(self.given, self.spaces, best)

    def narrow(self, best: list[Any]) -> None:
        """Narrow the ranges around the best candidates, if there are any."""
        if best:
            self.spaces = narrowed_spaces(self.given, self.spaces, best)


def _sample(spaces: Any, n: int, rng: Any, known: list[Any]) -> list[Any]:
    """Draw candidates; from lists, draw each one at most once and no known ones."""
    spaces = list(spaces.values())
    if not all(isinstance(values, list) for s in spaces for values in s.values()):
        return list(ParameterSampler(spaces, n, random_state=rng))
    n_drawn = min(n + len(known), len(ParameterGrid(spaces)))
    before = [_identities(candidate) for candidate in known]
    drawn = ParameterSampler(spaces, n_drawn, random_state=rng)
    return [one for one in drawn if _identities(one) not in before][:n]


def _identities(candidate: dict[str, Any]) -> dict[str, int]:
    return {name: id(value) for name, value in candidate.items()}
