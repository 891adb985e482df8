"""Reading and validation of the files of the CIFAR datasets.

A batch is read as rows ``(n, 3072)``, in the planar layout of the file, and labels
``(n_kinds, n)``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision.datasets._inert_pickle import Call, read_pickle

IMAGE_BYTES = 3 * 32 * 32

Batch = tuple[NDArray[np.uint8], NDArray[Any]]


class Kind(NamedTuple):
    """One kind of label, with its keys in the pickles."""

    labels_key: bytes
    names_key: bytes
    n_classes: int


def read_pickled_batch(path: Path, kinds: Sequence[Kind]) -> Batch:
    """Read a batch of the Python version."""
    batch = read_pickle(path)
    rows = _make_rows(path, batch.get(b"data"))
    labels = np.empty((len(kinds), len(rows)), np.int64)
    for kind, values in zip(kinds, labels, strict=True):
        listed: Any = batch.get(kind.labels_key)
        whole = isinstance(listed, list) and all(type(label) is int for label in listed)
        if not whole or len(listed) != len(rows):
            raise _damaged(
                path,
                f"{kind.labels_key.decode()!r} is not a list of {len(rows)} integers, "
                f"one for each image",
            )
        values[:] = listed
    return rows, _check_labels(path, labels, kinds)


def read_binary_batch(path: Path, kinds: Sequence[Kind]) -> Batch:
    """Read a batch of the binary version: records of label bytes and pixels."""
    values = np.fromfile(path, np.uint8)
    record = len(kinds) + IMAGE_BYTES
    if len(values) % record:
        raise _damaged(
            path,
            f"its size is {len(values)} bytes, which is not a multiple of the "
            f"{record} bytes of an image with its labels",
        )
    records = values.reshape(-1, record)
    labels = records[:, : len(kinds)].T
    return records[:, len(kinds) :], _check_labels(path, labels, kinds)


def read_pickled_names(path: Path, kind: Kind) -> list[str]:
    """Read the names of the classes in the Python version."""
    listed = read_pickle(path).get(kind.names_key)
    if not isinstance(listed, list) or not all(type(name) is bytes for name in listed):
        raise _damaged(path, f"{kind.names_key.decode()!r} is not a list of names")
    return _check_names(path, [name.decode("latin-1") for name in listed], kind)


def read_binary_names(path: Path, kind: Kind) -> list[str]:
    """Read the names of the classes in the binary version, one per line."""
    lines = path.read_text(encoding="latin-1").split("\n")
    return _check_names(path, [line.strip() for line in lines if line.strip()], kind)


def _make_rows(path: Path, array: Any) -> NDArray[np.uint8]:
    """Return the array that a pickle describes, if its rows are images."""
    match array:
        case Call(
            "numpy.core.multiarray _reconstruct",
            _,
            (1, (int(n), 3072), Call("numpy dtype", (b"u1", *_)), False, bytes(pixels)),
        ) if len(pixels) == n * IMAGE_BYTES:
            return np.frombuffer(pixels, np.uint8).reshape(n, IMAGE_BYTES)
    raise _damaged(path, f"'data' is not a uint8 array of shape (n, {IMAGE_BYTES})")


def _check_labels(
    path: Path, labels: NDArray[Any], kinds: Sequence[Kind]
) -> NDArray[Any]:
    if labels.size == 0:
        raise _damaged(path, "it has no images")
    for kind, values in zip(kinds, labels, strict=True):
        if values.min() < 0 or values.max() >= kind.n_classes:
            raise _damaged(
                path,
                f"it has labels from {values.min()} to {values.max()}; labels must be "
                f"between 0 and {kind.n_classes - 1}",
            )
    return labels


def _check_names(path: Path, names: list[str], kind: Kind) -> list[str]:
    if not len(names) == len(set(names)) == kind.n_classes:
        raise _damaged(
            path,
            f"it has {len(names)} class names, of which {len(set(names))} are "
            f"distinct; {kind.n_classes} distinct names are required",
        )
    return names


def _damaged(path: Path, what: str) -> ValueError:
    return ValueError(
        f"{path} is damaged or belongs to another dataset: {what}. Unpack the "
        f"published archive again."
    )
