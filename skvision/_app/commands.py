"""What each command does, as a recipe of steps.

The steps are load, split, describe, choose, fit, evaluate and present; each has a file
of its name.
"""

import argparse
import time
from datetime import date
from pathlib import Path
from typing import Any

from sklearn.pipeline import Pipeline

from skvision._app import present
from skvision._app.dataset import Dataset
from skvision._app.evaluate import evaluate
from skvision._app.evidence import Evidence, Learned
from skvision._app.find import (
    find_digits,
    find_images,
    find_images_and_test_images,
    find_images_for,
    find_images_to_compare,
)
from skvision._app.fingerprints import find_known
from skvision._app.first_run import compiling_meanwhile
from skvision._app.label_source import LabelSource
from skvision._app.load import load_dataset
from skvision._app.loading import LOADING, Loading
from skvision._app.progress import show_progress
from skvision._app.quoted import quoted
from skvision._app.saved_classifier import load_classifier, save_classifier
from skvision._app.split import hold_out, hold_out_all, ties
from skvision._app.standard_error import print_error
from skvision._app.words import count
from skvision._contract.user_error import user_errors
from skvision._model_files.replace_file import replace_file
from skvision._recipes.copies import first_copies
from skvision._recipes.draw import join_ties
from skvision._recipes.features import make_features
from skvision._recipes.image_classifier import ImageClassifier
from skvision._recipes.progress import listening
from skvision._recipes.recipe import FIRST


def demo(options: argparse.Namespace) -> None:
    """Train on digits that come with scikit-learn."""
    # Edges tell digits apart, and the other features take long to compile.
    model = ImageClassifier(
        ["hog"], model="softmax", image_size=32, augmentation=None, random_state=0
    )
    learn(find_digits(), model, test_size=0.2)
    print("Next, with images of your own: skvision train FOLDER --model OUT")


def train(options: argparse.Namespace) -> None:
    """Train on a folder of images, and save the model."""
    labels = LabelSource.of(options)
    if options.test:
        dataset = find_images_and_test_images(options.folder, options.test, labels)
    else:
        dataset = find_images(options.folder, labels, groups=options.groups)
    model = ImageClassifier(
        options.features,
        image_size=options.size,
        time_budget=options.time_budget,
        random_state=options.seed,
    )
    learned = learn(
        dataset,
        model,
        test_size=options.test_size,
        with_thumbnails=options.report is not None,
        loading=Loading.of(options),
    )
    if options.model:
        with user_errors():
            save_classifier(
                options.model,
                learned.pipeline,
                training=learned.training,
                held_out=learned.held_out,
            )
    present.print_model(options.model)
    if options.report:
        _write_report(options, learned.pipeline, learned.evidence, learned.held_out, {})


