"""Which images are held out: copies of an image, and groups, stay on one side."""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def first_copies(images: Iterable[NDArray[Any]]) -> NDArray[np.intp]:
    """Return for each image the position of the first one with the same pixels.

    Parameters
    ----------
    images : iterable of n ndarrays
        Images, C-contiguous. Decoded pixels tell copies whose files differ in their
        metadata only, which the bytes of the files would not.

    Returns
    -------
    first : ndarray of shape (n,)
        ``first[i] == i`` where no image before ``i`` is the same.
    """
    seen: dict[bytes, int] = {}
    digests = (hashlib.sha256(image.data).digest() for image in images)
    first = [seen.setdefault(digest, i) for i, digest in enumerate(digests)]
    return np.array(first, dtype=np.intp)


def read_groups(file: Path, root: Path, paths: Sequence[str]) -> NDArray[np.str_]:
    """Read which images belong together from a CSV file.

    Parameters
    ----------
    file : Path
        UTF-8, with the columns ``file``, a path from ``root``, and ``group``.
    root : Path
        The folder that the images are in.
    paths : sequence of n str
        The images, each path beginning with ``root``.

    Returns
    -------
    groups : ndarray of shape (n,), str
        The group of each image.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such table, or does not list each image once, and nothing else.
    """
    groups: dict[Path, str] = {}
    with file.open(newline="", encoding="utf-8-sig") as lines:
        table = csv.DictReader(lines)
        try:
            _read_table(table, groups, root)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(
                f"{str(file)!r} is no CSV file in UTF-8: {error}"
            ) from None
        except ValueError as error:
            raise ValueError(f"{str(file)!r} {error}") from None
    pictures = list(map(Path, paths))
    unlisted = [picture for picture in pictures if picture not in groups]
    if unlisted:
        raise ValueError(
            f"{str(file)!r} has no group for {_some(unlisted)}: each image needs one."
        )
    unknown = groups.keys() - set(pictures)
    if unknown:
        raise ValueError(
            f"{str(file)!r} lists {_some(sorted(unknown))}, not among the images of "
            f"{str(root)!r}: give paths that start from that folder."
        )
    return np.array([groups[picture] for picture in pictures])


def _read_table(table: csv.DictReader, groups: dict[Path, str], root: Path) -> None:
    columns = list(table.fieldnames or [])
    if not {"file", "group"}.issubset(columns):
        shown = ", ".join(repr(name[:50]) for name in columns[:5])
        shown += ", …" if len(columns) > 5 else ""
        raise ValueError(f"needs the columns 'file' and 'group'; it has [{shown}].")
    for row in table:
        if not row["file"] or not row["group"]:
            raise ValueError(f"has no file or no group in line {table.line_num}.")
        path = root / row["file"]
        if groups.setdefault(path, row["group"]) != row["group"]:
            raise ValueError(f"has two groups for {row['file']!r}.")


def _some(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{str(paths[0])!r}{more}"


def draw_test_set(
    labels: NDArray[Any],
    ties: Sequence[NDArray[Any]],
    test_size: float,
    seed: int,
) -> NDArray[np.bool_]:
    """Draw a test set with the same share of each class, never parting what is tied.

    What is tied goes to the test set whole or not at all, in random order, wherever
    that brings the classes in it nearer to their shares; so single images fill the
    shares exactly, and large groups as well as they can.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        The class of each image.
    ties : sequence of ndarrays of shape (n,)
        Images that have the same value in any of these stay together.
    test_size : float
        The share to draw, between 0 and 1.
    seed : int
        Fixes the draw.

    Returns
    -------
    is_test : ndarray of shape (n,), bool
        Has images of every class on both sides.

    Raises
    ------
    ValueError
        If a class cannot be on both sides.
    """
    classes, classes_of = np.unique(labels, return_inverse=True)
    totals = np.bincount(classes_of)
    parts = join_ties(ties, len(labels))
    counts = [Counter[int]() for _ in range(parts.max() + 1)]
    for part, label in zip(parts, classes_of, strict=True):
        counts[part][label] += 1
    wanted = np.clip(np.rint(test_size * totals), 1, None)
    drawn = np.zeros_like(totals)
    chosen = np.zeros(len(counts), dtype=bool)

    def take(part: int) -> None:
        chosen[part] = True
        for label, n in counts[part].items():
            drawn[label] += n

    def leaves_some(part: int) -> bool:
        return all(
            drawn[label] + n < totals[label] for label, n in counts[part].items()
        )

    def worth(part: int) -> float:
        return sum(
            ((drawn[label] - wanted[label]) / wanted[label]) ** 2
            - ((drawn[label] + n - wanted[label]) / wanted[label]) ** 2
            for label, n in counts[part].items()
        )

    order = np.random.default_rng(seed).permutation(len(counts))
    for part in order:
        if leaves_some(part) and worth(part) > 0:
            take(part)
    for label in np.flatnonzero(drawn == 0):
        if drawn[label] > 0:  # came along with a class before it
            continue
        possible = [part for part in order if label in counts[part]]
        possible = [part for part in possible if leaves_some(part)]
        if not possible:
            raise ValueError(
                f"The class {str(classes[label])!r} cannot be both in the training and "
                f"in the test set: its images ({totals[label]}) are one image, "
                f"copies of it, or tied by groups. Add images to it, or give a test "
                f"folder."
            )
        take(min(possible, key=lambda part: counts[part].total()))
    return chosen[parts]


def join_ties(ties: Sequence[NDArray[Any]], n: int) -> NDArray[np.intp]:
    """Return for each image the number of the set that it hangs together with."""
    first = []
    for values in ties:
        _, index, inverse = np.unique(values, return_index=True, return_inverse=True)
        first.append(index[inverse])
    ends = np.concatenate(first)
    starts = np.tile(np.arange(n), len(first))
    graph = coo_array((np.ones(len(ends)), (starts, ends)), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.intp)
