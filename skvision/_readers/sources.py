"""Validation of the input of `ImageReader`: files and images."""

import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skvision._contract.containers import refuse_mask
from skvision._readers.image_files import is_missing

_ONE_FILE = (str, os.PathLike, bytes, bytearray, memoryview)


def check_sources(X: Any) -> Any:
    """Return a validated sequence of files and images, or a batch of images."""
    if isinstance(X, Image.Image):
        return [X]
    if isinstance(X, str | os.PathLike) and os.path.isdir(X):
        raise ValueError(
            f"X is a folder, {describe_source(X)}: list its images by "
            f"skvision.datasets.load_image_folder(folder).paths, and pass those."
        )
    if isinstance(X, _ONE_FILE) or hasattr(X, "read"):
        raise ValueError(
            f"X is one file, {describe_source(X)}: wrap it in a list, [X]."
        )
    if not isinstance(X, Sequence):
        if not hasattr(X, "__array__"):
            raise TypeError(
                f"X is a {type(X).__name__}; a list, array, Series or one-column "
                f"DataFrame of files is needed, or uint8 images (n, H, W[, C])."
            )
        refuse_mask(X, "X")
        X = _check_array(np.asarray(X), getattr(X, "columns", None))
    if len(X) == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={np.shape(X)}) while a minimum of 1 "
            f"is required by ImageReader."
        )
    if getattr(X, "ndim", 1) == 1:
        for position, source in enumerate(X):
            _check_source(source, f"X[{position}]")
    return X


def describe_source(source: Any) -> str:
    """Return how messages name a file or an image."""
    if isinstance(source, bytes | bytearray | memoryview):
        return f"{len(source)} bytes"
    text = repr(os.fspath(source) if isinstance(source, os.PathLike) else source)
    return text if len(text) <= 200 else f"{text[:80]}…{text[-119:]}"


def _check_array(X: NDArray[Any], columns: Any) -> NDArray[Any]:
    """Return one column of files, or a batch of images."""
    if X.ndim == 1:
        return X
    if X.ndim != 2:
        _check_image(X.dtype, X.shape[1:], f"X, of shape {X.shape},")
        return X
    if X.dtype.kind in "biufc":
        raise _flat_rows(f"X is a table of numbers, of shape {X.shape}")
    if X.shape[1] != 1:
        names = list(range(X.shape[1]) if columns is None else columns)
        shown = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
        raise ValueError(
            f"X has {len(names)} columns ({shown}), and one column of files is needed: "
            f"choose it."
        )
    return X[:, 0]


def _check_source(source: Any, name: str) -> None:
    """Check one element of a list."""
    if isinstance(source, np.ndarray):
        refuse_mask(source, name)
        _check_image(source.dtype, source.shape, name)
        return
    if isinstance(source, tuple) and source and isinstance(source[0], _ONE_FILE):
        raise TypeError(
            f"{name} is a tuple that begins with a file, {describe_source(source[0])}; "
            f"pass the files alone, [file for file, label in X]."
        )
    if isinstance(source, list | tuple):
        raise _flat_rows(f"{name} is a {type(source).__name__}")
    is_binary = hasattr(source, "read") and not isinstance(source, io.TextIOBase)
    is_known = isinstance(source, (*_ONE_FILE, Image.Image)) or is_binary
    if not (is_known or is_missing(source)):
        raise TypeError(
            f"{name} is {describe_source(source)}, of type {type(source).__name__}; a "
            f"path, an open binary file, its bytes, an image of Pillow or a uint8 "
            f"array (H, W[, C]) is needed."
        )


def _check_image(dtype: np.dtype[Any], shape: tuple[int, ...], name: str) -> None:
    if len(shape) == 1:
        raise _flat_rows(f"{name} is a row of {shape[0]} numbers")
    if dtype != np.uint8:
        conversion = {
            "b": "X.astype(np.uint8) * 255",
            "f": "(X * 255).round().astype(np.uint8) if they lie between 0 and 1",
        }.get(dtype.kind, "X.astype(np.uint8) if they lie between 0 and 255")
        raise TypeError(
            f"{name} has pixels of dtype {dtype}, but uint8, 0 to 255, is needed: "
            f"convert them, {conversion}."
        )
    n_channels = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or 0 in shape or n_channels not in (1, 3, 4):
        planar = len(shape) == 3 and shape[0] in (1, 3, 4)
        hint = " Is it channel-first? Move that axis to the end." if planar else ""
        raise ValueError(
            f"{name} has images of shape {shape}; (H, W) or (H, W, C) with 1, 3 or, "
            f"for alpha, 4 channels is needed.{hint}"
        )


def _flat_rows(what: str) -> ValueError:
    return ValueError(
        f"{what}, but ImageReader reads files, or uint8 images of shape (H, W[, C]). "
        f"Flat rows need no reading: pass them straight to the next step, with their "
        f"shape as its image_shape, as in HOG(image_shape=(H, W))."
    )
