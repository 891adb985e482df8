"""Ways to classify images, cross-validated: what ``skvision compare`` does."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from skvision._app.candidates import CANDIDATES, Candidate, Training
from skvision._app.holdout import join_ties
from skvision._app.intervals import accuracy_interval, difference_interval
from skvision._app.train_and_score import (
    Pictures,
    find_copies,
    make_features,
    read_pictures,
    show_progress,
)
from skvision._contract.user_error import UserError
from skvision._readers.image_reader import ImageReader
from skvision._training.parallel import one_thread_for_blas

_SIDE_OF_PIXELS = 32  # more only makes neighbors and networks slower
_LONG = 60  # seconds, that a user is told of


class _Described(NamedTuple):
    """Features of all images, and what they cost."""

    rows: NDArray[Any]
    seconds_to_learn: float
    seconds_each: float


class _Trial(NamedTuple):
    """How a candidate did in one fold."""

    right: NDArray[np.bool_]
    fit_seconds: float
    predict_seconds: float  # an image
    chosen: str


def compare(pictures: Pictures, size: int, n_folds: int, seed: int) -> pd.DataFrame:
    """Cross-validate some ways to classify images, on the same folds.

    What learns from images learns from the training part of a fold alone, the visual
    words, the means and variances of features, numbers of neighbors and penalties
    included; so edges and colors, which learn nothing, are computed once, and words
    once for each fold.

    Parameters
    ----------
    images : Images
        Of two or more classes. Copies of an image, and groups, are in one fold.
    size : int
        Side of the square, in pixels, that they are brought to.
    n_folds : int
        How many parts to predict, each by models fitted on all others.
    seed : int
        Of the folds and of all else that is random.

    Returns
    -------
    table : DataFrame
        A row for each way, the best first, with the columns

        - ``features``, ``model``: what it is (str)
        - ``accuracy``, ``accuracy_low``, ``accuracy_high``: share of images that are
          right, each predicted once, with its 95 % interval (`accuracy_interval`)
        - ``difference``, ``difference_low``, ``difference_high``: the accuracy less
          that of the first row, with its 95 % interval (`difference_interval`)
        - ``fit_seconds``: to compute the features of a training part, learn and choose
        - ``predict_ms``: to compute the features of an image and predict it, in
          milliseconds, where many are predicted at once
        - ``chosen``: what was chosen in each fold (str)

        Times are medians over the folds.

    Raises
    ------
    UserError
        If images cannot be read, or a class cannot be in every fold.
    """
    images = read_pictures(ImageReader((size, size)), pictures.sources)
    ties: list[NDArray[Any]] = [find_copies(pictures, images)]
    if pictures.groups is not None:
        ties.append(pictures.groups)
    parts = join_ties(ties, len(images))
    folds = draw_folds(pictures.labels, parts, n_folds, seed)
    print(f"Comparing {len(CANDIDATES)} ways to classify in {n_folds} folds.")

    trials: dict[Candidate, list[_Trial]] = {way: [] for way in CANDIDATES}
    # Two threads for products this small wait longer than they take, above all on a
    # machine that has other work; and times of one thread can be compared.
    with one_thread_for_blas, show_progress() as progress:
        task = progress.add_task("Describing", total=n_folds * (len(CANDIDATES) + 1))
        started = time.perf_counter()
        described = _describe(images, size)
        for i, in_test in enumerate(folds):
            progress.update(task, description="words")
            n_training = int((~in_test).sum())
            words = make_features(("words",), size, n_training, seed)
            described["words"] = _timed(words, images, ~in_test)
            progress.advance(task)
            for way in CANDIDATES:
                progress.update(task, description=way.name)
                trial = _try(way, described, pictures.labels, parts, in_test, seed)
                trials[way].append(trial)
                progress.advance(task)
            seconds = time.perf_counter() - started
            if i == 0 and seconds * (n_folds - 1) > _LONG:
                progress.stop()  # which would be on the same line
                minutes = seconds * (n_folds - 1) / 60
                print(f"About {minutes:.1f} minutes more, to judge by the first fold.")
                progress.start()
    return _tabulate(trials, folds, parts)


def draw_folds(
    labels: NDArray[Any], parts: NDArray[np.intp], n_folds: int, seed: int
) -> list[NDArray[np.bool_]]:
    """Return which images are in each fold: of each class alike, no part in two.

    Raises
    ------
    UserError
        If a class has fewer parts than there are folds, or all of it is in one fold.
    """
    n_parts = {
        name: len(np.unique(parts[labels == name])) for name in np.unique(labels)
    }
    name = min(n_parts, key=n_parts.__getitem__)
    n = n_parts[name]
    if n < n_folds:
        fewer = f", or pass --folds {n}" if n > 1 else ""
        raise UserError(
            f"the class {str(name)!r} has {n} images or groups (copies of one "
            f"image count as one), and {n_folds} folds need {n_folds}: add "
            f"images to it{fewer}"
        )
    # Shuffled here: shuffle=True forgets to stratify before scikit-learn 1.8.
    shuffled = np.random.default_rng(seed).permutation(len(labels))[parts]
    folds = []
    for _, test in StratifiedGroupKFold(n_folds).split(labels, labels, shuffled):
        in_test = np.isin(np.arange(len(labels)), test)
        missing = set(labels) - set(labels[~in_test])
        if missing or not in_test.any():
            what = f"all of the class {str(min(missing))!r}" if missing else "nothing"
            raise UserError(
                f"groups that large leave {what} to one of {n_folds} folds: pass "
                f"another number to --folds, or make smaller groups"
            )
        folds.append(in_test)
    return folds


def _describe(images: NDArray[np.uint8], size: int) -> dict[str, _Described]:
    """Return the features that learn nothing from images."""
    everywhere = np.ones(len(images), bool)
    side = min(size, _SIDE_OF_PIXELS)
    makers = {
        "pixels": ImageReader((side, side)),
        "hog": make_features(("hog",), size, 0, 0),
        "color": make_features(("color",), size, 0, 0),
    }
    for maker in makers.values():  # compiles, which is no part of the time
        maker.fit_transform(images[:1])
    return {name: _timed(maker, images, everywhere) for name, maker in makers.items()}


def _timed(
    maker: Any, images: NDArray[np.uint8], in_training: NDArray[np.bool_]
) -> _Described:
    """Describe all images, having learned from some."""
    started = time.perf_counter()
    maker.fit(images[in_training])
    learned = time.perf_counter()
    rows = maker.transform(images)
    done = time.perf_counter()
    return _Described(rows, learned - started, (done - learned) / len(images))


def _try(
    way: Candidate,
    described: dict[str, _Described],
    labels: NDArray[np.str_],
    parts: NDArray[np.intp],
    in_test: NDArray[np.bool_],
    seed: int,
) -> _Trial:
    """Fit a candidate on one part of the images, and predict the other."""
    blocks = [described[name] for name in way.features]
    rows = np.zeros((len(labels), 1))
    if blocks:
        rows = np.concatenate([block.rows for block in blocks], axis=1)
    training = Training(rows[~in_test], labels[~in_test], parts[~in_test], seed)
    n_training, n_test = np.bincount(in_test, minlength=2)
    started = time.perf_counter()
    classifier, chosen = way.fit(training)
    learned = time.perf_counter()
    predicted = classifier.predict(rows[in_test])
    done = time.perf_counter()
    each = sum(block.seconds_each for block in blocks)
    to_learn = sum(block.seconds_to_learn for block in blocks)
    return _Trial(
        right=predicted == labels[in_test],
        fit_seconds=to_learn + each * n_training + learned - started,
        predict_seconds=each + (done - learned) / n_test,
        chosen=chosen,
    )


def _tabulate(
    trials: dict[Candidate, list[_Trial]],
    folds: Sequence[NDArray[np.bool_]],
    parts: NDArray[np.intp],
) -> pd.DataFrame:
    right = {way: np.zeros(len(parts), bool) for way in trials}
    for way, of_way in trials.items():
        for in_test, trial in zip(folds, of_way, strict=True):
            right[way][in_test] = trial.right
    ranked = sorted(trials, key=lambda way: -right[way].sum())
    best = right[ranked[0]]
    records = []
    for way in ranked:
        accuracy_low, accuracy_high = accuracy_interval(right[way], parts)
        low, high = 0.0, 0.0
        if way != ranked[0]:
            low, high = difference_interval(right[way], best, parts)
        fit_seconds = [trial.fit_seconds for trial in trials[way]]
        predict_seconds = [trial.predict_seconds for trial in trials[way]]
        records.append(
            {
                "features": " ".join(way.features),
                "model": way.model,
                "accuracy": right[way].mean(),
                "accuracy_low": accuracy_low,
                "accuracy_high": accuracy_high,
                "difference": right[way].mean() - best.mean(),
                "difference_low": low,
                "difference_high": high,
                "fit_seconds": np.median(fit_seconds),
                "predict_ms": 1000 * np.median(predict_seconds),
                "chosen": " ".join(trial.chosen for trial in trials[way]).strip(),
            }
        )
    return pd.DataFrame(records)
