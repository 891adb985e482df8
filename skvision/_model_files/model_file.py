"""Saving and loading of models as files that hold data and no code.

A model file is an uncompressed zip archive in the format of `skops.io.dump`. It also
contains ``skvision.json``, a description of the model with at least the versions of the
packages that wrote it.
"""

import io
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile

import numpy as np
import sklearn

import skvision
from skvision._contract.public import public
from skvision._contract.user_error import visible
from skvision._contract.warn import warn
from skvision._model_files.model_archive import (
    LARGEST_FILE,
    Archive,
    open_archive,
    write_archive,
)
from skvision._model_files.model_check import check_model
from skvision._model_files.model_decoder import Decoder
from skvision._model_files.model_encoder import Encoder
from skvision._model_files.model_schema import check_schema
from skvision._model_files.model_types import ESTIMATORS, TYPES, name_of
from skvision._model_files.replace_file import replace_file

_FORMAT = 2  # format 1 named classes by their files
_CHUNK = 1 << 20
_LONGEST_REASON = 300  # characters; a file may contain names of any length
_SUFFIXES_OF_OTHERS = (
    *(".pkl", ".pickle", ".joblib", ".h5", ".hdf5"),
    *(".pt", ".pth", ".onnx", ".npz"),
)


class ModelFile(NamedTuple):
    """A model from a file and the description in the file."""

    model: Any
    about: dict[str, Any]


@public("skvision")
def save_model(model: Any, file: str | os.PathLike[str]) -> None:
    """Save a fitted model to a file that holds data and no code.

    The file can be loaded without running any code that it names, unlike a pickle; see
    `load_model`. The loaded model predicts exactly the same. It also goes on learning
    with ``partial_fit`` or ``warm_start=True`` as the saved one would.

    Parameters
    ----------
    model : estimator
        A fitted estimator of skvision, or a `Pipeline`, `FeatureUnion` or
        `VotingClassifier` with ``voting="soft"`` of them. Pipelines may also contain
        scikit-learn's `StandardScaler`, `PCA` and `LogisticRegression`.
    file : str or path-like
        The file to write, for example ``"model.skops"``. An existing file is replaced
        in a single step, and stays as it is if the model cannot be saved.

    Raises
    ------
    ValueError
        If the model is not fitted, is of another class, or has a parameter that is not
        plain data, such as a function. The message names the parameter.
    OSError
        If the file cannot be written.

    Warns
    -----
    UserWarning
        If the name of the file ends as those of other formats, such as ``.pkl``.

    See Also
    --------
    load_model : Load the model.

    Notes
    -----
    The file is in the format of `skops <https://skops.readthedocs.io>`_, which need not
    be installed. Parameters such as schedules and augmentations are saved, and
    ``n_jobs``, which belongs to the computer, is not. Callbacks and metadata requests
    are not saved either. The same model always gives the same file.

    Of a search, such as `CoarseToFineSearchCV`, save the ``best_estimator_``.
    `KNNImageClassifier` and `NearestImages` with ``algorithm="hnsw"`` cannot be saved.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from skvision import HOG, SoftmaxRegression, load_model, save_model
    >>> digits = load_digits()
    >>> model = make_pipeline(HOG(pixels_per_cell=(4, 4)), SoftmaxRegression())
    >>> model = model.fit(digits.images[:1000], digits.target[:1000])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(model, f"{folder}/digits.skops")
    ...     same = load_model(f"{folder}/digits.skops")
    >>> print(f"{same.score(digits.images[1000:], digits.target[1000:]):.3f}")
    0.834
    """
    write_model_file(file, model, {})


@public("skvision")
def load_model(file: str | os.PathLike[str]) -> Any:
    """Load a model that was saved by `save_model` or by ``skvision train``.

    No code in the file is executed, so files of others can be loaded. A file is
    rejected if it names a type that models do not consist of, if parameters are out of
    range or not finite, or if its parts are inconsistent. Loading needs memory in
    proportion to the size of the file, which is at most 1 GiB.

    Parameters
    ----------
    file : str or path-like
        The file.

    Returns
    -------
    model : estimator
        The fitted model.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is not a model, has another format, or was saved with a version of
        skvision or scikit-learn whose first two numbers differ from those of the
        installed version. Also if a prediction would need more than 10**11
        multiply-adds per image (about ten seconds on one core), or if the scores could
        be infinite for some image.

    See Also
    --------
    save_model : Save a model, with an example.
    """
    return read_model_file(file).model


