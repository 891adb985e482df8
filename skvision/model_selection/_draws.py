"""Candidates, drawn from ranges that are narrowed from stage to stage."""

from typing import Any

from sklearn.model_selection import ParameterGrid, ParameterSampler

from skvision.model_selection._narrowing import describe, narrowed_spaces


class Draws:
    """Draws candidates at random, and remembers what has been tried.

    Parameters
    ----------
    spaces : dict of int to dict
        The ranges that the user gave, as from `as_spaces`.
    rng : RandomState
        Draws them.
    """

    def __init__(self, spaces: dict[int, dict[str, Any]], rng: Any) -> None:
        self.given = spaces
        self.spaces = spaces  # of the stage that was drawn last
        self._rng = rng
        self._tried: list[dict[str, Any]] = []
        # with as much of the resource as now
        self._tried_alike: list[dict[str, Any]] = []

    def draw(self, n: int, again: Any, grew: bool) -> Any:
        """Return ``n`` candidates, or fewer where lists have no more.

        Parameters
        ----------
        n : int
            How many candidates are wanted.
        again : list of dict
            Candidates among these, which have been tried with less of the resource.
        grew : bool
            Whether this stage has more of the resource than the one before.
        """
        if grew:
            self._tried_alike = []
        n_new = n - len(again)
        known = again + self._tried_alike
        new = _drawn(self.spaces, n_new, self._rng, known)
        if len(new) < n_new:  # all that the lists have was tried: back to the whole
            known = self._tried + new
            others = _drawn(self.given, n_new - len(new), self._rng, known)
            new += others
            self.spaces = self.given if others else self.spaces
        self._tried += again + new
        self._tried_alike += again + new
        return again + new

    def told(self, best: dict[str, Any] | None) -> list[Any]:
        """Return a record of each range of this stage, and the best value in it."""
        return describe(self.given, self.spaces, best)

    def narrow(self, best: list[Any]) -> None:
        """Draw from around the best candidates from now on, if there are any."""
        if best:
            self.spaces = narrowed_spaces(self.given, self.spaces, best)


def _drawn(spaces: Any, n: int, rng: Any, known: list[Any]) -> list[Any]:
    """Draw candidates; where all is lists, each at most once and none that is known."""
    spaces = list(spaces.values())
    if not all(isinstance(values, list) for s in spaces for values in s.values()):
        return list(ParameterSampler(spaces, n, random_state=rng))
    n_drawn = min(n + len(known), len(ParameterGrid(spaces)))
    before = [_identities(candidate) for candidate in known]
    drawn = ParameterSampler(spaces, n_drawn, random_state=rng)
    return [one for one in drawn if _identities(one) not in before][:n]


def _identities(candidate: dict[str, Any]) -> dict[str, int]:
    return {name: id(value) for name, value in candidate.items()}
