"""Models in files that hold data and no code: skops, and nothing that it need trust.

A model file is a zip archive, uncompressed, as `skops.io.dump` writes it, and in it
``skvision.json``, which says what the model is: versions, classes, size, what it was
trained on and its score.
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
# How skops writes what a model may hold. skops itself trusts more: all of scikit-learn.
_TYPES = {
    "ObjectNode": set(_OBJECTS),
    "DictNode": {"builtins.dict"},
    "ListNode": {"builtins.list"},
    "TupleNode": {"builtins.tuple"},
    "JsonNode": {"builtins.str"},
    "TypeNode": {"builtins.str", "builtins.int"},  # of the keys of a dict
    "NdArrayNode": {"numpy.ndarray", "numpy.float64", "numpy.int64"},
}
_FORMAT = 2  # 1 named classes by the files in which they were written
_CHUNK = 1 << 20
_LONGEST_REASON = 300  # characters: a file may name types of any length


class Model(NamedTuple):
    """A pipeline from a file, and what the file says about it."""

    pipeline: Pipeline
    about: dict[str, Any]


def save_model(
    path: str | os.PathLike[str],
    pipeline: Pipeline,
    *,
    training: dict[str, Any],
    held_out: dict[str, Any],
) -> None:
    """Save a fitted pipeline.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    pipeline : Pipeline
        Of ImageReader, FeatureUnion, PixelNormalizer and SoftmaxRegression, fitted; the
        union of HOG, ColorHistogram and BagOfVisualWords or some of them.
    training : dict
        On what it was fitted, as JSON can hold it.
    held_out : dict
        Its score and how that was measured, as JSON can hold it.

    Raises
    ------
    ValueError
        If the pipeline is another one, not fitted, or one that `load_model` refuses.
    OSError
        If the file cannot be written; the former one is still there.
    """
    import skops.io

    try:
        check_pipeline(pipeline)
    except Exception as error:  # a pipeline may be unfit in more ways than can be named
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
    """Load a pipeline that `save_model` has saved.

    Nothing in the file is run: it is refused where it names any type but the few that
    such a pipeline is made of, where its parameters are out of range or not finite, and
    where its parts do not fit together. Loading takes memory in proportion to the size
    of the file, which is at most 1 GiB. Before anything is computed with images, the
    shapes tell what a prediction takes: a model is refused that needs more than 10**11
    multiply-adds for an image, about ten seconds of one core, or whose scores might be
    infinite for some image.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : Model
        ``pipeline``, which takes paths of images, and ``about``, a dict with
        ``versions``, ``classes``, ``size``, ``training`` and ``held_out``.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no model, of another format, or saved with versions of skvision or
        scikit-learn whose first two numbers are not those of the versions installed.
    """
    import skops.io

    data = _read(path)
    try:
        about, schema, shapes = open_archive(data)
    except Exception as error:  # a damaged file may fail in more ways than can be named
        raise _refusal(path, error) from error
    if about:
        _check_versions(path, about)
    try:
        check_schema(schema, shapes, _TYPES)
        if not about:
            raise ValueError("skvision has not saved it")
        with warnings.catch_warnings():
            # scikit-learn warns of each other version; which ones fit is decided above.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            # NumPy warns of what odd parameters lead to; they are refused.
            warnings.simplefilter("ignore", RuntimeWarning)
            pipeline = skops.io.loads(data, trusted=_OBJECTS)
            check_pipeline(pipeline)
        if pipeline[-1].classes_.tolist() != about["classes"]:
            raise ValueError("its classes are not those of its description")
    except Exception as error:
        raise _refusal(path, error) from error
    return Model(pipeline, about)


def _read(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of a file, or its first ones where it is no archive."""
    data = bytearray()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK if data else 4):
            data += chunk
            if len(data) > LARGEST_FILE:
                raise ValueError(
                    f"{os.fspath(path)!r} is not a skvision model: it has over "
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
    """Return the beginning of what a file says, in one line."""
    more = "…" if len(text) > _LONGEST_REASON else ""
    return visible(" ".join(text[:_LONGEST_REASON].splitlines())) + more


def _check_versions(path: str | os.PathLike[str], about: dict[str, Any]) -> None:
    saved = about.get("versions")
    if about.get("format") == 1 and isinstance(saved, dict):
        raise ValueError(
            f"{os.fspath(path)!r} was saved with skvision "
            f"{_shorten(str(saved.get('skvision')))} in format 1, and skvision "
            f"{skvision.__version__} reads format {_FORMAT}: train again."
        )
    if about.get("format") != _FORMAT or not isinstance(saved, dict):
        raise ValueError(
            f"{os.fspath(path)!r} has a description in a format that skvision "
            f"{skvision.__version__} does not know: a later skvision may."
        )
    for package in ("skvision", "scikit-learn"):
        have, wanted = _versions()[package], _shorten(str(saved.get(package)))
        if have.split(".")[:2] != wanted.split(".")[:2]:
            raise ValueError(
                f"{os.fspath(path)!r} was saved with {package} {wanted}, and this is "
                f"{package} {have}: the first two numbers must agree, as models may "
                f"mean something else in another version. Install {package} "
                f"{'.'.join(wanted.split('.')[:2])}, or train again."
            )
