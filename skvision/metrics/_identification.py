"""Rates of identification in a gallery, of known classes or in an open set."""

from numbers import Integral
from typing import Any

import numpy as np

from skvision._contract.public import public
from skvision.metrics._pairs import as_column, as_labels, unit_embeddings
from skvision.metrics._resolution import warn_unresolved

SIMILARITIES_PER_BATCH = 1 << 22
ROUNDING = 1e-12  # of the cosines of equal pairs of images


@public("skvision.metrics")
def identification_rate(
    gallery: Any, gallery_labels: Any, probes: Any, probe_labels: Any, *, rank: int = 1
) -> float:
    """Compute the rate of images that are identified in a gallery of known images.

    The classes of the gallery, such as people, are ranked by the cosine similarity of
    their most similar image.

    Parameters
    ----------
    gallery : array-like of shape (n_gallery, n_components)
        Embeddings of known images, of any length.
    gallery_labels : array-like of shape (n_gallery,)
        Class labels of the gallery.
    probes : array-like of shape (n_probes, n_components)
        Embeddings of images to identify.
    probe_labels : array-like of shape (n_probes,)
        Class labels of the probes, which must occur in the gallery.
    rank : int, default=1
        A probe is identified if its class is among the first ``rank`` classes.

    Returns
    -------
    rate : float
        Fraction of the probes that are identified, from 0 to 1. Classes with equal
        similarity are ranked before the class of the probe.

    Raises
    ------
    ValueError
        If embeddings are not finite, if labels are missing or their number does not
        match, or if the class of a probe is not in the gallery. Use
        `open_set_identification_rate` for such probes.

    Examples
    --------
    >>> from skvision.metrics import identification_rate
    >>> gallery, names = [[1, 0], [0, 1]], ["ann", "bob"]
    >>> probes, who = [[0.9, 0.1], [0.6, 0.4]], ["ann", "bob"]
    >>> identification_rate(gallery, names, probes, who)
    0.5
    """
    ranks, _ = _ranks(gallery, gallery_labels, probes, probe_labels, rank)
    strangers = np.unique(as_column(probe_labels, "probe_labels")[ranks == 0]).tolist()
    if len(strangers):
        raise ValueError(
            f"probe_labels has {len(strangers)} classes that are not in the gallery, "
            f"such as {strangers[0]!r}. Remove their probes, or use "
            f"open_set_identification_rate."
        )
    return float(np.mean(ranks <= rank))


