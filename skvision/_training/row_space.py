"""Few rows of many features, in coordinates of the space that they span.

The L2 norm of the weights is the same in these coordinates, and the optimum lies in
that space, so that a problem with more features than rows has as few parameters as it
has rows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skvision._training.objective import Array, split_linear
from skvision._training.rows import Rows

Vector = NDArray[np.float64]

MAX_ROWS = 2048
RANK = 1e-14  # eigenvalues, as parts of the largest, that are taken for zero


@dataclass(frozen=True)
class RowSpace:
    """Rows as combinations of an orthonormal basis.

    Attributes
    ----------
    features : Rows
        The rows as they came, drawn as float64.
    rows : Rows
        The rows in that basis, (n, rank), float64, with a center of zeros where they
        came with one.
    coefficients : ndarray of shape (n, rank)
        The basis as combinations of the rows.
    """

    features: Rows
    rows: Rows
    coefficients: Array

    @classmethod
    def of(cls, rows: Rows) -> "RowSpace":
        """Find the space that rows span."""
        features = Rows(rows.X, rows.center, exact=True)
        products = np.empty((len(rows), len(rows)))
        blocks = list(features.blocks(2**23))
        for i, block in enumerate(blocks):
            x = features.read(block)
            for other in blocks[: i + 1]:
                products[block, other] = x @ features.read(other).T
        if np.isfinite(np.diagonal(products)).all():
            values, vectors = np.linalg.eigh(products)  # of the lower half
        else:  # what overflows here is told by the objective
            values, vectors = np.full(len(rows), np.inf), np.eye(len(rows))
        kept = values > RANK * values.max(initial=0)
        roots = np.sqrt(values[kept])
        center = None if rows.center is None else np.zeros(len(roots))
        inside = Rows(np.ascontiguousarray(vectors[:, kept] * roots), center)
        return cls(features, inside, vectors[:, kept] / roots)

    def from_features(self, params: Vector) -> Vector:
        """Return W and b in the coordinates of the space."""
        has_bias = self.features.center is not None
        W, b = split_linear(params, self.features.n_features, has_bias)
        blocks = self.features.blocks()
        scores = np.concatenate([self.features.read(block) @ W.T for block in blocks])
        return np.append(scores.T @ self.coefficients, b)

    def to_features(self, params: Vector) -> Vector:
        """Return parameters in the coordinates of the space as W and b."""
        has_bias = self.features.center is not None
        V, b = split_linear(params, self.rows.n_features, has_bias)
        of_rows = V @ self.coefficients.T
        W = np.zeros((len(V), self.features.n_features))
        for block in self.features.blocks():
            W += of_rows[:, block] @ self.features.read(block)
        return np.append(W, b)
