"""Models in files that hold data and no code: skops, and nothing that it need trust.

A model file is a zip archive, uncompressed, as `skops.io.dump` writes it, and in it
``skvision.json``, which says what the model is: versions, classes, size, what it was
trained on and its score.
"""

import io
import json
import math
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import numpy as np
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted

import skvision
from skvision._bag_of_visual_words import BagOfVisualWords
from skvision._color_histogram import ColorHistogram
from skvision._hog import HOG
from skvision._image_reader import ImageReader
from skvision._images import learn_value_range
from skvision._pixel_normalizer import PixelNormalizer
from skvision._softmax_regression import SoftmaxRegression

LARGEST_SIZE = 1024

_STEPS = [ImageReader, FeatureUnion, PixelNormalizer, SoftmaxRegression]
_FEATURES = [HOG, ColorHistogram, BagOfVisualWords]
_OBJECTS = [
    f"{kind.__module__}.{kind.__name__}" for kind in [Pipeline, *_STEPS, *_FEATURES]
]
# How skops writes what a model may hold. skops itself trusts more: all of scikit-learn.
_KNOWN = {
    "ObjectNode": set(_OBJECTS),
    "DictNode": {"builtins.dict"},
    "ListNode": {"builtins.list"},
    "TupleNode": {"builtins.tuple"},
    "JsonNode": {"builtins.str"},
    "TypeNode": {"builtins.str", "builtins.int"},  # of the keys of a dict
    "NdArrayNode": {"numpy.ndarray", "numpy.float64", "numpy.int64"},
}
_ABOUT = "skvision.json"
_SCHEMA = "schema.json"
_LONGEST_JSON = 1 << 22


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
        If the pipeline is another one, or not fitted.
    OSError
        If the file cannot be written.
    """
    import skops.io

    try:
        _check_pipeline(pipeline)
    except Exception as error:  # a pipeline may be unfit in more ways than can be named
        raise ValueError(f"The pipeline cannot be saved: {error}") from error
    about = {
        "format": 1,
        "versions": _versions(),
        "classes": pipeline[-1].classes_.tolist(),
        "size": list(pipeline[0].size),
        "training": training,
        "held_out": held_out,
    }
    buffer = io.BytesIO(skops.io.dumps(pipeline, compression=ZIP_STORED))
    with ZipFile(buffer, "a") as archive:
        _check_types(json.loads(archive.read(_SCHEMA)))
        archive.writestr(_ABOUT, json.dumps(about, indent=2))
    Path(path).write_bytes(buffer.getbuffer())


def load_model(path: str | os.PathLike[str]) -> Model:
    """Load a pipeline that `save_model` has saved.

    Nothing in the file is run: it is refused where it names any type but the few that
    such a pipeline is made of, where its parameters are out of range, and where its
    parts do not fit together. It takes memory in proportion to the size of the file.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : Model
        ``pipeline``, which takes paths of pictures, and ``about``, a dict with
        ``versions``, ``classes``, ``size``, ``training`` and ``held_out``.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no model, or saved with versions of skvision or scikit-learn whose
        first two numbers are not those of the versions installed.
    """
    import skops.io

    with open(path, "rb") as file:
        data = file.read(4)
        if data == b"PK\3\4":
            data += file.read()
    try:
        about, schema = _open(data)
    except Exception as error:  # a damaged file may fail in more ways than can be named
        raise _refusal(path, error) from error
    if about:
        _check_versions(path, about)
    try:
        _check_types(schema)
        if not about:
            raise ValueError("skvision has not saved it")
        with warnings.catch_warnings():
            # scikit-learn warns of each other version; which ones fit is decided above.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            pipeline = skops.io.loads(data, trusted=_OBJECTS)
        _check_pipeline(pipeline)
        if pipeline[-1].classes_.tolist() != about["classes"]:
            raise ValueError("its classes are not those of its description")
    except Exception as error:
        raise _refusal(path, error) from error
    return Model(pipeline, about)


def _versions() -> dict[str, str]:
    return {
        "skvision": skvision.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
    }


def _refusal(path: str | os.PathLike[str], error: Exception) -> ValueError:
    reason = str(error) if isinstance(error, ValueError | BadZipFile) else repr(error)
    reason = reason.removesuffix(".")
    return ValueError(f"{os.fspath(path)!r} is not a skvision model: {reason}.")


def _open(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the description, empty where there is none, and the schema."""
    if not data.startswith(b"PK\3\4"):
        raise ValueError("it is no zip archive")
    with ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        # Nothing unpacks to more than the file, not even by entries that overlap.
        if any(entry.compress_type != ZIP_STORED for entry in entries):
            raise ValueError("it is compressed")
        if sum(entry.file_size for entry in entries) > len(data):
            raise ValueError("its entries are larger than the file")
        if _SCHEMA not in archive.namelist():
            raise ValueError(f"it has no {_SCHEMA}")
        has_about = _ABOUT in archive.namelist()
        about = _read_json(archive, _ABOUT) if has_about else {}
        return about, _read_json(archive, _SCHEMA)


def _read_json(archive: ZipFile, name: str) -> dict[str, Any]:
    length = archive.getinfo(name).file_size
    if length > _LONGEST_JSON:
        raise ValueError(f"its {name} has {length} bytes, over {_LONGEST_JSON}")
    content = json.loads(archive.read(name))
    if not isinstance(content, dict):
        raise ValueError(f"its {name} is no object")
    return content


