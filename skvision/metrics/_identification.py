"""Identification: who of a gallery it is, if anyone."""

from numbers import Integral
from typing import Any

import numpy as np

from skvision._contract.public import public
from skvision.metrics._pairs import as_column, as_labels, unit_rows
from skvision.metrics._resolution import warn_unresolved

SIMILARITIES_AT_ONCE = 1 << 22
ROUNDING = 1e-12  # of the cosines of the same two images


@public("skvision.metrics")
def identification_rate(
    gallery: Any, gallery_labels: Any, probes: Any, probe_labels: Any, *, rank: int = 1
) -> float:
    """Compute how many images are identified from a gallery of known ones.

    People are ranked by the similarity, the cosine, of their most similar image.

    Parameters
    ----------
    gallery : array-like of shape (n_gallery, n_components)
        Embeddings of known images, of any length.
    gallery_labels : array-like of shape (n_gallery,)
        Who they are.
    probes : array-like of shape (n_probes, n_components)
        Embeddings of images to identify.
    probe_labels : array-like of shape (n_probes,)
        Who they are: people of the gallery.
    rank : int, default=1
        A probe is identified if its person is among the first so many.

    Returns
    -------
    rate : float
        Share of probes that are identified, from 0 to 1. One who is just as similar
        counts as more similar.

    Raises
    ------
    ValueError
        If embeddings are not finite, labels are missing or not as many, or a probe is
        of no one in the gallery: `open_set_identification_rate` takes these.

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
            f"probe_labels has {len(strangers)} who are not in the gallery, such as "
            f"{strangers[0]!r}: leave them out, or use open_set_identification_rate."
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
    """Compute how many are identified where few strangers raise a false alarm.

    A probe is held to be known if its largest similarity, the cosine, to an image of
    the gallery is a threshold at least. The threshold is the lowest at which not more
    than ``false_alarm_rate`` of the strangers, probes of no one in the gallery, are.

    Parameters
    ----------
    gallery : array-like of shape (n_gallery, n_components)
        Embeddings of known images, of any length.
    gallery_labels : array-like of shape (n_gallery,)
        Who they are.
    probes : array-like of shape (n_probes, n_components)
        Embeddings of images, of people of the gallery and of strangers.
    probe_labels : array-like of shape (n_probes,)
        Who they are.
    false_alarm_rate : float, default=0.01
        Share of strangers that may be held to be known, from 0 to 1.
    rank : int, default=1
        A probe is identified if it is held to be known, and its person is among the
        first so many.

    Returns
    -------
    rate : float
        Share of probes of people of the gallery that are identified, from 0 to 1.

    Raises
    ------
    ValueError
        As `identification_rate`, or if no probe is of a stranger or none of a person of
        the gallery.

    Warns
    -----
    UserWarning
        If there are too few strangers to tell ``false_alarm_rate`` from 0.

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
            f"false_alarm_rate must be from 0 to 1; got {false_alarm_rate!r}."
        )
    ranks, largest = _ranks(gallery, gallery_labels, probes, probe_labels, rank)
    strange = ranks == 0
    if strange.all() or not strange.any():
        lacking = "stranger" if not strange.any() else "person of the gallery"
        raise ValueError(
            f"Among {len(ranks)} probes there is no {lacking}: an open set needs both."
        )
    n_strange = int(strange.sum())
    warn_unresolved("false alarm rate", false_alarm_rate, n_strange, "strangers")
    n_allowed = int(false_alarm_rate * n_strange * (1 + 1e-12))
    falling = np.sort(largest[strange])[::-1]
    known = (
        largest > falling[n_allowed]  # who comes next would be one too many
        if n_allowed < n_strange
        else np.ones(len(largest), bool)
    )
    return float(np.mean((known & (ranks <= rank))[~strange]))


def _ranks(
    gallery: Any, gallery_labels: Any, probes: Any, probe_labels: Any, rank: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rank of the person of each probe, 0 for strangers, and its likeness.

    The latter is its largest similarity to an image of the gallery.
    """
    if not isinstance(rank, Integral) or rank < 1:
        raise ValueError(f"rank must be a whole number from 1; got {rank!r}.")
    gallery, probes = unit_rows(gallery, "gallery"), unit_rows(probes, "probes")
    gallery_labels = as_labels(gallery_labels, "gallery_labels")
    probe_labels = as_labels(probe_labels, "probe_labels")
    for name, rows, labels in (
        ("gallery", gallery, gallery_labels),
        ("probe", probes, probe_labels),
    ):
        if len(rows) != len(labels) or not len(rows):
            raise ValueError(
                f"The {name} has {len(rows)} embeddings and {len(labels)} labels: "
                f"there must be as many, and one at least."
            )
    if gallery.shape[1] != probes.shape[1]:
        raise ValueError(
            f"Embeddings of the gallery have {gallery.shape[1]} components, and those "
            f"of the probes {probes.shape[1]}: they must be of one embedder."
        )
    order = np.argsort(gallery_labels, kind="stable")
    people, starts = np.unique(gallery_labels[order], return_index=True)
    gallery = gallery[order]
    who = np.minimum(np.searchsorted(people, probe_labels), len(people) - 1)
    known = people[who] == probe_labels
    ranks, largest = np.zeros(len(probes), np.intp), np.empty(len(probes))
    at_once = max(1, SIMILARITIES_AT_ONCE // len(gallery))
    for start in range(0, len(probes), at_once):
        part = slice(start, start + at_once)
        best = np.maximum.reduceat(probes[part] @ gallery.T, starts, axis=1)
        own = best[np.arange(len(best)), who[part]]
        ranks[part] = np.where(
            known[part], (best >= own[:, None] - ROUNDING).sum(axis=1), 0
        )
        largest[part] = best.max(axis=1)
    return ranks, largest