def write_model_file(
    file: str | os.PathLike[str], model: Any, about: Mapping[str, Any]
) -> None:
    """Save a fitted model with a description, which is serializable as JSON.

    Raises the errors of `save_model`.
    """
    if Path(file).suffix.lower() in _SUFFIXES_OF_OTHERS:
        warn(
            f"{os.fspath(file)!r} is named as a file of another format, which programs "
            f"for that format cannot read: use the suffix .skops."
        )
    encoder = Encoder()
    try:
        schema = encoder.encode(model)
        about = {"format": _FORMAT, "versions": _versions(), **about}
        content = write_archive(schema, encoder.arrays, about)
        _make_model(content, open_archive(content))  # as it will be loaded
    except Exception as error:  # an invalid model may raise any error
        raise ValueError(f"The model cannot be saved: {error}") from error
    replace_file(file, content)


def read_model_file(file: str | os.PathLike[str]) -> ModelFile:
    """Load a model with the description in its file.

    Raises the errors of `load_model`.
    """
    data = _read(file)
    try:
        saved = open_archive(data)
    except Exception as error:  # a damaged file may raise any error
        raise _refusal(file, error) from error
    if saved.about:
        _check_versions(file, saved.about)
    try:
        return ModelFile(_make_model(data, saved), saved.about)
    except Exception as error:
        raise _refusal(file, error) from error


def _make_model(data: bytes, saved: Archive) -> Any:
    """Return the model of an archive, after checking everything in it."""
    check_schema(saved.schema, saved.shapes, TYPES)
    if not saved.about:
        raise ValueError("it was not saved by skvision")
    with warnings.catch_warnings(), ZipFile(io.BytesIO(data)) as archive:
        # NumPy warns about results of invalid parameters, which are rejected.
        warnings.simplefilter("ignore", RuntimeWarning)
        decoder = Decoder(archive)
        model = decoder.decode(saved.schema)
        if name_of(type(model)) not in ESTIMATORS:
            raise ValueError("it holds no estimator")
        check_model(model, decoder.objects)
    return model


def _read(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file, or its first bytes if it is not an archive."""
    data = bytearray()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK if data else 4):
            data += chunk
            if len(data) > LARGEST_FILE:
                raise ValueError(
                    f"{os.fspath(path)!r} is not a skvision model: it has more than "
                    f"{LARGEST_FILE} bytes."
                )
            if not data.startswith(b"PK\3\4"):
                break
    return bytes(data)


def _versions() -> dict[str, str]:
    return {
        "skvision": skvision.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
    }


def _refusal(path: str | os.PathLike[str], error: Exception) -> ValueError:
    reason = str(error) if isinstance(error, ValueError | BadZipFile) else repr(error)
    reason = _shorten(reason).removesuffix(".")
    return ValueError(f"{os.fspath(path)!r} is not a skvision model: {reason}.")


def _shorten(text: str) -> str:
    """Return the beginning of a text from a file, on one line."""
    more = "…" if len(text) > _LONGEST_REASON else ""
    return visible(" ".join(text[:_LONGEST_REASON].splitlines())) + more


def _check_versions(path: str | os.PathLike[str], about: dict[str, Any]) -> None:
    saved = about.get("versions")
    if about.get("format") == 1 and isinstance(saved, dict):
        raise ValueError(
            f"{os.fspath(path)!r} was saved with skvision "
            f"{_shorten(str(saved.get('skvision')))} in format 1, and skvision "
            f"{skvision.__version__} reads format {_FORMAT}: train it again."
        )
    if about.get("format") != _FORMAT or not isinstance(saved, dict):
        raise ValueError(
            f"{os.fspath(path)!r} has a format that skvision {skvision.__version__} "
            f"does not support: a newer version may be able to read it."
        )
    for package in ("skvision", "scikit-learn"):
        have, wanted = _versions()[package], _shorten(str(saved.get(package)))
        if have.split(".")[:2] != wanted.split(".")[:2]:
            raise ValueError(
                f"{os.fspath(path)!r} was saved with {package} {wanted}, but {package} "
                f"{have} is installed. The first two numbers must agree, because "
                f"models may behave differently in another version: install {package} "
                f"{'.'.join(wanted.split('.')[:2])}, or train it again."
            )
