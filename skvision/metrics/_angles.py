"""Angles of embeddings within and between classes."""

from typing import Any, NamedTuple

import numpy as np

from skvision._contract.public import public
from skvision.metrics._pairs import as_labels, unit_embeddings


class AngleStatistics(NamedTuple):
    """Result of `angle_statistics`.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        Class labels in sorted order.
    centers : ndarray of shape (n_classes, n_components)
        Centers of the classes, of unit length.
    within : ndarray of shape (n,)
        Angle between each embedding and the center of its class, in radians, from 0 to
        pi.
    between : ndarray of shape (n_classes,)
        Angle between each center and the nearest other center, in radians.
    """

    classes: np.ndarray
    centers: np.ndarray
    within: np.ndarray
    between: np.ndarray


@public("skvision.metrics")
def angle_statistics(
    embeddings: Any, labels: Any, *, centers: Any = None
) -> AngleStatistics:
    """Compute the angles of embeddings to their class centers, and between centers.

    Parameters
    ----------
    embeddings : array-like of shape (n, n_components)
        Embeddings of any length. The angle between zero and any other vector is pi / 2.
    labels : array-like of shape (n,)
        Class labels of the embeddings.
    centers : array-like of shape (n_classes, n_components), default=None
        Centers of the classes in the order of the sorted labels, such as
        ``class_centers_`` of an `ArcFaceEmbedder`. None means the mean of the
        normalized embeddings of each class.

    Returns
    -------
    statistics : AngleStatistics
        Named tuple of ``classes``, ``centers``, ``within`` (n,) and ``between``
        (n_classes,), with angles in radians.

    Raises
    ------
    ValueError
        If embeddings or centers are not finite, if labels are missing, or if the
        numbers of labels or centers do not match.

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
    units, labels = (
        unit_embeddings(embeddings, "embeddings"),
        as_labels(labels, "labels"),
    )
    if len(units) != len(labels) or not len(labels):
        raise ValueError(
            f"The numbers of embeddings and labels must be equal and at least 1; got "
            f"{len(units)} embeddings and {len(labels)} labels."
        )
    classes, at = np.unique(labels, return_inverse=True)
    if centers is None:
        centers = np.zeros((len(classes), units.shape[1]))
        np.add.at(centers, at, units)
    centers = unit_embeddings(centers, "centers")
    if centers.shape != (len(classes), units.shape[1]):
        raise ValueError(
            f"centers must have the shape {(len(classes), units.shape[1])}, with one "
            f"row for each class in labels; got {centers.shape}."
        )
    cosines = centers @ centers.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = centers[cosines.argmax(axis=1)]
    within, between = _angles(units, centers[at]), _angles(centers, nearest)
    if len(classes) == 1:
        between = np.full(1, np.nan)
    return AngleStatistics(classes, centers, within, between)


def _angles(a: np.ndarray, b: np.ndarray) -> Any:
    """Return the angles between unit rows, accurate also near 0 and pi."""
    none = ~(a.any(axis=1) & b.any(axis=1))
    angles = 2 * np.arctan2(
        np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1)
    )
    angles[none] = np.pi / 2
    return angles