def learn(
    dataset: Dataset,
    model: ImageClassifier,
    *,
    test_size: float,
    with_thumbnails: bool = False,
    loading: Loading = LOADING,
) -> Learned:
    """Fit a model to a part of the images, and print how well it knows the others.

    Parameters
    ----------
    dataset : Dataset
        Images of two or more classes.
    model : ImageClassifier
        The model. It gets its size and the way to a square from the images, if they are
        "auto". Its ``random_state`` is the seed of the draw, too.
    test_size : float
        The fraction to hold out, unless the dataset has test images.
    with_thumbnails : bool, default=False
        Whether a report will show images.
    loading : Loading, default=LOADING
        How files are read.

    Raises
    ------
    UserError
        If files cannot be read, or a class cannot be in both parts.
    """
    seed = model.random_state
    reader = loading.reader(model.image_size, dataset.sources)
    side = max(reader.size)
    names = FIRST.features if model.features == "auto" else model.features
    with compiling_meanwhile(make_features(names, side, 2, seed), side):
        dataset, images = load_dataset(
            dataset, reader, loading, with_thumbnails=with_thumbnails
        )
    copies = first_copies(images.digests)
    present.print_copies(dataset, copies)
    split = hold_out(dataset, copies, test_size, seed)
    present.print_split(split)

    learning, started = split.in_training, time.perf_counter()
    parts = join_ties(ties(dataset, copies), len(copies))
    model.set_params(image_size=side)
    with show_progress() as progress, listening(progress.begin):
        model.fit(
            images.pixels[learning], dataset.labels[learning], groups=parts[learning]
        )
    seconds = time.perf_counter() - started
    # The images were read already: the reader of the model knows nothing of the files.
    pipeline = Pipeline([("reader", reader), *model.best_estimator_.steps[1:]])
    evaluation = evaluate(
        pipeline, images.pixels[split.in_test], dataset.labels[split.in_test]
    )
    present.print_choice(model)
    present.print_evaluation(evaluation, "held-out image")
    present.print_seconds(images.seconds, seconds + evaluation.seconds)
    rows = evaluation.features[:0]
    if with_thumbnails:
        rows = pipeline[1:-1].transform(images.pixels[learning])
    path = model.alpha_path_
    losses = dict(zip(path["alpha"], path["mean_test_loss"], strict=True))
    evidence = Evidence(dataset, images, split, evaluation, rows, losses, seconds)
    return Learned(pipeline, evidence, test_size, seed)


def compare(options: argparse.Namespace) -> None:
    """Cross-validate several models on a folder of images."""
    from skvision._app.comparison_table import print_comparison
    from skvision._app.cross_validate import cross_validate

    labels = LabelSource.of(options)
    dataset = find_images_to_compare(options.folder, labels, groups=options.groups)
    table = cross_validate(
        dataset, options.size, options.folds, options.seed, Loading.of(options)
    )
    print_comparison(table)
    if options.csv:
        with user_errors():
            replace_file(options.csv, table.to_csv(index=False).encode())
    present.print_next_after_comparison(
        options.folder, labels, options.groups, options.csv
    )


def report(options: argparse.Namespace) -> None:
    """Write a web page on a model."""
    with user_errors():
        pipeline, about = load_classifier(options.model)
    classes = pipeline[-1].classes_.tolist()
    labels = LabelSource.of(options)
    dataset = find_images_for(options.model, classes, options.folder, labels)
    dataset, images = load_dataset(
        dataset, pipeline[0], Loading.of(options), with_thumbnails=True
    )
    split = hold_out_all(dataset)
    evaluation = evaluate(pipeline, images.pixels, dataset.labels)
    present.print_evaluation(evaluation, "image")

    n_known = int(find_known(images.digests, about).sum())
    if n_known:
        print_error(
            f"warning: {n_known} of {count(len(images.digests), 'image')} "
            f"{'is' if n_known == 1 else 'are'} among those that the model has learned "
            f"from: the scores are too good"
        )
    rows = evaluation.features[:0]
    evidence = Evidence(dataset, images, split, evaluation, rows, {}, None)
    held_out = {"from": "a test folder", "known": n_known}
    _write_report(options, pipeline, evidence, held_out, about)


def _write_report(
    options: argparse.Namespace,
    pipeline: Pipeline,
    evidence: Evidence,
    held_out: dict[str, Any],
    about: dict[str, Any],
) -> None:
    from skvision._app.html_report import write_report  # jinja2 may be missing

    with user_errors():
        n_bytes = Path(options.model).stat().st_size if options.model else None
        write_report(
            options.report,
            pipeline,
            evidence,
            held_out=held_out,
            about=about,
            n_bytes=n_bytes,
            date=date.today(),
            origin=_describe_origin(options),
        )
    present.print_report_place(options.report)


def _describe_origin(options: argparse.Namespace) -> dict[str, str]:
    """Return what a report is made from, as the user named it."""
    named = {
        "Folder": options.folder,
        "Test folder": getattr(options, "test", None),
        "Model": options.model,
        "Command": f"skvision {' '.join(map(quoted, options.typed))}",
    }
    return {what: name for what, name in named.items() if name}