def _check_versions(path: str | os.PathLike[str], about: dict[str, Any]) -> None:
    saved = about.get("versions")
    if about.get("format") != 1 or not isinstance(saved, dict):
        raise ValueError(
            f"{os.fspath(path)!r} has a description in a format that skvision "
            f"{skvision.__version__} does not know: a later skvision may."
        )
    for package in ("skvision", "scikit-learn"):
        have, wanted = _versions()[package], str(saved.get(package))
        if have.split(".")[:2] != wanted.split(".")[:2]:
            raise ValueError(
                f"{os.fspath(path)!r} was saved with {package} {wanted}, and this is "
                f"{package} {have}: the first two numbers must agree, as models may "
                f"mean something else in another version. Install "
                f"'{package}=={'.'.join(wanted.split('.')[:2])}.*', or train again."
            )


def _check_types(schema: dict[str, Any]) -> None:
    """Refuse all but known types, and arrays that are unpacked more than once."""
    nodes = list(_nodes(schema))
    for node in nodes:
        name = f"{node.get('__module__')}.{node.get('__class__')}"
        if name not in _KNOWN.get(node["__loader__"], ()):
            raise ValueError(f"it holds {name}, a type that no model needs")
    first: dict[Any, dict[str, Any]] = {}
    for node in nodes:  # skops takes the first of an id for all others
        if "__id__" in node and first.setdefault(node["__id__"], node) != node:
            raise ValueError("it gives two things the same name")
    files = Counter(node["file"] for node in nodes if "file" in node)
    if any(times > 1 for times in files.values()):
        raise ValueError("it repeats an array")


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield whatever skops could take for a node."""
    if isinstance(value, dict):
        if "__loader__" in value:
            yield value
        for item in value.values():
            yield from _nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from _nodes(item)


def _check_pipeline(pipeline: Any) -> None:
    """Refuse what would fail, or take any amount of memory, at a prediction."""
    kinds = [type(step) for _, step in getattr(pipeline, "steps", [])]
    if type(pipeline) is not Pipeline or kinds != _STEPS:
        names = ", ".join(kind.__name__ for kind in _STEPS)
        raise ValueError(f"it is no pipeline of {names}")
    check_is_fitted(pipeline)
    reader, union, normalizer, classifier = pipeline
    features = [step for _, step in union.transformer_list]
    if any(type(step) not in _FEATURES for step in features) or not features:
        names = ", ".join(kind.__name__ for kind in _FEATURES)
        raise ValueError(f"its features are not of {names}")
    if union.transformer_weights is not None:
        raise ValueError("its features have weights")
    for step in (pipeline, reader, union, *features, normalizer, classifier):
        if vars(step).keys() & set(dir(type(step))):
            raise ValueError("it puts values where methods are")
    if union.n_jobs not in (None, 1):
        raise ValueError(f"its features take n_jobs={union.n_jobs}")
    for step in (reader, *features, normalizer, classifier):
        step._validate_params()
    if max(reader.size) > LARGEST_SIZE:
        raise ValueError(f"its size {reader.size} is over {LARGEST_SIZE}")
    blank = reader.transform([np.zeros((1, 1), np.uint8)])
    shape = (*blank.shape[1:], 1)[:3]
    if any(step.image_shape_ != shape for step in features):
        raise ValueError("its steps are not for pictures of the same shape")
    for step in features:
        if hasattr(step, "value_range_"):
            learn_value_range(step.value_range_, blank)
        if isinstance(step, BagOfVisualWords):
            _check_words(step)
    n_classes = len(classifier.classes_)
    n_rows = 1 if n_classes == 2 else n_classes
    if n_classes < 2 or np.shape(classifier.coef_)[:1] != (n_rows,):
        raise ValueError("it has scores for another number of classes")
    n_features = sum(step._n_features_out for step in features)
    if np.shape(classifier.coef_)[1:] != (n_features,):
        raise ValueError("its steps are not for the same number of features")
    if any(
        np.shape(array) != (length,)
        for array, length in (
            (normalizer.center_, n_features),
            (normalizer.scale_, n_features),
            (classifier.intercept_, n_rows),
        )
    ):
        raise ValueError("its steps are not for the same number of features")
    probabilities = pipeline.predict_proba(blank)
    if probabilities.shape != (1, len(classifier.classes_)):
        raise ValueError("it has scores for another number of classes")
    if not np.isfinite(probabilities).all():
        raise ValueError("its weights are not finite")


def _check_words(words: BagOfVisualWords) -> None:
    """Refuse patches that reach beyond the picture, and arrays that do not fit them."""
    words._check_parameters()
    n_words, n_components = np.shape(words.codebook_)
    n_pixels = math.prod(words.patch_shape_)
    fits = (
        len(words.patch_shape_) == len(words.image_shape_) == 3
        and all(
            0 < patch <= size
            for patch, size in zip(words.patch_shape_, words.image_shape_, strict=True)
        )
        and words.patch_shape_[2] == words.image_shape_[2]
        and np.shape(words.whitening_) == (n_pixels, n_components)
        and np.shape(words.patch_mean_) == (n_pixels,)
        and (words._n_symmetric is None) == (not words.mirror)
        and 0 <= (words._n_symmetric or 0) <= n_components
        and n_words % (1 + words.mirror) == 0
        and min(n_words, n_components) > 0
        and len(words.value_range_) == 2
    )
    arrays = words.codebook_, words.whitening_, words.patch_mean_
    if not fits or any(array.dtype != np.float32 for array in arrays):
        raise ValueError("its visual words do not fit together")
