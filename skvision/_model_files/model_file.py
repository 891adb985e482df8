"""Saving and loading of models as files that hold data and no code.

A model file is an uncompressed zip archive in the format of `skops.io.dump`. It also
contains ``skvision.json``, a description of the model with its versions, classes, image
size, training data and score.
"""

import io
import json
import os
import warnings
from typing import Any, NamedTuple
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

import skvision
from skvision._contract.user_error import visible
from skvision._model_files.model_archive import (
    ABOUT,
    LARGEST_FILE,
    check_schema,
    open_archive,
)
from skvision._model_files.model_check import FEATURES, STEPS, check_pipeline
from skvision._model_files.replace_file import replace_file

_OBJECTS = [
    f"{kind.__module__}.{kind.__name__}" for kind in [Pipeline, *STEPS, *FEATURES]
]
# The types that a model may hold. skops itself trusts more: all of scikit-learn.
_TYPES = {
    "ObjectNode": set(_OBJECTS),
    "DictNode": {"builtins.dict"},
    "ListNode": {"builtins.list"},
    "TupleNode": {"builtins.tuple"},
    "JsonNode": {"builtins.str"},
    "TypeNode": {"builtins.str", "builtins.int"},  # of the keys of a dict
    "NdArrayNode": {"numpy.ndarray", "numpy.float64", "numpy.int64"},
}
_FORMAT = 2  # format 1 named classes by their files
_CHUNK = 1 << 20
_LONGEST_REASON = 300  # characters; a file may contain names of any length


class Model(NamedTuple):
    """A pipeline from a file and the description in the file."""

    pipeline: Pipeline
    about: dict[str, Any]


def save_model(
    path: str | os.PathLike[str],
    pipeline: Pipeline,
    *,
    training: dict[str, Any],
    held_out: dict[str, Any],
) -> None:
    """Save a fitted pipeline to a file.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    pipeline : Pipeline
        A fitted pipeline of ImageReader, FeatureUnion, PixelNormalizer and
        SoftmaxRegression. The union consists of one or more of HOG, ColorHistogram and
        BagOfVisualWords.
    training : dict
        Description of the training data, serializable as JSON.
    held_out : dict
        The score on held-out data and how it was measured, serializable as JSON.

    Raises
    ------
    ValueError
        If the pipeline has other steps, is not fitted, or would be rejected by
        `load_model`.
    OSError
        If the file cannot be written. An existing file is then unchanged.
    """
    import skops.io

    try:
        check_pipeline(pipeline)
    except Exception as error:  # an invalid pipeline may raise any error
        raise ValueError(f"The pipeline cannot be saved: {error}") from error
    about = {
        "format": _FORMAT,
        "versions": _versions(),
        "classes": pipeline[-1].classes_.tolist(),
        "size": list(pipeline[0].size),
        "training": training,
        "held_out": held_out,
    }
    buffer = io.BytesIO(skops.io.dumps(pipeline, compression=ZIP_STORED))
    with ZipFile(buffer, "a") as archive:
        archive.writestr(ABOUT, json.dumps(about, indent=2, allow_nan=False))
    saved = open_archive(buffer.getvalue())
    check_schema(saved.schema, saved.shapes, _TYPES)
    replace_file(path, buffer.getbuffer())


def load_model(path: str | os.PathLike[str]) -> Model:
    """Load a pipeline that was saved by `save_model`.

    No code in the file is executed. The file is rejected if it names a type that such a
    pipeline does not use, if parameters are out of range or not finite, or if its parts
    are inconsistent. Loading needs memory in proportion to the size of the file, which
    is at most 1 GiB. Before anything is computed with images, the cost of a prediction
    is estimated from the shapes of the arrays. A model is rejected if it needs more
    than 10**11 multiply-adds per image (about ten seconds on one core), or if its
    scores could be infinite for some image.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : Model
        The model, with ``pipeline``, which predicts from the paths of image files, and
        ``about``, a dict with ``versions``, ``classes``, ``size``, ``training`` and
        ``held_out``.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file is not a model, has another format, or was saved with a version of
        skvision or scikit-learn whose first two numbers differ from those of the
        installed version.
    """
    import skops.io

    data = _read(path)
    try:
        about, schema, shapes = open_archive(data)
    except Exception as error:  # a damaged file may raise any error
        raise _refusal(path, error) from error
    if about:
        _check_versions(path, about)
    try:
        check_schema(schema, shapes, _TYPES)
        if not about:
            raise ValueError("it was not saved by skvision")
        with warnings.catch_warnings():
            # scikit-learn warns about all other versions; they were checked above.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            # NumPy warns about results of invalid parameters, which are rejected.
            warnings.simplefilter("ignore", RuntimeWarning)
            pipeline = skops.io.loads(data, trusted=_OBJECTS)
            check_pipeline(pipeline)
        if pipeline[-1].classes_.tolist() != about["classes"]:
            raise ValueError("its classes differ from those in its description")
    except Exception as error:
        raise _refusal(path, error) from error
    return Model(pipeline, about)


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
