"""Model files of the command line: classifiers of image files, with a description."""

from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from skvision._model_files.model_file import (
    ModelFile,
    read_model_file,
    write_model_file,
)


def save_classifier(
    file: str,
    pipeline: Pipeline,
    *,
    training: dict[str, Any],
    held_out: dict[str, Any],
) -> None:
    """Save a fitted pipeline from image files to classes.

    Parameters
    ----------
    file : str
        The file to write.
    pipeline : Pipeline
        The pipeline, from an ImageReader to a classifier.
    training : dict
        Description of the training data, serializable as JSON.
    held_out : dict
        The score on held-out data and how it was measured, serializable as JSON.

    Raises
    ------
    ValueError, OSError
        As in `skvision.save_model`.
    """
    about = {
        "classes": pipeline.classes_.tolist(),
        "size": list(pipeline[0].check_fitted().image_shape[:2]),
        "training": training,
        "held_out": held_out,
    }
    write_model_file(file, pipeline, about)


def load_classifier(file: str) -> ModelFile:
    """Load a pipeline from image files to classes, with its description.

    The description holds what `save_classifier` wrote. Of a model that
    `skvision.save_model` saved, it only holds ``versions``.

    Raises
    ------
    ValueError
        As in `skvision.load_model`, or if the model does not take files, does not give
        probabilities of classes, or has other classes than its description.
    OSError
        If the file cannot be read.
    """
    model, about = read_model_file(file)
    reads = isinstance(model, Pipeline) and get_tags(model[0]).input_tags.string
    if not reads or not hasattr(model, "predict_proba"):
        raise ValueError(
            f"{file!r} holds a {type(model).__name__} that does not classify image "
            f"files: the command line needs a pipeline from an ImageReader to a "
            f"classifier with predict_proba, and Python takes all others "
            f"(skvision.load_model)"
        )
    if about.get("classes", model.classes_.tolist()) != model.classes_.tolist():
        raise ValueError(
            f"{file!r} is not a skvision model: its classes differ from those in its "
            f"description."
        )
    return ModelFile(model, about)
