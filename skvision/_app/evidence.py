"""What the steps of a command leave behind for its report."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skvision._app.dataset import Dataset
from skvision._app.evaluate import Evaluation
from skvision._app.fingerprints import join_fingerprints
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
        It takes what ``evidence.dataset.sources`` is made of.
    evidence : Evidence
        What a report is made of.
    test_size : float
        The fraction of images that was drawn as a test set, if one was drawn.
    seed : int
        The seed of the draw.
    """

    pipeline: Pipeline
    evidence: Evidence
    test_size: float
    seed: int

    @property
    def training(self) -> dict[str, Any]:
        """What the pipeline was fitted to, as the file of a model says it."""
        in_training = self.evidence.split.in_training
        labels = self.evidence.dataset.labels[in_training]
        digests = self.evidence.images.digests
        known = [digests[i] for i in np.flatnonzero(in_training)]
        return {
            "pictures": dict(Counter(labels.tolist())),
            "fingerprints": join_fingerprints(known),
        }

    @property
    def held_out(self) -> dict[str, Any]:
        """The score and the choice of test images, as the file of a model says it."""
        dataset, score = self.evidence.dataset, self.evidence.evaluation.score
        if dataset.n_training is not None:
            return score.saved() | {"from": "a test folder"}
        return score.saved() | {
            "test_size": self.test_size,
            "seed": self.seed,
            "grouped": dataset.groups is not None,
        }
