"""Derivatives by differences: how certain they are, and which are at a kink."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision.inspection._numerical_gradient import Slopes, slopes, step_at

Array = NDArray[np.floating]
LEAST_NOISE = 1  # of values, in eps of their size
MOST_NOISE = 8  # the same of values that may hide sums of up to 1
CERTAIN = 20  # this many times the noise of values over h, differences are no noise


class Derivative(NamedTuple):
    """A derivative by differences.

    Attributes
    ----------
    numerical : float
        Central difference, extrapolated to step 0.
    left, right : float
        One-sided differences.
    floor : float
        Derivatives smaller than this are judged as if they were of this size.
    is_kink : bool
        Whether the one-sided differences disagree however small the step.
    """

    numerical: float
    left: float
    right: float
    floor: float
    is_kink: bool

    def error_of(self, analytic: float) -> float:
        """Return the relative error of an analytic derivative; infinite for NaN."""
        if not math.isfinite(analytic):
            return math.inf
        valid = (self.left, self.right) if self.is_kink else (self.numerical,)
        distance = max(min(valid) - analytic, analytic - max(valid), 0.0)
        size = max(abs(analytic), *map(abs, valid), self.floor)
        return distance / size if distance else 0.0


class Pair(NamedTuple):
    """Differences by a step and by half of it."""

    step: float
    wide: Slopes
    narrow: Slopes

    @property
    def change(self) -> float:
        """By how much the central difference depends on the step."""
        return abs(self.wide.central - self.narrow.central)

    @property
    def bend(self) -> float:
        """By how much the gap of the one-sided differences is off half of it."""
        return abs(self.narrow.gap - self.wide.gap / 2)

    @property
    def roughness(self) -> float:
        """By how much these differ from those of a smooth function."""
        return max(self.change, self.bend)

    @property
    def is_flat(self) -> bool:
        """Whether the function does not move at all."""
        return self.wide.is_flat and self.narrow.is_flat


def differentiate(
    value_at: Callable[[Array], float],
    x: Array,
    indices: Iterable[int],
    step: float | None,
    value: float,
    tol: float,
) -> list[Derivative]:
    """Differentiate by flat coordinates of x, where the function is ``value``.

    Differences by h and h / 2 tell a smooth function: the central one hardly changes,
    and the gap between the one-sided ones halves. Where it is not so, h / 10 and
    h / 100 are tried, unless rounding, which grows as 1 / h, would drown there what is
    to be seen.
    """

    def pair_at(index: int, h: float) -> Pair:
        return Pair(h, *(slopes(value_at, x, index, s, value) for s in (h, h / 2)))

    def is_smooth(pair: Pair) -> bool:
        size = max(abs(pair.wide.central), abs(pair.narrow.central))
        allowed = max(tol * size, CERTAIN * noise / pair.step)
        return pair.roughness <= 0.75 * allowed

    def goes_on(pair: Pair) -> bool:
        drowns = pair.roughness <= 10 * CERTAIN * noise / pair.step
        return not (is_smooth(pair) or drowns)

    eps = float(np.finfo(x.dtype).eps)
    most = MOST_NOISE * eps * max(1.0, abs(value))
    firsts = [(index, pair_at(index, step_at(x, index, step))) for index in indices]
    estimate = _noise([pair for _, pair in firsts])
    noise = min(max(estimate, LEAST_NOISE * eps * abs(value)), most)
    found = []
    for index, first in firsts:
        pairs = [first]
        for h in _smaller_steps(x, index, first.step):
            if goes_on(pairs[-1]):
                pairs.append(pair_at(index, h))
        if is_smooth(pairs[-1]):
            found.append(_smooth(pairs, noise, most, tol))
        else:
            found.append(_rough(pairs, noise, most, tol))
    return found


def _noise(pairs: Iterable[Pair]) -> float:
    """Estimate how far values are rounded.

    Twice the step times bend and change are sums of values, times 1, 4, 6 and 1, 2, in
    which a smooth function cancels out and rounding adds up.
    """
    rounding = [
        pair.step * math.hypot(pair.bend / math.sqrt(70), pair.change / math.sqrt(10))
        for pair in pairs
        if not pair.is_flat
    ]
    of_two_normals = math.sqrt(math.log(4))  # the median of their hypotenuse
    return 2 * float(np.median(rounding)) / of_two_normals if rounding else 0.0


def _smaller_steps(x: Array, index: int, step: float) -> list[float]:
    """Return a tenth and a hundredth of a step, if these move x well."""
    smallest = 20 * abs(float(np.spacing(x.flat[index])))
    return [h for h in (step / 10, step / 100) if h / 2 > smallest]


def _smooth(pairs: list[Pair], noise: float, most: float, tol: float) -> Derivative:
    """Take the first pair that is smooth, where roughness before was no rounding."""
    first, last = pairs[0], pairs[-1]
    uncertainty = CERTAIN * (most if first.is_flat else noise) / last.step
    may_be_rounding = first.roughness <= CERTAIN * most / first.step
    if last is not first and may_be_rounding and first.bend > first.change / 10:
        last, uncertainty = first, 2 * first.roughness
    return _derivative(last, uncertainty / tol, is_kink=False)


def _rough(pairs: list[Pair], noise: float, most: float, tol: float) -> Derivative:
    """Tell why the function is rough by what smaller steps do to it.

    With the step, roughness by rounding grows, which that by a kink cannot by more than
    1.5; a gap by curvature shrinks, and one at a kink stays.
    """
    first, last = pairs[0], pairs[-1]
    uncertainty = CERTAIN * noise / last.step
    if last is first:  # for rounding, so the differences are certain to its roughness
        uncertainty = max(uncertainty, min(first.roughness, 10 * uncertainty))
        is_kink = first.bend > first.change / 4
        return _derivative(first, uncertainty / tol, is_kink=is_kink)
    if last.is_flat or last.roughness > 2 * first.roughness:
        uncertainty = CERTAIN * most / first.step
        return _derivative(first, uncertainty / tol, is_kink=False)
    gaps = [abs(slope.gap) for pair in pairs for slope in (pair.wide, pair.narrow)]
    shrunk = math.sqrt(last.step / 2 / first.step) * max(gaps)
    return _derivative(last, uncertainty / tol, is_kink=gaps[-1] > shrunk)


def _derivative(pair: Pair, floor: float, *, is_kink: bool) -> Derivative:
    return Derivative(
        numerical=(4 * pair.narrow.central - pair.wide.central) / 3,
        left=pair.narrow.left,
        right=pair.narrow.right,
        floor=floor,
        is_kink=is_kink,
    )
