"""Result of a gradient check."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHOWN = 5  # coordinates that are printed


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck:
    """Result of a gradient check, which is true if it passed.

    Attributes
    ----------
    indices : tuple of tuple
        Checked coordinates, as multi-indices into x or, for an estimator, into the
        array in ``names``.
    names : tuple of str
        Names of the coordinates, such as ``"x[1, 2]"`` or ``"coef_[3, 17]"``.
    analytic, numerical : ndarray of shape (n_checked,), float64
        Derivatives that are compared.
    left, right : ndarray of shape (n_checked,), float64
        One-sided differences.
    errors : ndarray of shape (n_checked,), float64
        Relative errors. At a kink, the distance is that of the analytic derivative from
        the interval between the one-sided differences, so that it is 0 for a valid
        subgradient.
    is_kink : ndarray of shape (n_checked,), bool
        Whether the one-sided differences disagree for arbitrarily small steps.
    value : float
        Value of the function at x.
    tol : float
        Largest relative error that passes.
    """

    indices: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]
    analytic: NDArray[np.float64]
    numerical: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    errors: NDArray[np.float64]
    is_kink: NDArray[np.bool_]
    value: float
    tol: float

    @property
    def passed(self) -> bool:
        """Whether no error exceeds the tolerance."""
        return bool(self.worst_error <= self.tol)

    @property
    def worst_error(self) -> float:
        """The largest relative error."""
        return float(self.errors.max())

    @property
    def worst(self) -> str:
        """Name of the coordinate with the largest relative error."""
        return self.names[int(self.errors.argmax())]

    @property
    def worst_index(self) -> tuple[int, ...]:
        """Multi-index of the coordinate with the largest relative error."""
        return self.indices[int(self.errors.argmax())]

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return (
            f"GradientCheck(passed={self.passed}, worst={self.worst!r}, "
            f"worst_error={self.worst_error:.2g}, tol={self.tol:g}, "
            f"n_checked={len(self.errors)}, n_kinks={int(self.is_kink.sum())})"
        )

    def __str__(self) -> str:
        n, wrong = len(self.errors), self.errors > self.tol
        verdict = "passed" if self.passed else "FAILED"
        lines = [
            f"gradient check {verdict}: {n - wrong.sum()} of {n} coordinates agree to "
            f"a relative {self.tol:g}"
        ]
        worst_first = np.argsort(-self.errors, kind="stable")
        shown = min(max(int(wrong.sum()), 1), SHOWN)
        lines += [f"  {self._line(i)}" for i in worst_first[:shown]]
        if wrong.sum() > shown:
            lines.append(f"  and {wrong.sum() - shown} more")
        factor = self._common_factor(wrong)
        if factor:
            lines.append(f"  all of these are too large by a factor of {factor:.4g}")
        excused = int(np.sum(self.is_kink & ~wrong))
        if excused:
            lines.append(
                f"  {excused} at a kink, where the analytic derivative is a valid "
                f"subgradient between the slopes to the left and to the right"
            )
        return "\n".join(lines)

    def _line(self, i: int) -> str:
        if self.is_kink[i]:
            numerical = f"{self.left[i]:.6g} to the left, {self.right[i]:.6g} right"
        else:
            numerical = f"numerical {self.numerical[i]:.6g}"
        return (
            f"{self.names[i]}: analytic {self.analytic[i]:.6g}, {numerical}, error "
            f"{self.errors[i]:.2g}"
        )

    def _common_factor(self, wrong: NDArray[np.bool_]) -> float | None:
        """Return the common factor of at least three wrong derivatives, or None."""
        at = wrong & ~self.is_kink & (self.numerical != 0)
        if at.sum() < 3 or at.sum() < wrong.sum():
            return None
        ratios = self.analytic[at] / self.numerical[at]
        factor = float(np.median(ratios))
        is_common = np.allclose(ratios, factor, rtol=1e-3, atol=0)
        return factor if is_common and abs(factor - 1) > 0.01 else None
