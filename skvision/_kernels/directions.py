"""Directions of rows: rows of length one, and steps that turn them.

All arrays of a call are contiguous and of one dtype. Sums may be taken in any order,
which changes results by rounding errors only.
"""

import numpy as np

from skvision._kernels import jit_without_allocation as jit

ANY_ORDER = {"reassoc", "contract"}


@jit(fastmath=ANY_ORDER)
def unit_rows(x, units, inverse_norms):
    """Divide each row of ``x`` (n, d) by its length.

    A row of zeros has no direction: its unit and its inverse norm are zero. The same
    holds for a row so short that the inverse of its length is not finite.
    """
    dtype = x.dtype.type
    shortest = 1 / np.float64(np.finfo(x.dtype).max)
    for i in range(x.shape[0]):
        total = 0.0
        for j in range(x.shape[1]):
            total += np.float64(x[i, j]) * np.float64(x[i, j])
        norm = np.sqrt(total)
        inverse = dtype(1 / norm) if norm > shortest else dtype(0)
        inverse_norms[i] = inverse
        for j in range(x.shape[1]):
            units[i, j] = x[i, j] * inverse


@jit(fastmath=ANY_ORDER)
def turning_part(gradients, units, inverse_norms, scale):
    """Convert gradients by unit rows to gradients by the rows, in place.

    ``g <- scale (g - (g . u) u) / |x|``, where the part along the row is removed,
    because a step along a row does not turn it.
    """
    for i in range(gradients.shape[0]):
        along = gradients.dtype.type(0)
        for j in range(gradients.shape[1]):
            along += gradients[i, j] * units[i, j]
        factor = gradients.dtype.type(scale) * inverse_norms[i]
        for j in range(gradients.shape[1]):
            gradients[i, j] = factor * (gradients[i, j] - along * units[i, j])


@jit(fastmath=ANY_ORDER)
def angles_to_own(units, centers, labels, cosines, sines):
    """Compute the cosine and the sine of the angle of each unit row to its center.

    The shapes are (n, d) for ``units``, (k, d) for ``centers`` and (n,) for ``labels``.
    The sine is the length of ``center - cosine unit``, which is exact for small angles,
    where the root of one minus the square of the cosine is not.
    """
    one = units.dtype.type(1)
    for i in range(units.shape[0]):
        center = centers[labels[i]]
        cosine, squares = units.dtype.type(0), units.dtype.type(0)
        for j in range(units.shape[1]):
            cosine += units[i, j] * center[j]
        cosine = min(max(cosine, -one), one)
        for j in range(units.shape[1]):
            rest = center[j] - cosine * units[i, j]
            squares += rest * rest
        cosines[i], sines[i] = cosine, min(np.sqrt(squares), one)


@jit
def turn_to_centers(units, centers, labels, cosines, factors, out):
    """Do ``out[i] += factors[i] (center - cosines[i] unit)`` for each row."""
    for i in range(units.shape[0]):
        center = centers[labels[i]]
        for j in range(units.shape[1]):
            out[i, j] += factors[i] * (center[j] - cosines[i] * units[i, j])


@jit
def turn_to_units(units, centers, labels, cosines, factors, out):
    """Do ``out[label] += factors[i] (unit - cosines[i] center)`` for each row."""
    for i in range(units.shape[0]):
        k = labels[i]
        for j in range(units.shape[1]):
            out[k, j] += factors[i] * (units[i, j] - cosines[i] * centers[k, j])
