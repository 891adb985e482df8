"""Fit: a chosen recipe and all training images become a pipeline."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import config_context

from skvision._linear.softmax_regression import SoftmaxRegression
from skvision._recipes.choice import Choice, Settings
from skvision._recipes.described import Described
from skvision._recipes.draws import draw_validation_images
from skvision._recipes.features import make_normalizer
from skvision._recipes.progress import announce
from skvision._recipes.training_images import TrainingImages
from skvision._recipes.validate import make_network, nearby, validate_softmax

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline  # loads rich


def fit_recipe(
    training: TrainingImages, choice: Choice, settings: Settings, reader: Any
) -> "Pipeline":
    """Fit the chosen recipe to all training images.

    Parameters
    ----------
    training : TrainingImages
        All training images.
    choice : Choice
        The recipe and its penalty.
    settings : Settings
        The side of images and the seed.
    reader : ImageReader or None
        The first step of the pipeline; None if it takes rows of numbers.
    """
    from sklearn.pipeline import Pipeline

    with announce("Learning", 3) as advance:
        described, alpha = choice.described, choice.alpha
        if len(training) > len(described.training):  # the choice was made by some
            described = Described(training, settings.side, settings.seed)
            alpha = _choose_alpha(described, choice, settings)
        advance()
        rows = described.rows(choice.recipe)
        x, codes, weights = rows.learning_rows(np.arange(len(training)))
        labels = np.unique(training.labels)[codes]
        normalizer = make_normalizer().fit(x, sample_weight=weights)
        x = normalizer.transform(x)
        advance()
        classifier: Any = SoftmaxRegression(alpha=alpha)
        if choice.recipe.model != "softmax":
            from sklearn.ensemble import VotingClassifier  # loads all of its kind

            network = make_network(settings.seed, len(rows.copies))
            members = [("softmax", classifier), ("network", network)]
            classifier = VotingClassifier(members, voting="soft")
        # The weights belong to the rows of copies, and are no metadata of the user.
        with config_context(enable_metadata_routing=False):
            classifier.fit(x, labels, sample_weight=weights)
        advance()
    steps: list[tuple[str, Any]] = []
    if choice.recipe.features:
        steps = [("reader", reader), ("features", described.union(choice.recipe))]
    return Pipeline([*steps, ("normalizer", normalizer), ("classifier", classifier)])


def _choose_alpha(described: Described, choice: Choice, settings: Settings) -> float:
    """Return the best penalty of the recipe on all images, near the chosen one."""
    draws = draw_validation_images(described.training, None, settings.seed)
    rows = described.rows(replace(choice.recipe, copies="none"))
    outcome = validate_softmax(rows, draws[:1], nearby(choice.alpha)) if draws else None
    return choice.alpha if outcome is None else outcome.alpha
