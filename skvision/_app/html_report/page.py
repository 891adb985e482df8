"""The page: the values for the template, and scikit-learn's view of the pipeline."""

import datetime
import hashlib
import os
import platform
import re
from base64 import b64encode
from functools import cache
from typing import Any

import numpy as np
import sklearn
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from sklearn.base import clone
from sklearn.metrics import confusion_matrix
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_html_repr

import skvision
from skvision._app.confusion import find_confused_pairs
from skvision._app.evidence import Evidence
from skvision._app.html_report.curves import draw_calibration, draw_training
from skvision._app.html_report.gallery import (
    choose_samples,
    count_copies,
    mean_images,
    measure_extents,
    show_thumbnails,
)
from skvision._app.html_report.images import choose_images
from skvision._app.html_report.portraits import (
    draw_portraits,
    linear_model,
    measure_contributions,
)
from skvision._app.html_report.saved import (
    count_images,
    read_first_score,
    read_versions,
)
from skvision._app.html_report.scores import (
    fill_cells,
    measure_baseline,
    measure_tints,
    rank_classes,
    score_all,
    score_classes,
)
from skvision._app.words import shorten_names, unbroken_percent, write_seconds
from skvision._contract.models import (
    ColorBins,
    EdgeHistograms,
    VisualWords,
    answers,
)
from skvision._contract.user_error import visible
from skvision._model_files.replace_file import replace_file

_MOST_IN_CELLS = 500  # images
_MOST_PER_CELL = 24
_MOST_MISTAKES = 12
_WIDELY_OPEN = 10  # portraits that are shown without a click
_KINDS = {
    EdgeHistograms: "edges",
    ColorBins: "colors",
    VisualWords: "small patches",
}


