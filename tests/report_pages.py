"""Images with awkward names, and a model of them, for tests of the report."""

import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from skvision import ImageClassifier
from skvision._app.commands import learn
from skvision._app.dataset import Dataset
from skvision._app.html_report import render_report

SCRIPT = "<script>alert(1)</script>"
QUOTES = "\"quoted\" & 'single'"
ANT = "🐜 ant"
HEBREW = "נמלה"
LONG = "a_class_with_a_name_that_has_no_place_to_break_" * 2
NAMES = [SCRIPT, QUOTES, ANT, HEBREW, LONG]
DATE = datetime.date(2024, 2, 29)


def make_images(n=16, contrast=20, side=20, names=NAMES):
    """Return ``n`` noisy images a class, each with stripes of a width of its own."""
    rng = np.random.default_rng(0)
    labels = np.repeat(names, n)
    images = rng.integers(0, 130, (len(labels), side, side, 3), dtype=np.uint8)
    for image, kind in zip(images, np.arange(len(names)).repeat(n), strict=True):
        image[:, :: kind + 2, kind % 3] += np.uint8(contrast)
    return Dataset(
        sources=list(images),
        names=[f"{name} {i}.png" for i, name in enumerate(labels)],
        labels=labels,
    )


def save_images(folder: Path, dataset):
    """Save images in a folder for each class."""
    for i, (image, label) in enumerate(
        zip(dataset.sources, dataset.labels, strict=True)
    ):
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / label / f"{i}.png")
    return folder


def train(dataset, features=("hog", "color", "words")):
    """Train on most of them."""
    model = ImageClassifier(
        list(features),
        model="softmax",
        image_size=20,
        augmentation=None,
        random_state=0,
    )
    return learn(dataset, model, test_size=0.4, with_thumbnails=True)


def render(trained, about=(), held_out=None, origin=None):
    """Return the page on a model."""
    return render_report(
        trained.pipeline,
        trained.evidence,
        trained.held_out if held_out is None else held_out,
        dict(about),
        123_456,
        DATE,
        origin,
    )
