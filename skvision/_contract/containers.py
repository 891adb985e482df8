"""Convert the containers of other libraries to NumPy arrays and pandas tables.

`read_array` reads lists, Series and object arrays of images, Pillow images, and the
arrays and tensors of other libraries. `read_table` reads tables. A conversion that
would lose information, such as a mask or a palette, raises an error.
"""

import os
from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import issparse

# The modes of Pillow whose values are intensities, of gray or of red, green and blue.
_MODES = ("L", "RGB", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_PROTOCOLS = ("__array__", "__array_interface__", "__dlpack__")
_PATHS = (str, bytes, os.PathLike)
_NEEDED = (
    "pass images as an array of shape (n, H, W) or (n, H, W, C), or in a list, a "
    "Series or a single column of a table"
)


def computed(X: Any) -> Any:
    """Compute a lazy array or table of Dask, xarray or polars."""
    if hasattr(X, "__dask_graph__") and X.__dask_graph__() is not None:
        return X.compute()
    return X.collect() if type(X).__name__ == "LazyFrame" else X


def read_table(X: Any, name: str) -> Any:
    """Return a table of numbers as a DataFrame, or its single column of images.

    Columns of nullable, Arrow-backed and categorical types are converted to NumPy
    columns of a common dtype, so that bytes stay bytes.

    Raises
    ------
    ValueError
        If a column holds images and there are other columns.
    TypeError
        If NumPy cannot read the table.
    """
    if not isinstance(X, pd.DataFrame):
        X = _as_data_frame(X, name)
    if all(
        isinstance(dtype, np.dtype) and dtype.kind != "O" for dtype in set(X.dtypes)
    ):
        return X
    objects = [i for i, dtype in enumerate(X.dtypes) if dtype.kind in "OUT"]
    holders = [i for i in objects if any(map(_is_one_source, X.iloc[:, i]))]
    if holders and X.shape[1] == 1:
        return X.iloc[:, 0]
    for i in holders:
        column = X.columns[i]
        if any(map(_is_arrayed, X.iloc[:, i])):
            raise ValueError(
                f"{name} has {X.shape[1]} columns, and the column {column!r} holds "
                f"images: pass only this column, {name}[{column!r}]."
            )
    plain = [_numpy_dtype(dtype) for dtype in set(X.dtypes)]
    numeric = all(isinstance(d, np.dtype) and d.kind in "biuf" for d in plain)
    if not numeric or X.isna().any(axis=None):
        return X  # scikit-learn reads it or raises an informative error
    values = X.to_numpy(np.result_type(*plain))
    return pd.DataFrame(values, index=X.index, columns=X.columns)


def read_array(X: Any, name: str) -> Any:
    """Return images or rows as an array.

    Sparse matrices and strings raise an error here. scikit-learn checks the rest.

    Raises
    ------
    TypeError
        If ``X`` holds something other than images or numbers, or NumPy cannot read it.
    ValueError
        If ``X`` holds images of different shapes, paths or masked values, or is a
        single Pillow image.
    """
    if isinstance(X, np.matrix):
        return X  # scikit-learn raises an informative error
    if issparse(X):
        raise TypeError(
            f"Sparse data was passed for {name}, but dense data is required. Use "
            f"'.toarray()' to convert to a dense numpy array."
        )
    if isinstance(X, Image.Image):
        raise ValueError(f"{name} is a single image: pass it in a list, [{name}].")
    array = _to_numpy(X, name)
    first = array[(0,) * array.ndim] if array.size else None
    if array.ndim < 2 and isinstance(first, _PATHS):
        raise ValueError(
            f"{name} holds {_described(first)} instead of images: if it holds the "
            f"paths of image files, put ImageReader(size=(H, W)) in front."
        )
    if array.dtype.kind not in "biufcO":
        raise TypeError(
            f"{name} is an array of {array.dtype} instead of numbers: if it holds "
            f"numbers as text, pass {name}.astype(np.float32)."
        )
    if array.dtype == object and array.ndim < 2 and not isinstance(first, Number):
        element = f"{name}[0]" if array.ndim else name
        raise TypeError(f"{element} is {_described(first)}; {_NEEDED}.")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder())


