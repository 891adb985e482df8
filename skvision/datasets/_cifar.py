"""Loaders of CIFAR-10 and CIFAR-100, from the Python or the binary version."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from skvision._contract.public import public
from skvision.datasets._arguments import check_folder, parts_in_split
from skvision.datasets._cifar_files import (
    IMAGE_BYTES,
    Kind,
    read_binary_batch,
    read_binary_names,
    read_pickled_batch,
    read_pickled_names,
)


@public("skvision.datasets")
def load_cifar10(root: str | os.PathLike[str], split: str = "train") -> Bunch:
    r"""Load CIFAR-10 from its published files.

    Both the Python version (``cifar-10-batches-py``) and the binary version
    (``cifar-10-batches-bin``) are read. The pickles of the Python version are parsed as
    data: nothing that they refer to is imported or called.

    Parameters
    ----------
    root : str or path-like
        The folder of the unpacked archive, or the folder that contains it.
    split : {"train", "test", "all"}, default="train"
        The part to load; "all" is the training part followed by the test part.

    Returns
    -------
    data : :class:`sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        images : ndarray of shape (n, 32, 32, 3), uint8
            RGB images with values from 0 to 255. n is 50,000 for "train" and 10,000 for
            "test".
        labels : ndarray of shape (n,), int64
            The class of each image, from 0 to 9.
        names : list of str
            The names of the ten classes.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If ``root`` does not exist or is a file, or if files are missing in it.
    ValueError
        If a file is damaged or does not belong to CIFAR-10, or if ``split`` is unknown.

    References
    ----------
    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skvision.datasets import load_cifar10
    >>> names = "airplane automobile bird cat deer dog frog horse ship truck"
    >>> red_cat = bytes([3]) + bytes([255] * 1024 + [0] * 2048)
    >>> with tempfile.TemporaryDirectory() as root:
    ...     _ = Path(root, "batches.meta.txt").write_text("\n".join(names.split()))
    ...     _ = Path(root, "test_batch.bin").write_bytes(red_cat)
    ...     cifar = load_cifar10(root, split="test")
    >>> cifar.images.shape
    (1, 32, 32, 3)
    >>> cifar.images[0, 0, 0].tolist(), cifar.names[cifar.labels[0]]
    ([255, 0, 0], 'cat')
    """
    images, (labels,), (names,) = _load(root, split, _CIFAR10)
    return Bunch(images=images, labels=labels, names=names)


@public("skvision.datasets")
def load_cifar100(root: str | os.PathLike[str], split: str = "train") -> Bunch:
    r"""Load CIFAR-100 from its published files.

    Both the Python version (``cifar-100-python``) and the binary version
    (``cifar-100-binary``) are read. The pickles of the Python version are parsed as
    data: nothing that they refer to is imported or called.

    Parameters
    ----------
    root : str or path-like
        The folder of the unpacked archive, or the folder that contains it.
    split : {"train", "test", "all"}, default="train"
        The part to load; "all" is the training part followed by the test part.

    Returns
    -------
    data : :class:`sklearn.utils.Bunch`
        Dictionary-like object with the attributes

        images : ndarray of shape (n, 32, 32, 3), uint8
            RGB images with values from 0 to 255. n is 50,000 for "train" and 10,000 for
            "test".
        labels : ndarray of shape (n,), int64
            The class of each image, from 0 to 99 ("fine" in the files).
        names : list of str
            The names of the hundred classes.
        coarse_labels : ndarray of shape (n,), int64
            The superclass of each image, from 0 to 19. Each superclass has five
            classes.
        coarse_names : list of str
            The names of the twenty superclasses.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If ``root`` does not exist or is a file, or if files are missing in it.
    ValueError
        If a file is damaged or does not belong to CIFAR-100, or if ``split`` is
        unknown.

    References
    ----------
    A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skvision.datasets import load_cifar100
    >>> fine = "\n".join(f"class {k}" for k in range(100))
    >>> coarse = "\n".join(f"superclass {k}" for k in range(20))
    >>> blue = bytes([4, 51]) + bytes([0] * 2048 + [255] * 1024)
    >>> with tempfile.TemporaryDirectory() as root:
    ...     _ = Path(root, "fine_label_names.txt").write_text(fine)
    ...     _ = Path(root, "coarse_label_names.txt").write_text(coarse)
    ...     _ = Path(root, "test.bin").write_bytes(blue)
    ...     cifar = load_cifar100(root, split="test")
    >>> cifar.images[0, 0, 0].tolist()
    [0, 0, 255]
    >>> cifar.names[cifar.labels[0]], cifar.coarse_names[cifar.coarse_labels[0]]
    ('class 51', 'superclass 4')
    """
    images, (coarse_labels, labels), (coarse_names, names) = _load(
        root, split, _CIFAR100
    )
    return Bunch(
        images=images,
        labels=labels,
        names=names,
        coarse_labels=coarse_labels,
        coarse_names=coarse_names,
    )


class _Version(NamedTuple):
    """One of the formats in which a dataset is published."""

    folder: str
    parts: dict[str, Sequence[str]]
    names: Sequence[str]  # one file for each kind of label
    read_batch: Callable[[Path, Sequence[Kind]], tuple[NDArray[Any], NDArray[Any]]]
    read_names: Callable[[Path, Kind], list[str]]


class _Dataset(NamedTuple):
    title: str
    kinds: Sequence[Kind]  # in the order of the label bytes of the binary version
    versions: Sequence[_Version]


def _load(
    root: str | os.PathLike[str], split: str, published: _Dataset
) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[list[str]]]:
    """Return images, labels of shape (n_kinds, n) and class names of each kind."""
    parts = parts_in_split(split)
    version, folder = _find(check_folder(root), published, parts)
    batches = [folder / name for part in parts for name in version.parts[part]]
    names = [
        version.read_names(folder / name, kind)
        for name, kind in zip(version.names, published.kinds, strict=True)
    ]
    # The sizes of the files limit the number of images before any is read.
    max_images = sum(path.stat().st_size for path in batches) // IMAGE_BYTES
    images = np.empty((max_images, 32, 32, 3), np.uint8)
    n, labels = 0, []
    for path in batches:
        rows, batch_labels = version.read_batch(path, published.kinds)
        planes = rows.reshape(-1, 3, 32, 32)
        for channel in range(3):
            images[n : n + len(rows), ..., channel] = planes[:, channel]
        labels.append(batch_labels)
        n += len(rows)
    return images[:n], np.concatenate(labels, axis=1, dtype=np.int64), names


def _find(
    root: Path, published: _Dataset, parts: Sequence[str]
) -> tuple[_Version, Path]:
    """Return the first version whose files all exist, and its folder."""
    searched = []
    for version in published.versions:
        batches = [name for part in parts for name in version.parts[part]]
        needed = dict.fromkeys([*batches, *version.names])
        for folder in (root, root / version.folder):
            missing = [name for name in needed if not (folder / name).is_file()]
            if not missing:
                return version, folder
            searched.append(f"{folder} lacks {', '.join(missing)}")
    raise FileNotFoundError(
        f"{published.title} was not found in {root}: {'; '.join(searched)}. Unpack the "
        f"published archive, and pass its folder or the parent folder as root."
    )


_CIFAR10 = _Dataset(
    "CIFAR-10",
    kinds=[Kind(b"labels", b"label_names", 10)],
    versions=[
        _Version(
            "cifar-10-batches-py",
            {
                "train": [f"data_batch_{number}" for number in range(1, 6)],
                "test": ["test_batch"],
            },
            ["batches.meta"],
            read_pickled_batch,
            read_pickled_names,
        ),
        _Version(
            "cifar-10-batches-bin",
            {
                "train": [f"data_batch_{number}.bin" for number in range(1, 6)],
                "test": ["test_batch.bin"],
            },
            ["batches.meta.txt"],
            read_binary_batch,
            read_binary_names,
        ),
    ],
)

_CIFAR100 = _Dataset(
    "CIFAR-100",
    kinds=[
        Kind(b"coarse_labels", b"coarse_label_names", 20),
        Kind(b"fine_labels", b"fine_label_names", 100),
    ],
    versions=[
        _Version(
            "cifar-100-python",
            {"train": ["train"], "test": ["test"]},
            ["meta", "meta"],
            read_pickled_batch,
            read_pickled_names,
        ),
        _Version(
            "cifar-100-binary",
            {"train": ["train.bin"], "test": ["test.bin"]},
            ["coarse_label_names.txt", "fine_label_names.txt"],
            read_binary_batch,
            read_binary_names,
        ),
    ],
)
