"""From images with classes to a model and its score: what ``skvision train`` does."""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from sklearn.metrics import log_loss
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union

from skvision._app.fingerprints import take_fingerprints
from skvision._app.holdout import draw_test_set, first_copies
from skvision._app.report import measure, print_report
from skvision._contract.user_error import UserError, user_errors, visible
from skvision._features.color_histogram import ColorHistogram
from skvision._features.hog import HOG
from skvision._features.pixel_normalizer import PixelNormalizer
from skvision._features.visual_words.bag_of_visual_words import BagOfVisualWords
from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._readers.image_reader import ImageReader

_PICTURES_AT_A_TIME = 256  # between two steps of the progress bar
_MOST_NAMED = 3
_ALPHAS = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)  # each fit starts from the one before
_MIDDLE_ALPHA = 0.1  # where they cannot be compared
_ENOUGH_TO_VALIDATE = 1000  # images: with fewer, the draw decides too much
_DRAWS = 5  # where there are fewer


@dataclass
class Pictures:
    """What to learn from."""

    sources: Sequence[Any]  # files, or images
    names: list[str]
    labels: NDArray[np.str_]
    n_training: int | None = None  # those after it are for testing; None: to be drawn
    groups: NDArray[np.str_] | None = None  # not to be parted by the draw
    n_ignored: int = 0  # other files that lay among them


class Evidence(NamedTuple):
    """What a report of a model is made of.

    Attributes
    ----------
    images : Images
        All of them.
    images : ndarray of shape (n, height, width, channels) or (n, height, width)
        The same as the model sees them, uint8.
    in_training, in_test : ndarray of shape (n,), bool
        Those learned from, none where the model came from a file, and those held out.
    rows : ndarray of shape (n_training, n_features)
        What describes those learned from.
    features : ndarray of shape (n_test, n_features)
        What describes those held out.
    losses : dict of float to float
        Cross-entropy on training images set aside, for each strength of the penalty.
    seconds : dict of str to float
        How long "reading" took, "learning", where it was done, and "predicting".
    """

    pictures: Pictures
    images: NDArray[np.uint8]
    in_training: NDArray[np.bool_]
    in_test: NDArray[np.bool_]
    rows: NDArray[np.floating[Any]]
    features: NDArray[np.floating[Any]]
    losses: dict[float, float]
    seconds: dict[str, float]


class Trained(NamedTuple):
    """A fitted pipeline, what it was fitted on, and its score on other images."""

    pipeline: Pipeline
    training: dict[str, Any]
    held_out: dict[str, Any]
    evidence: Evidence


def train_and_score(
    pictures: Pictures,
    size: int,
    test_size: float,
    seed: int,
    features: Sequence[str],
) -> Trained:
    """Fit a pipeline on a part of the images, and print how well it knows the others.

    Parameters
    ----------
    images : Images
        Of two or more classes.
    size : int
        Side of the square, in pixels, that they are brought to.
    test_size : float
        Share to hold out, where ``images.n_training`` does not settle it.
    seed : int
        Of that draw, and of all else that is random.
    features : sequence of {"hog", "color", "words"}
        What to describe images by.

    Returns
    -------
    trained : Trained
        The pipeline takes what ``images.sources`` is made of.

    Raises
    ------
    UserError
        If images cannot be read, or a class cannot be on both sides.
    """
    started = time.perf_counter()
    reader = ImageReader((size, size))
    images = read_pictures(reader, pictures.sources)
    read = time.perf_counter()
    in_training, in_test = _hold_out(pictures, images, test_size, seed)
    print(f"Training on {in_training.sum()} images, {in_test.sum()} are held out.")
    labels = pictures.labels
    with show_progress() as progress:
        progress.add_task("Learning", total=None)
        union = make_features(features, size, int(in_training.sum()), seed)
        described = union.fit_transform(images[in_training])
        normalizer = make_normalizer()
        rows = normalizer.fit_transform(described)
        ties: list[NDArray[Any]] = [first_copies(images[in_training])]
        if pictures.groups is not None:
            ties.append(pictures.groups[in_training])
        losses = validate_alphas(described, labels[in_training], ties, seed)
        alpha = best_alpha(losses)
        classifier = SoftmaxRegression(alpha=alpha).fit(rows, labels[in_training])
        fitted = time.perf_counter()
        features_of_test = normalizer.transform(union.transform(images[in_test]))
        predicted = classifier.predict(features_of_test)
    learned = time.perf_counter()

    score = measure(labels[in_test], predicted)
    classes = classifier.classes_.tolist()
    print_report(score, labels[in_test], predicted, classes, "held-out images")
    print(
        f"Took {learned - started:.1f} s: reading {read - started:.1f} s, "
        f"learning {learned - read:.1f} s."
    )
    drawn = pictures.n_training is None
    draw = {
        "test_size": test_size,
        "seed": seed,
        "grouped": pictures.groups is not None,
    }
    return Trained(
        make_pipeline(reader, union, normalizer, classifier),
        training={
            "pictures": dict(Counter(labels[in_training].tolist())),
            "fingerprints": take_fingerprints(images[in_training]),
        },
        held_out=score | (draw if drawn else {"from": "a test folder"}),
        evidence=Evidence(
            pictures=pictures,
            images=images,
            in_training=in_training,
            in_test=in_test,
            rows=rows,
            features=features_of_test,
            losses=losses,
            seconds={
                "reading": read - started,
                "learning": fitted - read,
                "predicting": learned - fitted,
            },
        ),
    )


