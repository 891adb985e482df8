"""Coordinates of the row space, for problems with more features than rows.

The optimum lies in the space that the rows span, and its L2 norm is the same in
orthonormal coordinates of that space. The problem therefore needs only as many weights
per class as there are rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skvision._training.objective import Array, split_linear
from skvision._training.sources import ArraySource, Centered

Vector = NDArray[np.float64]

MAX_ROWS = 2048
RANK = 1e-14  # eigenvalues below this fraction of the largest are zero


@dataclass(frozen=True)
class RowSpace:
    """Rows in coordinates of an orthonormal basis of their span.

    Attributes
    ----------
    features : Centered
        The original rows, read as float64.
    rows : Centered
        The rows in this basis, (n, rank), in float64. Their center is zero if the
        original rows have a center.
    coefficients : ndarray of shape (n, rank)
        The basis vectors as linear combinations of the rows.
    """

    features: Centered
    rows: Centered
    coefficients: Array

    @classmethod
    def of(cls, rows: Centered) -> "RowSpace":
        """Compute the space that rows span."""
        features = Centered(rows.source, rows.center, exact=True)
        products = np.empty((len(rows), len(rows)))
        blocks = list(features.blocks(2**23))
        for i, block in enumerate(blocks):
            x = features.take(block)
            for other in blocks[: i + 1]:
                products[block, other] = x @ features.take(other).T
        if np.isfinite(np.diagonal(products)).all():
            values, vectors = np.linalg.eigh(products)  # uses the lower half
        else:  # the objective will report the overflow
            values, vectors = np.full(len(rows), np.inf), np.eye(len(rows))
        kept = values > RANK * values.max(initial=0)
        roots = np.sqrt(values[kept])
        center = None if rows.center is None else np.zeros(len(roots))
        coordinates = ArraySource(np.ascontiguousarray(vectors[:, kept] * roots))
        inside = Centered(coordinates, center)
        return cls(features, inside, vectors[:, kept] / roots)

    def from_features(self, params: Vector) -> Vector:
        """Convert parameters to the coordinates of the space."""
        has_bias = self.features.center is not None
        W, b = split_linear(params, self.features.n_features, has_bias)
        blocks = self.features.blocks()
        scores = np.concatenate([self.features.take(block) @ W.T for block in blocks])
        return np.append(scores.T @ self.coefficients, b)

    def to_features(self, params: Vector) -> Vector:
        """Convert parameters from the coordinates of the space."""
        has_bias = self.features.center is not None
        V, b = split_linear(params, self.rows.n_features, has_bias)
        of_rows = V @ self.coefficients.T
        W = np.zeros((len(V), self.features.n_features))
        for block in self.features.blocks():
            W += of_rows[:, block] @ self.features.take(block)
        return np.append(W, b)