@public("skvision.metrics")
def open_set_identification_rate(
    gallery: Any,
    gallery_labels: Any,
    probes: Any,
    probe_labels: Any,
    *,
    false_alarm_rate: float = 0.01,
    rank: int = 1,
) -> float:
    """Compute the identification rate at a given rate of false alarms.

    A probe is accepted as known if its largest cosine similarity to an image of the
    gallery reaches a threshold. A false alarm is an accepted stranger, which is a probe
    whose class is not in the gallery. The threshold is the lowest one at which the rate
    of false alarms is at most ``false_alarm_rate``.

    Parameters
    ----------
    gallery : array-like of shape (n_gallery, n_components)
        Embeddings of known images, of any length.
    gallery_labels : array-like of shape (n_gallery,)
        Class labels of the gallery.
    probes : array-like of shape (n_probes, n_components)
        Embeddings of images, of classes of the gallery and of strangers.
    probe_labels : array-like of shape (n_probes,)
        Class labels of the probes.
    false_alarm_rate : float, default=0.01
        Largest fraction of strangers that may be accepted, from 0 to 1.
    rank : int, default=1
        A probe is identified if it is accepted and its class is among the first
        ``rank`` classes.

    Returns
    -------
    rate : float
        Fraction of the probes of known classes that are identified, from 0 to 1.

    Raises
    ------
    ValueError
        As in `identification_rate`, or if there are no strangers or no probes of known
        classes.

    Warns
    -----
    UserWarning
        If there are too few strangers to distinguish ``false_alarm_rate`` from 0.

    References
    ----------
    P. J. Phillips, P. Grother and R. Micheals, "Evaluation methods in face
    recognition", Handbook of Face Recognition, 2011.

    Examples
    --------
    >>> from skvision.metrics import open_set_identification_rate
    >>> gallery, names = [[1, 0], [0, 1]], ["ann", "bob"]
    >>> probes = [[1, 0], [0.6, 0.4], [-1, 0.2]]
    >>> open_set_identification_rate(
    ...     gallery, names, probes, ["ann", "bob", "eve"], false_alarm_rate=1
    ... )
    0.5
    """
    if not 0 <= false_alarm_rate <= 1:
        raise ValueError(
            f"false_alarm_rate must be between 0 and 1; got {false_alarm_rate!r}."
        )
    ranks, largest = _ranks(gallery, gallery_labels, probes, probe_labels, rank)
    is_stranger = ranks == 0
    if is_stranger.all() or not is_stranger.any():
        lacking = "strangers" if not is_stranger.any() else "classes of the gallery"
        raise ValueError(
            f"An open set requires probes of strangers and of classes of the gallery; "
            f"the {len(ranks)} probes contain no {lacking}."
        )
    n_strangers = int(is_stranger.sum())
    warn_unresolved("false alarm rate", false_alarm_rate, n_strangers, "strangers")
    n_allowed = int(false_alarm_rate * n_strangers * (1 + 1e-12))
    decreasing = np.sort(largest[is_stranger])[::-1]
    known = (
        largest > decreasing[n_allowed]  # the next stranger would exceed the rate
        if n_allowed < n_strangers
        else np.ones(len(largest), bool)
    )
    return float(np.mean((known & (ranks <= rank))[~is_stranger]))


def _ranks(
    gallery: Any, gallery_labels: Any, probes: Any, probe_labels: Any, rank: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rank of the class of each probe, 0 for strangers, and similarities.

    The similarity is the largest cosine between the probe and an image of the gallery.
    """
    if not isinstance(rank, Integral) or rank < 1:
        raise ValueError(f"rank must be an integer of at least 1; got {rank!r}.")
    gallery, probes = (
        unit_embeddings(gallery, "gallery"),
        unit_embeddings(probes, "probes"),
    )
    gallery_labels = as_labels(gallery_labels, "gallery_labels")
    probe_labels = as_labels(probe_labels, "probe_labels")
    for name, rows, labels in (
        ("gallery", gallery, gallery_labels),
        ("probes", probes, probe_labels),
    ):
        if len(rows) != len(labels) or not len(rows):
            raise ValueError(
                f"The numbers of embeddings and labels of the {name} must be equal and "
                f"at least 1; got {len(rows)} embeddings and {len(labels)} labels."
            )
    if gallery.shape[1] != probes.shape[1]:
        raise ValueError(
            f"Embeddings of gallery and probes must have the same number of "
            f"components; got {gallery.shape[1]} and {probes.shape[1]}. Compute both "
            f"by the same embedder."
        )
    order = np.argsort(gallery_labels, kind="stable")
    classes, starts = np.unique(gallery_labels[order], return_index=True)
    gallery = gallery[order]
    class_index = np.minimum(np.searchsorted(classes, probe_labels), len(classes) - 1)
    known = classes[class_index] == probe_labels
    ranks, largest = np.zeros(len(probes), np.intp), np.empty(len(probes))
    batch_size = max(1, SIMILARITIES_PER_BATCH // len(gallery))
    for start in range(0, len(probes), batch_size):
        part = slice(start, start + batch_size)
        best = np.maximum.reduceat(probes[part] @ gallery.T, starts, axis=1)
        own = best[np.arange(len(best)), class_index[part]]
        ranks[part] = np.where(
            known[part], (best >= own[:, None] - ROUNDING).sum(axis=1), 0
        )
        largest[part] = best.max(axis=1)
    return ranks, largest
