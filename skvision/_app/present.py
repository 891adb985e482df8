"""Present: what the commands print on the standard output."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import confusion_matrix

from skvision._app.confusion import (
    tabulate_classes,
    tabulate_matrix,
    tabulate_pairs,
)
from skvision._app.dataset import Dataset
from skvision._app.evaluate import Evaluation, Score
from skvision._app.label_source import LabelSource
from skvision._app.quoted import quoted
from skvision._app.split import Split
from skvision._app.words import count, natural_order, write_percent
from skvision._contract.user_error import visible
from skvision._recipes.image_classifier import ImageClassifier

_MOST_CLASSES = 8  # that are named in one line
_MOST_COPIES = 3


def print_folder(folder: str, labels: NDArray[np.str_], ignored: str) -> None:
    """Print how many images of each class a folder has, and what is ignored in it."""
    counts = Counter(labels.tolist())
    names = sorted(counts, key=natural_order)
    named = ", ".join(f"{name} {counts[name]}" for name in names[:_MOST_CLASSES])
    more = ", ..." if len(counts) > _MOST_CLASSES else ""
    print(
        f"{count(len(labels), 'image')} of {count(len(counts), 'class')} in "
        f"{visible(folder)}: {visible(named)}{more}. {ignored}".rstrip()
    )


def print_copies(dataset: Dataset, copies: NDArray[np.intp]) -> None:
    """Print which images are copies of others, each once, the worst first.

    Parameters
    ----------
    dataset : Dataset
        The names and classes of the images.
    copies : ndarray of shape (n,)
        For each image the first one with the same pixels.
    """
    order, labels = np.arange(len(copies)), dataset.labels
    is_torn = labels != labels[copies]
    is_leaked = np.zeros(len(copies), bool)
    if dataset.n_training is not None:
        is_leaked = (order >= dataset.n_training) & (copies < dataset.n_training)
    _print_pairs("The same image with two labels", dataset, copies, is_torn)
    what = "Copies of training images, left out of the test"
    _print_pairs(what, dataset, copies, is_leaked & ~is_torn)
    is_other = (copies != order) & ~is_torn & ~is_leaked
    _print_pairs("Copies of other images", dataset, copies, is_other)


def _print_pairs(
    what: str, dataset: Dataset, copies: NDArray[np.intp], which: NDArray[np.bool_]
) -> None:
    pairs = [
        visible(f"{dataset.names[i]} of {dataset.names[copies[i]]}")
        for i in np.flatnonzero(which)
    ]
    if pairs:
        more = "; ..." if len(pairs) > _MOST_COPIES else ""
        print(f"{what}: {len(pairs)} ({'; '.join(pairs[:_MOST_COPIES])}{more}).")


def print_split(split: Split) -> None:
    """Print how many images are for training, and how many for testing."""
    n_training, n_test = split.in_training.sum(), split.in_test.sum()
    are = "is" if n_test == 1 else "are"
    print(f"Training on {count(n_training, 'image')}, {n_test} {are} held out.")


def print_evaluation(evaluation: Evaluation, what: str) -> None:
    """Print accuracy, precision and recall of each class, and the largest errors.

    Parameters
    ----------
    evaluation : Evaluation
        The true and the predicted classes.
    what : str
        What was predicted, such as "held-out image".
    """
    classes, score = evaluation.classes, evaluation.score
    print()
    _print_score("Accuracy", score, f" on {count(score.n_images, what)}")
    if evaluation.top_5 is not None:
        _print_score("Top-5 accuracy", evaluation.top_5)
    print()
    counts = confusion_matrix(evaluation.truth, evaluation.predicted, labels=classes)
    names = [visible(name) for name in classes]
    # The names of classes are names, not markup.
    console = Console(markup=False, highlight=False, emoji=False)
    console.print(tabulate_classes(counts, names))
    matrix = tabulate_matrix(counts, names)
    boundless = console.options.update(width=sum(map(len, names)) + 20 * len(names))
    if console.measure(matrix, options=boundless).maximum <= console.width:
        print("\nConfusion matrix, a row for each true class:\n")
        console.print(matrix)
    elif score.n_right < score.n_images:
        print("\nThe classes that are confused most often:\n")
        console.print(tabulate_pairs(counts, names))
    print()


def _print_score(name: str, score: Score, place: str = "") -> None:
    low, high = map(write_percent, score.interval)
    percent = write_percent(score.accuracy)
    print(f"{name} {percent}{place} (95 % interval {low} to {high})")


def print_choice(model: ImageClassifier) -> None:
    """Print which recipe was chosen, and among how many."""
    trials = model.cv_results_
    reasons = trials["reason"].tolist()
    n_untried = sum(reason.startswith("not tried") for reason in reasons)
    n_tried = len(reasons) - n_untried
    chosen = trials["recipe"][model.best_index_]
    best = f", the best of {n_tried} recipes on validation images"
    print(f"Learned by {chosen}{best if n_tried > 1 else ''}.")
    if n_untried:
        print(f"The time budget left {count(n_untried, 'recipe')} untried.")


def print_seconds(reading: float, learning: float) -> None:
    """Print how long the steps took."""
    print(
        f"Took {reading + learning:.1f} s: reading {reading:.1f} s, "
        f"learning {learning:.1f} s."
    )


def print_model(file: str | None) -> None:
    """Print where the model is, and what to do next."""
    if file:
        print(
            f"Saved in {visible(file)}. Next: skvision predict {quoted(file)} FILE..."
        )
    else:
        print("The model was not saved: pass --model OUT to keep it.")


def print_report_place(file: str) -> None:
    """Print where the report is."""
    print(f"The report is in {visible(file)}: open it in a browser.")


def print_next_after_comparison(
    folder: str, labels: LabelSource, groups: str | None, table: str | None
) -> None:
    """Print where the table of a comparison is, if anywhere, and what to do next."""
    if table:
        print(f"The table is in {visible(table)}.")
    options = f" --groups {quoted(groups)}" if groups else ""
    print(f"Next: skvision train {quoted(folder)}{labels}{options} --model OUT")