def score_model(pipeline: Pipeline, pictures: Pictures) -> Evidence:
    """Print how well a model knows images that it has not learned from.

    Parameters
    ----------
    pipeline : Pipeline
        Of ImageReader, FeatureUnion, PixelNormalizer and SoftmaxRegression, fitted.
    images : Images
        Of some of its classes.

    Returns
    -------
    evidence : Evidence
        All images are held out.

    Raises
    ------
    UserError
        If images cannot be read.
    """
    started = time.perf_counter()
    images = read_pictures(pipeline[0], pictures.sources)
    read = time.perf_counter()
    features = pipeline[1:-1].transform(images)
    predicted = pipeline[-1].predict(features)
    done = time.perf_counter()
    score = measure(pictures.labels, predicted)
    classes = pipeline[-1].classes_.tolist()
    print_report(score, pictures.labels, predicted, classes, "pictures")
    everywhere = np.ones(len(images), bool)
    return Evidence(
        pictures=pictures,
        images=images,
        in_training=~everywhere,
        in_test=everywhere,
        rows=features[:0],
        features=features,
        losses={},
        seconds={"reading": read - started, "predicting": done - read},
    )


def make_features(
    names: Sequence[str], size: int, n_pictures: int, seed: int
) -> FeatureUnion:
    """Return what describes images, sized to them and to how many there are.

    The parameters were chosen by cross-validation on training images: those of `HOG`
    on four kinds (244 photos of ants and bees, 1,800 digits, those of the demo, 400
    faces of 40 people, and 3,000 photos of 32 x 32 pixels in ten classes), of the
    others on the first. Blocks of 3 x 3 in a grid of 5 x 5 cells did better on the
    photos than smaller blocks and finer grids, and about as well on the rest.
    """
    known = {
        "hog": HOG(
            orientations=12,
            pixels_per_cell=(size // 5, size // 5),
            cells_per_block=(3, 3),
            transform_sqrt=True,
            interpolate=True,
        ),
        "color": ColorHistogram(
            bins=(12, 4, 4),
            channels=("weighted_hue", "saturation", "value"),
            grid=(4, 4),
            norm="sqrt",
        ),
        "words": BagOfVisualWords(
            n_words=2 * min(max(n_pictures // 5, 200), 800), random_state=seed
        ),
    }
    # one after the other: each takes all threads
    return make_union(*(known[name] for name in names), n_jobs=1)


def make_normalizer() -> PixelNormalizer:
    """Return what brings features to the scale that the penalties are meant for."""
    return PixelNormalizer(variance_floor=0.01)


def validate_alphas(
    rows: NDArray[np.floating[Any]],
    labels: NDArray[np.str_],
    ties: Sequence[NDArray[Any]],
    seed: int,
) -> dict[float, float]:
    """Return the cross-entropy on held-out training rows for each strength of penalty.

    Features are normalized by the rows that are not held out. The result is empty where
    none can be held out.
    """
    losses = np.zeros(len(_ALPHAS))
    draws = draw_validation(labels, ties, seed)
    if not draws:
        return {}
    for held_out in draws:
        normalizer = make_normalizer().fit(rows[~held_out])
        learning, validation = map(
            normalizer.transform, (rows[~held_out], rows[held_out])
        )
        model = SoftmaxRegression(warm_start=True, tol=1e-3)
        for i, alpha in enumerate(_ALPHAS):
            model.set_params(alpha=alpha).fit(learning, labels[~held_out])
            losses[i] += log_loss(
                labels[held_out],
                model.predict_proba(validation),
                labels=model.classes_,
            )
    return dict(zip(_ALPHAS, (losses / len(draws)).tolist(), strict=True))


def best_alpha(losses: dict[float, float]) -> float:
    """Return the strength of the penalty to take, after `validate_alphas`."""
    return min(losses, key=losses.__getitem__, default=_MIDDLE_ALPHA)


def draw_validation(
    labels: NDArray[np.str_], ties: Sequence[NDArray[Any]], seed: int
) -> list[NDArray[np.bool_]]:
    """Return which training images to hold out, once or a few times.

    Empty where a class is one image, or one group.
    """
    n_draws = 1 if len(labels) >= _ENOUGH_TO_VALIDATE else _DRAWS
    try:
        return [draw_test_set(labels, ties, 0.2, seed + i) for i in range(n_draws)]
    except ValueError:
        return []


def read_pictures(reader: ImageReader, sources: Sequence[Any]) -> NDArray[np.uint8]:
    """Read images, with a progress bar on a terminal.

    Raises
    ------
    UserError
        If some cannot be read; it names them.
    """
    images, n_bad, bad = [], 0, []
    with show_progress() as progress:
        task = progress.add_task("Reading", total=len(sources))
        for start in range(0, len(sources), _PICTURES_AT_A_TIME):
            block = sources[start : start + _PICTURES_AT_A_TIME]
            try:
                images.append(reader.transform(block))
            except ValueError as error:  # with a line for each file between two others
                lines = str(error).splitlines()
                n_bad += int(lines[0].split()[0])
                bad += [line.split(", ", 1)[1] for line in lines if "- X[" in line]
            progress.advance(task, len(block))
    if n_bad:
        more = f"; and {n_bad - _MOST_NAMED} more" if n_bad > _MOST_NAMED else ""
        raise UserError(
            f"{n_bad} of {len(sources)} files cannot be read: "
            f"{'; '.join(bad[:_MOST_NAMED])}{more}"
        )
    return np.concatenate(images)


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Show progress on a terminal, and leave the standard output alone."""
    is_terminal = sys.stderr.isatty()
    with Progress(
        # rich 13.7 ends even a display that is disabled with an empty line.
        console=Console(stderr=True, quiet=not is_terminal),
        transient=True,
        disable=not is_terminal,
        redirect_stdout=False,
    ) as progress:
        yield progress


def _hold_out(
    pictures: Pictures, images: NDArray[np.uint8], test_size: float, seed: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which images are for training, and which for testing."""
    labels, first = pictures.labels, find_copies(pictures, images)
    order = np.arange(len(first))
    if pictures.n_training is None:
        ties = [first] if pictures.groups is None else [first, pictures.groups]
        with user_errors():
            in_test = draw_test_set(labels, ties, test_size, seed)
        return ~in_test, in_test

    in_training = order < pictures.n_training
    leaked = ~in_training & (first < pictures.n_training)
    what = "are left out of the test, as copies of training images"
    _tell_copies(pictures, first, leaked, what)
    in_test = ~in_training & ~leaked
    for name in np.unique(labels):
        if name not in labels[in_test]:
            raise UserError(
                f"all test images of the class {str(name)!r} are copies of training "
                f"images: add others"
            )
    return in_training, in_test


def find_copies(pictures: Pictures, images: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return for each image the first one with the same pixels, and tell of copies.

    ``images`` are the images as read.
    """
    labels, first = pictures.labels, first_copies(images)
    copies = first != np.arange(len(first))
    _tell_copies(pictures, first, copies, "are copies of others")
    torn = labels != labels[first]
    _tell_copies(pictures, first, torn, "are copies of others in another class")
    return first


def _tell_copies(
    pictures: Pictures, first: NDArray[np.intp], which: NDArray[np.bool_], what: str
) -> None:
    """Print how many of the copies ``which`` there are, and name some."""
    names = [
        visible(f"{pictures.names[i]} of {pictures.names[first[i]]}")
        for i in np.flatnonzero(which)
    ]
    if names:
        more = "; ..." if len(names) > _MOST_NAMED else ""
        print(f"{len(names)} images {what}: {'; '.join(names[:_MOST_NAMED])}{more}.")
