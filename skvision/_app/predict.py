"""Predict: files become labels and probabilities, block by block."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from skvision._app.inputs import Input
from skvision._app.loading import in_options
from skvision._app.stream import Ahead, in_blocks
from skvision._readers.decoder_messages import collector
from skvision._readers.image_reader import target_of
from skvision._readers.read_all import read_all, warn_of_messages
from skvision._readers.read_source import Target
from skvision._training.parallel import count_threads

_NAMES_AHEAD = 1000
_FIRST_FILES, _MOST_FILES = 16, 256  # in a block
_MOST_BYTES = 1 << 26  # of the images in a block
_PATIENCE = 0.2  # seconds that a block waits for more files


class Prediction(NamedTuple):
    """What a model predicts for a file.

    Attributes
    ----------
    path : str
        The file.
    label : str
        The class.
    probabilities : dict of str to float
        The probability of each class, in the order of the model.
    """

    path: str
    label: str
    probabilities: dict[str, float]

    @property
    def probability(self) -> float:
        """The probability of the label."""
        return self.probabilities[self.label]

    def most_probable(self, k: int) -> dict[str, float]:
        """Return the ``k`` most probable classes, the label first."""
        values = self.probabilities
        ranked = sorted(values, key=lambda name: (name != self.label, -values[name]))
        return {name: values[name] for name in ranked[:k]}


class _Block(NamedTuple):
    """Inputs with their problems, and the images of those that have none."""

    inputs: list[Input]
    images: NDArray[np.uint8] | None


def predict_inputs(
    pipeline: Pipeline, inputs: Iterator[Input]
) -> Iterator[list[Prediction | Input]]:
    """Yield the predictions of a block of files after the other.

    One block is read while the one before it is predicted, and no more are in memory.

    Parameters
    ----------
    pipeline : Pipeline
        An `ImageReader`, and a classifier with probabilities as the last step.
    inputs : iterator of Input
        The files.

    Yields
    ------
    predictions : list
        For each input in turn a `Prediction`, or the input with its problem.
    """
    target, n_jobs = target_of(pipeline[0]), count_threads(pipeline[0].n_jobs)
    # The collector changes how all threads warn, so it is entered in this one alone.
    with collector, Ahead(_read_blocks(inputs, target, n_jobs), 1) as blocks:
        while True:
            try:
                block = blocks.take()
            except StopIteration:
                return
            yield _predict(pipeline, block)


def _read_blocks(
    inputs: Iterator[Input], target: Target, n_jobs: int
) -> Iterator[_Block]:
    most = min(_MOST_FILES, max(1, _MOST_BYTES // math.prod(target.shape)))
    first = min(_FIRST_FILES, most)
    with Ahead(inputs, _NAMES_AHEAD) as names:
        for block in in_blocks(names, first, most, _PATIENCE):
            yield _read(block, target, n_jobs)


def _read(block: list[Input], target: Target, n_jobs: int) -> _Block:
    paths = [one.path for one in block if one.problem is None]
    if not paths:
        return _Block(block, None)
    reading = read_all(paths, [target], n_jobs=n_jobs)
    for messages in reading.messages.values():
        messages[:] = [(kind, in_options(text)) for kind, text in messages]
    warn_of_messages(reading.messages, paths)
    reasons = [reading.reasons.get(i) for i in range(len(paths))]
    problems = iter([why and in_options(why) for why in reasons])
    inputs = [one if one.problem else Input(one.path, next(problems)) for one in block]
    is_good = [why is None for why in reasons]
    return _Block(inputs, reading.images[0][is_good] if any(is_good) else None)


def _predict(pipeline: Pipeline, block: _Block) -> list[Prediction | Input]:
    answers: Iterator[tuple[str, list[float]]] = iter(())
    if block.images is not None:
        features = pipeline[1:-1].transform(block.images)
        labels = map(str, pipeline[-1].predict(features).tolist())
        rows = pipeline[-1].predict_proba(features).tolist()
        answers = zip(labels, rows, strict=True)
    classes = list(map(str, pipeline[-1].classes_.tolist()))
    return [
        one if one.problem else _answer(one, *next(answers), classes)
        for one in block.inputs
    ]


def _answer(
    file: Input, label: str, row: list[float], classes: list[str]
) -> Prediction | Input:
    if not all(map(math.isfinite, row)):
        problem = "the model gives probabilities that are not finite"
        return file._replace(problem=problem)
    return Prediction(file.path, label, dict(zip(classes, row, strict=True)))
