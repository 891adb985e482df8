"""Numerical derivatives, their uncertainty, and the detection of kinks."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision.inspection._numerical_gradient import Slopes, slopes, step_at

Array = NDArray[np.floating]
MIN_NOISE = 1  # of values, in units of eps times their size
MAX_NOISE = 8  # likewise, of values that may contain terms of size 1
CERTAIN = 20  # times the noise of values over h is no noise


class Derivative(NamedTuple):
    """Numerical derivative.

    Attributes
    ----------
    numerical : float
        Central difference, extrapolated to step 0.
    left, right : float
        One-sided differences.
    floor : float
        Lower bound of the size by which the error is divided.
    is_kink : bool
        Whether the one-sided differences disagree for arbitrarily small steps.
    """

    numerical: float
    left: float
    right: float
    floor: float
    is_kink: bool

    def error_of(self, analytic: float) -> float:
        """Return the relative error of an analytic derivative, or infinity for NaN."""
        if not math.isfinite(analytic):
            return math.inf
        valid = (self.left, self.right) if self.is_kink else (self.numerical,)
        distance = max(min(valid) - analytic, analytic - max(valid), 0.0)
        size = max(abs(analytic), *map(abs, valid), self.floor)
        return distance / size if distance else 0.0


class Pair(NamedTuple):
    """Differences for a step and for half the step."""

    step: float
    wide: Slopes
    narrow: Slopes

    @property
    def change(self) -> float:
        """Change of the central difference between both steps."""
        return abs(self.wide.central - self.narrow.central)

    @property
    def bend(self) -> float:
        """Deviation of the gap between one-sided differences from halving."""
        return abs(self.narrow.gap - self.wide.gap / 2)

    @property
    def roughness(self) -> float:
        """Deviation of the differences from those of a smooth function."""
        return max(self.change, self.bend)

    @property
    def is_flat(self) -> bool:
        """Whether the function is constant at all points."""
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

    For a smooth function, the central differences for h and h / 2 are nearly equal, and
    the gap between the one-sided differences halves. Otherwise, h / 10 and h / 100 are
    tried, unless their rounding errors, which grow as 1 / h, would exceed the
    deviations.
    """

    def pair_at(index: int, h: float) -> Pair:
        return Pair(h, *(slopes(value_at, x, index, s, value) for s in (h, h / 2)))

    def is_smooth(pair: Pair) -> bool:
        size = max(abs(pair.wide.central), abs(pair.narrow.central))
        allowed = max(tol * size, CERTAIN * noise / pair.step)
        return pair.roughness <= 0.75 * allowed

    def needs_smaller_step(pair: Pair) -> bool:
        is_noise = pair.roughness <= 10 * CERTAIN * noise / pair.step
        return not (is_smooth(pair) or is_noise)

    eps = float(np.finfo(x.dtype).eps)
    most = MAX_NOISE * eps * max(1.0, abs(value))
    firsts = [(index, pair_at(index, step_at(x, index, step))) for index in indices]
    estimate = _noise([pair for _, pair in firsts])
    noise = min(max(estimate, MIN_NOISE * eps * abs(value)), most)
    found = []
    for index, first in firsts:
        pairs = [first]
        for h in _smaller_steps(x, index, first.step):
            if needs_smaller_step(pairs[-1]):
                pairs.append(pair_at(index, h))
        if is_smooth(pairs[-1]):
            found.append(_smooth(pairs, noise, most, tol))
        else:
            found.append(_rough(pairs, noise, most, tol))
    return found


def _noise(pairs: Iterable[Pair]) -> float:
    """Estimate the rounding errors of values.

    Twice the step times bend and change are sums of values with the coefficients 1, 4,
    6 and 1, 2, in which a smooth function cancels and rounding errors remain.
    """
    rounding = [
        pair.step * math.hypot(pair.bend / math.sqrt(70), pair.change / math.sqrt(10))
        for pair in pairs
        if not pair.is_flat
    ]
    of_two_normals = math.sqrt(math.log(4))  # the median of their hypotenuse
    return 2 * float(np.median(rounding)) / of_two_normals if rounding else 0.0


def _smaller_steps(x: Array, index: int, step: float) -> list[float]:
    """Return a tenth and a hundredth of a step, if x can resolve them."""
    smallest = 20 * abs(float(np.spacing(x.flat[index])))
    return [h for h in (step / 10, step / 100) if h / 2 > smallest]


def _smooth(pairs: list[Pair], noise: float, most: float, tol: float) -> Derivative:
    """Return the derivative of a smooth function, by its last or its first pair."""
    first, last = pairs[0], pairs[-1]
    uncertainty = CERTAIN * (most if first.is_flat else noise) / last.step
    may_be_rounding = first.roughness <= CERTAIN * most / first.step
    if last is not first and may_be_rounding and first.bend > first.change / 10:
        last, uncertainty = first, 2 * first.roughness
    return _derivative(last, uncertainty / tol, is_kink=False)


def _rough(pairs: list[Pair], noise: float, most: float, tol: float) -> Derivative:
    """Return the derivative of a rough function, by its behavior for smaller steps.

    If the step decreases, roughness due to rounding grows, and that due to a kink grows
    by at most a factor of 1.5. A gap due to curvature shrinks, and one due to a kink
    remains.
    """
    first, last = pairs[0], pairs[-1]
    uncertainty = CERTAIN * noise / last.step
    if last is first:  # smaller steps would be noise
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
