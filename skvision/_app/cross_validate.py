"""Cross-validate: several models on the same folds, for ``skvision compare``."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvision._app import present
from skvision._app.dataset import Dataset
from skvision._app.evaluate import find_in_top_5, has_top_5
from skvision._app.intervals import accuracy_interval, difference_interval
from skvision._app.load import load_dataset
from skvision._app.loading import LOADING, Loading
from skvision._app.progress import Progress, show_progress
from skvision._app.split import draw_folds, ties
from skvision._readers.image_reader import ImageReader
from skvision._recipes.candidates import CANDIDATES, Candidate, Training
from skvision._recipes.copies import first_copies
from skvision._recipes.draw import join_ties
from skvision._recipes.features import make_features
from skvision._training.parallel import one_thread_for_blas

_SIDE_OF_PIXELS = 32  # more only makes neighbors and networks slower
_LONG = 60  # seconds: longer times are announced


@dataclass(frozen=True)
class _Described:
    """Features of all images, and the seconds that they took."""

    rows: NDArray[Any]
    seconds_to_learn: float
    seconds_each: float


@dataclass(frozen=True)
class _Trial:
    """The result of a candidate in one fold."""

    right: NDArray[np.bool_]
    in_top_5: NDArray[np.bool_] | None  # if there are many classes
    fit_seconds: float
    predict_seconds: float  # an image
    chosen: str


@dataclass(frozen=True)
class _Problem:
    """Images, their classes, and which of them must not be separated."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.str_]
    parts: NDArray[np.intp]
    size: int
    seed: int


def cross_validate(
    dataset: Dataset,
    size: Any,
    n_folds: int,
    seed: int,
    loading: Loading = LOADING,
) -> pd.DataFrame:
    """Cross-validate the candidates on the same folds.

    Everything that is learned is learned from the training part of a fold alone: the
    visual words, the means and variances of features, the numbers of neighbors and the
    penalties. Edges and colors learn nothing, so they are computed once; words are
    computed once for each fold.

    Parameters
    ----------
    dataset : Dataset
        Images of two or more classes. Copies of an image, and groups, are in one fold.
    size : int or "auto"
        Side of the square, in pixels, that the images are brought to.
    n_folds : int
        The number of folds. Each is predicted by models fitted to all others.
    seed : int
        The seed of the folds and of all else that is random.
    loading : Loading, default=LOADING
        How files are read.

    Returns
    -------
    table : DataFrame
        A row for each candidate, the best first, with the columns

        - ``features``, ``model``: the candidate (str)
        - ``accuracy``, ``accuracy_low``, ``accuracy_high``: the fraction of images that
          are right, each predicted once, with its 95 % interval (`accuracy_interval`)
        - ``top_5_accuracy``: the fraction whose class is among the five of the highest
          scores; the column is there if there are 20 classes or more
        - ``difference``, ``difference_low``, ``difference_high``: the accuracy less
          that of the first row, with its 95 % interval (`difference_interval`)
        - ``fit_seconds``: to compute the features of a training part, learn and choose
        - ``predict_ms``: to compute the features of an image and predict it, in
          milliseconds, if many are predicted at once
        - ``chosen``: the parameters chosen in each fold (str)

        Times are medians over the folds.

    Raises
    ------
    UserError
        If files cannot be read, or a class cannot be in every fold.
    """
    reader = loading.reader(size, dataset.sources)
    side = max(reader.size)
    dataset, images = load_dataset(dataset, reader, loading)
    copies = first_copies(images.digests)
    present.print_copies(dataset, copies)
    parts = join_ties(ties(dataset, copies), len(copies))
    folds = draw_folds(dataset.labels, parts, n_folds, seed)
    print(f"Comparing {len(CANDIDATES)} models in {n_folds} folds.")

    problem = _Problem(images.pixels, dataset.labels, parts, side, seed)
    trials: dict[Candidate, list[_Trial]] = {candidate: [] for candidate in CANDIDATES}
    # Two threads for products this small wait longer than they compute, above all on a
    # machine that has other work; and times of one thread can be compared.
    with one_thread_for_blas, show_progress() as progress:
        progress.stage("Comparing", n_folds * (len(CANDIDATES) + 1))
        started = time.perf_counter()
        described = _describe(images.pixels, side)
        for i, in_test in enumerate(folds):
            _try_all(problem, described, in_test, trials, progress)
            if i == 0:
                seconds = (time.perf_counter() - started) * (n_folds - 1)
                _announce_long(seconds, progress)
    return _tabulate(trials, folds, parts)


def _announce_long(seconds: float, progress: Progress) -> None:
    if seconds > _LONG:
        minutes = seconds / 60
        progress.print(f"The other folds will take about {minutes:.1f} minutes.")


