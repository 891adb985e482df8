"""Loader of MNIST and of datasets that are published in its format."""

import gzip
import io
import math
import os
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skvision._contract.public import public
from skvision.datasets._arguments import check_folder, parts_in_split

_PREFIXES = {"train": "train", "test": "t10k"}
_SIDE = 28
_N_CLASSES = 10
_MAX_IMAGES = 1_000_000  # the largest set in this format, EMNIST, has 814,255
# No deflate stream grows by a larger factor when it is decompressed.
_MAX_GZIP_RATIO = 1032
_CHUNK = 1 << 20


@public("skvision.datasets")
def load_mnist(root: str | os.PathLike[str], split: str = "train") -> Bunch:
    """Load MNIST, Fashion-MNIST or KMNIST from their idx files.

    The files have the names under which the three datasets are published,
    ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same with ``t10k``.
    Names with a dot instead of the second hyphen (``train-images.idx3-ubyte``) and with
    the suffix ``.gz`` are also accepted. Compressed files are decompressed while they
    are read, up to the size in their header, which may not exceed a million images.

    Parameters
    ----------
    root : str or path-like
        The folder that contains the files.
    split : {"train", "test", "all"}, default="train"
        The part to load; "all" is the training part followed by the test part.

    Returns
    -------
    data : :class:`sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        images : ndarray of shape (n, 28, 28), uint8
            Gray images with values from 0 to 255. n is 60,000 for "train" and 10,000
            for "test".
        labels : ndarray of shape (n,), int64
            The class of each image, from 0 to 9.
        names : list of str
            "0" to "9", because the files contain no names.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If ``root`` does not exist or is a file, or if a file is missing in it.
    ValueError
        If a file is damaged, is not in the idx format, or is too short or too long for
        its header, if the numbers of images and labels differ, or if ``split`` is
        unknown.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to
    document recognition", 1998.

    H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for
    benchmarking machine learning algorithms", 2017.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skvision.datasets import load_mnist
    >>> with tempfile.TemporaryDirectory() as root:
    ...     images = bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28])
    ...     images += bytes(783) + bytes([255])
    ...     labels = bytes([0, 0, 8, 1, 0, 0, 0, 1, 7])
    ...     _ = Path(root, "t10k-images-idx3-ubyte").write_bytes(images)
    ...     _ = Path(root, "t10k-labels-idx1-ubyte").write_bytes(labels)
    ...     mnist = load_mnist(root, split="test")
    >>> mnist.images.shape
    (1, 28, 28)
    >>> mnist.images[0, 27, 27], mnist.labels[0]
    (np.uint8(255), np.int64(7))
    """
    parts = parts_in_split(split)
    folder = check_folder(root)
    images, labels = zip(*(_load_part(folder, part) for part in parts), strict=True)
    return Bunch(
        images=images[0] if len(parts) == 1 else np.concatenate(images),
        labels=np.concatenate(labels).astype(np.int64),
        names=[str(digit) for digit in range(_N_CLASSES)],
    )


def _load_part(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images_path = _find(folder, f"{_PREFIXES[part]}-images", "idx3-ubyte")
    labels_path = _find(folder, f"{_PREFIXES[part]}-labels", "idx1-ubyte")
    images = _read_idx(images_path, item_shape=(_SIDE, _SIDE))
    labels = _read_idx(labels_path, item_shape=())
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} has {len(images)} images, but {labels_path} has "
            f"{len(labels)} labels. Take both files from the same dataset."
        )
    if labels.max() >= _N_CLASSES:
        raise ValueError(
            f"{labels_path} has the label {labels.max()}; labels must be between 0 and "
            f"{_N_CLASSES - 1}."
        )
    return images, labels


def _find(folder: Path, stem: str, kind: str) -> Path:
    names = [f"{stem}{dot}{kind}{gz}" for dot in "-." for gz in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(
        f"None of {', '.join(names)} is in {folder}. Download the file, or pass the "
        f"folder that contains it as root."
    )


def _read_idx(path: Path, item_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read a file of unsigned bytes of shape ``(n, *item_shape)``."""
    with path.open("rb") as file:
        compressed = file.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if compressed else path.open("rb") as stream:
            shape = _read_header(path, stream, item_shape)
            ratio = _MAX_GZIP_RATIO if compressed else 1
            return _read_values(path, stream, shape, path.stat().st_size * ratio)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{path} is a damaged gzip file: {error}. Download it again."
        ) from error


def _read_header(
    path: Path, stream: io.BufferedIOBase, item_shape: tuple[int, ...]
) -> tuple[int, ...]:
    n_axes = 1 + len(item_shape)
    header = stream.read(4 + 4 * n_axes)
    magic = bytes([0, 0, 8, n_axes])
    if header[:4] != magic:
        raise ValueError(
            f"{path} begins with the bytes {header[:4].hex(' ')!r}; an idx file of "
            f"{n_axes}-dimensional unsigned bytes begins with {magic.hex(' ')!r}. Pass "
            f"another file."
        )
    if len(header) < 4 + 4 * n_axes:
        raise ValueError(f"{path} ends in its header. Download it again.")
    shape = tuple(int(size) for size in np.frombuffer(header, ">u4", offset=4))
    if shape[0] == 0 or shape[1:] != item_shape:
        needed = ", ".join(["n", *map(str, item_shape)])
        raise ValueError(
            f"{path} has the shape {shape}; it must be ({needed}) with n at least 1."
        )
    if shape[0] > _MAX_IMAGES:
        raise ValueError(
            f"{path} has {shape[0]} images according to its header; published datasets "
            f"have at most {_MAX_IMAGES}. Download it again."
        )
    return shape


def _read_values(
    path: Path, stream: io.BufferedIOBase, shape: tuple[int, ...], max_bytes: int
) -> NDArray[np.uint8]:
    n_bytes = math.prod(shape)
    needed = f"its header requires {n_bytes} for the shape {shape}. Download it again."
    if n_bytes > max_bytes:
        raise ValueError(
            f"{path} is too short, with less than {max_bytes} bytes of data; {needed}"
        )
    values = np.empty(n_bytes, np.uint8)
    n_read = 0
    while chunk := stream.read(min(_CHUNK, n_bytes - n_read)):
        values[n_read : n_read + len(chunk)] = np.frombuffer(chunk, np.uint8)
        n_read += len(chunk)
    if n_read < n_bytes:
        raise ValueError(f"{path} is too short, with {n_read} bytes of data; {needed}")
    if stream.read(1):
        raise ValueError(
            f"{path} is too long, with more than {n_bytes} bytes of data; {needed}"
        )
    return values.reshape(shape)
