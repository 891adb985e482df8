"""How far apart embeddings lie, within classes and between them."""

from typing import Any, NamedTuple

import numpy as np

from skvision._contract.public import public
from skvision.metrics._pairs import as_labels, unit_rows


class AngleStatistics(NamedTuple):
    """What `angle_statistics` returns.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The classes, sorted.
    centers : ndarray of shape (n_classes, n_components)
        Their centers, of length one.
    within : ndarray of shape (n,)
        Angle of each embedding to the center of its class, in radians, from 0 to pi.
    between : ndarray of shape (n_classes,)
        Angle of each center to the nearest other, in radians.
    """

    classes: np.ndarray
    centers: np.ndarray
    within: np.ndarray
    between: np.ndarray


@public("skvision.metrics")
def angle_statistics(
    embeddings: Any, labels: Any, *, centers: Any = None
) -> AngleStatistics:
    """Compute the angles of embeddings to their class, and between classes.

    Parameters
    ----------
    embeddings : array-like of shape (n, n_components)
        Of any length; one of zeros is at a right angle to everything.
    labels : array-like of shape (n,)
        Their classes.
    centers : array-like of shape (n_classes, n_components), default=None
        Centers of the classes, in sorted order, such as ``class_centers_`` of an
        `ArcFaceEmbedder`. None takes the mean of the embeddings of a class, each made
        of length one.

    Returns
    -------
    statistics : AngleStatistics
        ``classes``, ``centers``, ``within`` (n,) and ``between`` (n_classes,); angles
        are in radians.

    Raises
    ------
    ValueError
        If embeddings or centers are not finite, labels are missing, or there are not as
        many labels or centers as needed.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.metrics import angle_statistics
    >>> embeddings = [[1, 0], [1, 0.2], [0, 1], [0.2, 1]]
    >>> angles = angle_statistics(embeddings, ["a", "a", "b", "b"])
    >>> print(np.degrees(angles.within).round(1))
    [5.7 5.7 5.7 5.7]
    >>> print(np.degrees(angles.between).round(1))
    [78.7 78.7]
    """
    units, labels = unit_rows(embeddings, "embeddings"), as_labels(labels, "labels")
    if len(units) != len(labels) or not len(labels):
        raise ValueError(
            f"There are {len(units)} embeddings and {len(labels)} labels: there must "
            f"be as many, and one at least."
        )
    classes, at = np.unique(labels, return_inverse=True)
    if centers is None:
        centers = np.zeros((len(classes), units.shape[1]))
        np.add.at(centers, at, units)
    centers = unit_rows(centers, "centers")
    if centers.shape != (len(classes), units.shape[1]):
        raise ValueError(
            f"centers must be of shape {(len(classes), units.shape[1])}, a row for "
            f"each of the classes of labels; got {centers.shape}."
        )
    cosines = centers @ centers.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = centers[cosines.argmax(axis=1)]
    within, between = _angles(units, centers[at]), _angles(centers, nearest)
    if len(classes) == 1:
        between = np.full(1, np.nan)
    return AngleStatistics(classes, centers, within, between)


def _angles(a: np.ndarray, b: np.ndarray) -> Any:
    """Return the angles of unit rows: sound where they are small or nearly pi, too."""
    none = ~(a.any(axis=1) & b.any(axis=1))
    angles = 2 * np.arctan2(
        np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1)
    )
    angles[none] = np.pi / 2
    return angles