def refuse_mask(X: Any, name: str) -> None:
    """Raise an error if an array of `numpy.ma` has masked values.

    Raises
    ------
    ValueError
        If values are masked.
    """
    if np.ma.is_masked(X):
        raise ValueError(
            f"{name} has masked values, and the mask would be lost: fill them with "
            f"{name}.filled(value)."
        )


def _as_data_frame(X: Any, name: str) -> Any:
    """Convert a table of polars, pyarrow or a similar library to a DataFrame."""
    names = [str(column) for column in getattr(X, "column_names", X.columns)]
    if len(names) == 1:
        column = _to_numpy(X[names[0]], name)
        return pd.DataFrame({names[0]: list(column) if column.ndim > 1 else column})
    array = _to_numpy(X, name)
    if array.ndim != 2:
        raise TypeError(
            f"{name} is {_described(X)}, which NumPy cannot read as a table: "
            f"pass a pandas or polars DataFrame, or an array."
        )
    return pd.DataFrame(array, columns=names)


def _numpy_dtype(dtype: Any) -> Any:
    """Return the NumPy dtype of a column without missing values."""
    if isinstance(dtype, pd.CategoricalDtype):
        dtype = dtype.categories.dtype
    return getattr(dtype, "numpy_dtype", dtype)


def _to_numpy(X: Any, name: str) -> Any:
    """Convert a container to one array, stacking the images that it holds."""
    if type(X) is np.ndarray and X.dtype.kind != "O":
        return X
    if isinstance(X, Image.Image) and X.mode not in _MODES:
        mode = "L" if X.mode == "1" else "RGB"
        raise ValueError(
            f"{name} is an image of Pillow's mode {X.mode!r}, whose values are not "
            f"intensities: pass {name}.convert({mode!r}), or put "
            f"ImageReader(size=(H, W)) in front."
        )
    refuse_mask(X, name)
    if isinstance(X, Sequence) and not isinstance(X, (*_PATHS, memoryview)):
        several = any(map(_is_arrayed, X))
        return _stack(X, name) if several else np.asarray(X)
    try:
        only_dlpack = hasattr(X, "__dlpack__") and not hasattr(X, "__array__")
        array = np.from_dlpack(X) if only_dlpack else np.asarray(X)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        advice = " Pass X.detach().cpu(), or X.float() for bfloat16."
        raise TypeError(
            f"{name} is {_described(X)}, which NumPy cannot read: "
            f"{str(error).rstrip('.')}.{advice if hasattr(X, 'detach') else ''}"
        ) from error
    is_column = array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)
    if array.dtype == object and is_column and any(map(_is_arrayed, array.flat)):
        return _stack(array.ravel(), name)
    return array


def _stack(images: Any, name: str) -> Any:
    """Stack images of the same shape."""
    for i, image in enumerate(images):
        if not (_is_arrayed(image) or isinstance(image, list | tuple)):
            raise TypeError(
                f"{name}[{i}] is {_described(image)} instead of an image of "
                f"shape (H, W) or (H, W, C): remove it."
            )
    arrays = [_to_numpy(image, f"{name}[{i}]") for i, image in enumerate(images)]
    shapes = sorted(map(str, {array.shape for array in arrays}))
    if len(shapes) > 1:
        raise ValueError(
            f"{name} has images of different shapes, {', '.join(shapes[:3])}"
            f"{', …' if len(shapes) > 3 else ''}. All images must have the same "
            f"shape: put ImageReader(size=(H, W)) in front."
        )
    return np.array(arrays)


def _is_arrayed(thing: Any) -> bool:
    """Return whether an object is an image or an array, not a number, list or path."""
    if isinstance(
        thing, np.ndarray | Image.Image
    ):  # hasattr below would copy a Pillow image
        return True
    if isinstance(thing, np.generic):
        return False
    return any(hasattr(thing, protocol) for protocol in _PROTOCOLS)


def _is_one_source(thing: Any) -> bool:
    """Return whether an object is an image or the path of an image file."""
    return _is_arrayed(thing) or isinstance(thing, _PATHS)


def _described(thing: Any) -> str:
    """Describe an object that is not an image, for an error message."""
    thing = thing.item() if isinstance(thing, np.generic) else thing
    if thing is None or isinstance(thing, float | str | os.PathLike):
        return repr(thing)
    return f"of type {type(thing).__name__}"
