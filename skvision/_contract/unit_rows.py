"""Rows of unit length."""

import numpy as np


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Return rows divided by their Euclidean norms, in float64; zeros stay zero.

    Examples
    --------
    >>> import numpy as np
    >>> print(unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])))
    [[0.6 0.8]
     [0.  0. ]]
    """
    rows = rows.astype(np.float64)
    largest = np.abs(rows).max(axis=1, initial=0, keepdims=True)
    np.divide(rows, largest, out=rows, where=largest > 0)  # so that squares are finite
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    units: np.ndarray = np.divide(rows, norms, out=rows, where=norms > 0)
    return units