def _try_all(
    problem: _Problem,
    described: dict[str, _Described],
    in_test: NDArray[np.bool_],
    trials: dict[Candidate, list[_Trial]],
    progress: Progress,
) -> None:
    """Try each candidate in one fold, and append the results."""
    progress.say("words")
    n_training = int((~in_test).sum())
    words = make_features(("words",), problem.size, n_training, problem.seed)
    described = described | {"words": _timed(words, problem.pixels, ~in_test)}
    progress.advance()
    for candidate in CANDIDATES:
        progress.say(candidate.name)
        trials[candidate].append(_try(candidate, described, problem, in_test))
        progress.advance()


def _describe(pixels: NDArray[np.uint8], size: int) -> dict[str, _Described]:
    """Return the features that learn nothing from images."""
    everywhere = np.ones(len(pixels), bool)
    side = min(size, _SIDE_OF_PIXELS)
    makers = {
        "pixels": ImageReader((side, side)),
        "hog": make_features(("hog",), size, 0, 0),
        "color": make_features(("color",), size, 0, 0),
    }
    for maker in makers.values():  # compiles, which the times do not count
        maker.fit_transform(pixels[:1])
    return {name: _timed(maker, pixels, everywhere) for name, maker in makers.items()}


def _timed(
    maker: Any, pixels: NDArray[np.uint8], in_training: NDArray[np.bool_]
) -> _Described:
    """Fit a transformer to some images, and transform all of them."""
    started = time.perf_counter()
    maker.fit(pixels[in_training])
    learned = time.perf_counter()
    rows = maker.transform(pixels)
    done = time.perf_counter()
    return _Described(rows, learned - started, (done - learned) / len(pixels))


def _try(
    candidate: Candidate,
    described: dict[str, _Described],
    problem: _Problem,
    in_test: NDArray[np.bool_],
) -> _Trial:
    """Fit a candidate to one part of the images, and predict the other."""
    labels = problem.labels
    blocks = [described[name] for name in candidate.features]
    rows = np.zeros((len(labels), 1))
    if blocks:
        rows = np.concatenate([block.rows for block in blocks], axis=1)
    parts = problem.parts[~in_test]
    training = Training(rows[~in_test], labels[~in_test], parts, problem.seed)
    n_training, n_test = np.bincount(in_test, minlength=2)
    started = time.perf_counter()
    classifier, chosen = candidate.fit(training)
    learned = time.perf_counter()
    predicted = classifier.predict(rows[in_test])
    done = time.perf_counter()
    each = sum(block.seconds_each for block in blocks)
    to_learn = sum(block.seconds_to_learn for block in blocks)
    return _Trial(
        right=predicted == labels[in_test],
        in_top_5=_find_in_top_5(classifier, rows[in_test], labels[in_test]),
        fit_seconds=to_learn + each * n_training + learned - started,
        predict_seconds=each + (done - learned) / n_test,
        chosen=chosen,
    )


def _find_in_top_5(
    classifier: Any, rows: NDArray[Any], truth: NDArray[np.str_]
) -> NDArray[np.bool_] | None:
    classes = classifier.classes_.tolist()
    if not has_top_5(classes):
        return None
    score = getattr(classifier, "predict_proba", None) or classifier.decision_function
    return find_in_top_5(truth, classes, score(rows))


def _tabulate(
    trials: dict[Candidate, list[_Trial]],
    folds: Sequence[NDArray[np.bool_]],
    parts: NDArray[np.intp],
) -> pd.DataFrame:
    right = {candidate: np.zeros(len(parts), bool) for candidate in trials}
    for candidate, results in trials.items():
        for in_test, trial in zip(folds, results, strict=True):
            right[candidate][in_test] = trial.right
    ranked = sorted(trials, key=lambda candidate: -right[candidate].sum())
    best = right[ranked[0]]
    records = []
    for candidate in ranked:
        own, results = right[candidate], trials[candidate]
        accuracy_low, accuracy_high = accuracy_interval(own, parts)
        low, high = 0.0, 0.0
        if candidate != ranked[0]:
            low, high = difference_interval(own, best, parts)
        predict_seconds = [trial.predict_seconds for trial in results]
        in_top_5 = [one.in_top_5 for one in results if one.in_top_5 is not None]
        top_5 = {"top_5_accuracy": np.concatenate(in_top_5).mean()} if in_top_5 else {}
        records.append(
            {
                "features": " ".join(candidate.features),
                "model": candidate.model,
                "accuracy": own.mean(),
                "accuracy_low": accuracy_low,
                "accuracy_high": accuracy_high,
                **top_5,
                "difference": own.mean() - best.mean(),
                "difference_low": low,
                "difference_high": high,
                "fit_seconds": np.median([trial.fit_seconds for trial in results]),
                "predict_ms": 1000 * np.median(predict_seconds),
                "chosen": " ".join(trial.chosen for trial in results).strip(),
            }
        )
    return pd.DataFrame(records)
