"""What the steps of a command leave behind for its report."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skvision._app.dataset import Dataset
from skvision._app.evaluate import Evaluation
from skvision._app.load import Images
from skvision._app.split import Split


@dataclass(frozen=True)
class Evidence:
    """What a report of a model is made of.

    Attributes
    ----------
    dataset : Dataset
        The names and classes of the images.
    images : Images
        The images, with thumbnails.
    split : Split
        Which images the model learned from, none if it comes from a file, and which
        it was tested on.
    evaluation : Evaluation
        What the model predicts for the test images.
    rows : ndarray of shape (n_training, n_features)
        The normalized features of the training images.
    losses : dict of float to float
        The cross-entropy on validation images for each strength of the penalty.
    seconds_to_learn : float or None
        How long describing, choosing and fitting took; None if the model comes from a
        file.
    """

    dataset: Dataset
    images: Images
    split: Split
    evaluation: Evaluation
    rows: NDArray[np.floating[Any]]
    losses: dict[float, float]
    seconds_to_learn: float | None


@dataclass(frozen=True)
class Learned:
    """A fitted pipeline, and what is known about it.

    Attributes
    ----------
    pipeline : Pipeline
        It takes what ``dataset.sources`` is made of.
    training, held_out : dict
        On what it was fitted, and its score on other images, as the file of a model
        has them.
    evidence : Evidence
        What a report is made of.
    """

    pipeline: Pipeline
    training: dict[str, Any]
    held_out: dict[str, Any]
    evidence: Evidence