def write_report(
    path: str | os.PathLike[str],
    pipeline: Pipeline,
    evidence: Evidence,
    *,
    held_out: dict[str, Any],
    about: dict[str, Any],
    n_bytes: int | None,
    date: datetime.date,
    origin: dict[str, str] | None = None,
) -> None:
    """Write a web page on a model; if that fails, nothing is written.

    Parameters
    ----------
    path : str or path-like
        The file to write.
    pipeline : Pipeline
        Of ImageReader, FeatureUnion, PixelNormalizer and SoftmaxRegression, fitted.
    evidence : Evidence
        The images, with thumbnails, and what the model predicts.
    held_out : dict
        How the test images were chosen: ``test_size``, ``seed`` and ``grouped``, or
        ``from``, and ``known``, the number of those that the model has learned from.
    about : dict
        What the file of the model says about it; empty if it was trained just now.
    n_bytes : int or None
        Size of that file.
    date : date
        The date of the report.
    origin : dict of str to str or None
        What the report was made from: the folder, the model and the command.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    page = render_report(pipeline, evidence, held_out, about, n_bytes, date, origin)
    replace_file(path, page.encode())


def render_report(
    pipeline: Pipeline,
    evidence: Evidence,
    held_out: dict[str, Any],
    about: dict[str, Any],
    n_bytes: int | None,
    date: datetime.date,
    origin: dict[str, str] | None = None,
) -> str:
    """Return the page that `write_report` writes."""
    environment = _environment()
    script = _read(environment, "report.js")
    classes = evidence.evaluation.classes
    portraits = dict(
        zip(pipeline[-1].classes_.tolist(), draw_portraits(pipeline), strict=True)
    )
    split = evidence.split
    table = count_images(evidence, classes, about)
    baseline = measure_baseline(classes, table)
    return environment.get_template("report.html.jinja").render(
        style=_read(environment, "report.css"),
        pipeline_style=_read(environment, "pipeline.css"),
        script=script,
        script_digest=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **_judge(evidence),
        classes=[visible(name) for name in classes],
        portraits=[portraits[name] for name in classes],
        widely_open=_WIDELY_OPEN,
        means=mean_images(evidence, classes),
        contributions=_join_kinds(
            measure_contributions(pipeline, evidence.evaluation.features)
        ),
        training=draw_training(pipeline, evidence, baseline.fraction),
        table=table,
        baseline=baseline,
        top_5=evidence.evaluation.top_5,
        origin={what: visible(text) for what, text in (origin or {}).items()},
        extents=measure_extents(evidence),
        resize=pipeline[0].resize,
        n_copies=count_copies(evidence.images.digests),
        n_left_out=int((~split.in_training & ~split.in_test).sum()),
        evidence=evidence,
        held_out=held_out,
        first_score=read_first_score(about),
        n_features=linear_model(pipeline).n_features_in_,
        n_bytes=n_bytes,
        pipeline=_view(pipeline),
        pipeline_text=repr(pipeline),
        versions={
            "skvision": skvision.__version__,
            "scikit-learn": sklearn.__version__,
            "NumPy": np.__version__,
            "Python": platform.python_version(),
        },
        saved_with=read_versions(about),
        date=date,
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("skvision._app.html_report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": unbroken_percent, "seconds": write_seconds}
    return environment


def _read(environment: Environment, name: str) -> Markup:
    assert environment.loader is not None
    return Markup(environment.loader.get_source(environment, name)[0])


def _judge(evidence: Evidence) -> dict[str, Any]:
    """Return the scores, the confusion matrix, and the images to show."""
    evaluation = evidence.evaluation
    classes, truth, predicted = (
        evaluation.classes,
        evaluation.truth,
        evaluation.predicted,
    )
    confidence = evaluation.probabilities.max(axis=1)
    counts = confusion_matrix(truth, predicted, labels=classes)
    wrong = np.flatnonzero(truth != predicted)
    mistakes = wrong[np.argsort(-confidence[wrong], kind="stable")][:_MOST_MISTAKES]
    cells = fill_cells(classes, truth, predicted, confidence)
    first = [members[:_MOST_PER_CELL] for members in cells.values()]
    chosen = choose_images(first, _MOST_IN_CELLS)
    samples = choose_samples(evidence, classes)

    names = shorten_names(evidence.dataset.names)
    of_test = np.flatnonzero(evidence.split.in_test)

    def describe(i: int) -> dict[str, Any]:
        return {
            "id": int(of_test[i]),
            "name": names[of_test[i]],
            "truth": visible(str(truth[i])),
            "predicted": visible(str(predicted[i])),
            "probability": float(confidence[i]),
        }

    dialogs = {
        cell: [describe(i) for i in members if i in chosen]
        for cell, members in cells.items()
        if not chosen.keys().isdisjoint(members)
    }
    shown = {*of_test[[*mistakes, *chosen]].tolist()}.union(*samples)
    return {
        "score": score_all(truth, predicted),
        "by_class": score_classes(counts, classes),
        "ranking": rank_classes(counts)
        if len(classes) > _WIDELY_OPEN
        else list(range(len(classes))),
        "calibration": draw_calibration(truth == predicted, confidence),
        "counts": counts.tolist(),
        "tints": measure_tints(counts),
        "pairs": find_confused_pairs(counts),
        "dialogs": dialogs,
        "mistakes": [describe(i) for i in mistakes.tolist()],
        "samples": samples,
        "images": show_thumbnails(evidence, sorted(shown)),
    }


def _join_kinds(parts: list[tuple[Any, float]]) -> list[tuple[str, float]]:
    """Return the fraction of each kind of features; two steps may be of one kind."""
    fractions: dict[str, float] = {}
    for step, fraction in parts:
        kind = _name_kind(step)
        fractions[kind] = fractions.get(kind, 0.0) + fraction
    return list(fractions.items())


def _name_kind(step: Any) -> str:
    return next(kind for asked, kind in _KINDS.items() if answers(step, asked))


def _view(pipeline: Pipeline) -> Markup:
    """Return scikit-learn's view of the steps and their parameters, without scripts.

    The view has styles and ids of its own, for a shadow root. Its scripts copy names
    and guess the theme; the page does not need them.
    """
    view = estimator_html_repr(clone(pipeline))
    view = re.sub(r"<script.*?</script>", "", view, flags=re.DOTALL)
    view = re.sub(r'\s(onclick="[^"]*"|tabindex="0")', "", view)
    return Markup(re.sub(r"</?(html|head|body|meta)\b[^>]*>|<!DOCTYPE[^>]*>", "", view))
