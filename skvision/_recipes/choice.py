"""The choice of a recipe, on training images alone.

The first recipe is validated, then recipes that change one thing in the best one so
far: cheap ones come first. Features are computed once and shared, and a recipe that is
certainly worse after the first draw is given up.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skvision._recipes.changed_copies import count_copies
from skvision._recipes.described import Described
from skvision._recipes.draw import draw_test_set
from skvision._recipes.draws import Draw, draw_validation_images
from skvision._recipes.progress import announce
from skvision._recipes.recipe import N_STEPS, Recipe, change_features
from skvision._recipes.training_images import TrainingImages
from skvision._recipes.validate import (
    Outcome,
    is_clearly_less,
    is_positive,
    loss_of_mirror_images,
    nearby,
    validate_softmax,
    validate_with_network,
)

_MOST_IMAGES = 2000  # to choose by
_FEW = 2  # draws, for what takes long
_MIDDLE_ALPHA = 0.1  # for when recipes cannot be compared
_TIMES = {"softmax": 1.0, "softmax+network": 2.0}  # of a trial, beside the others


@dataclass(frozen=True)
class Settings:
    """What the choice may vary, and its limits.

    Attributes
    ----------
    first : Recipe
        The recipe to begin with.
    vary_features, vary_copies : bool
        Whether recipes with other features and changed copies are tried.
    model : {"auto", "softmax", "softmax+network"}
        Whether a network is tried, not tried, or taken in any case.
    side : int
        Side of the square images in pixels.
    cv : int, splitter or None
        See `draw_validation_images`.
    time_budget : float or None
        Seconds, after which no further recipe is tried.
    seed : int
        The seed of all that is random.
    """

    first: Recipe
    vary_features: bool
    vary_copies: bool
    model: str
    side: int
    cv: Any
    time_budget: float | None
    seed: int


@dataclass(frozen=True)
class Trial:
    """A recipe, what came of it, and why it was taken or not."""

    recipe: Recipe
    outcome: Outcome | None
    seconds: float
    reason: str


@dataclass(frozen=True)
class Choice:
    """The chosen recipe, its penalty, and all trials in their order.

    ``described`` holds the features of the images that were chosen by.
    """

    recipe: Recipe
    alpha: float
    trials: list[Trial]
    described: Described


def choose(training: TrainingImages, settings: Settings) -> Choice:
    """Choose the recipe that predicts validation images best.

    Parameters
    ----------
    training : TrainingImages
        The images. Of more than 2,000, some are drawn to choose by.
    settings : Settings
        What may vary.
    """
    started = time.perf_counter()
    some = _draw_some(training, settings.seed)
    described = Described(some, settings.side, settings.seed)
    draws = draw_validation_images(some, settings.cv, settings.seed)
    first = settings.first
    if not draws:
        if settings.model != "auto":
            first = replace(first, model=settings.model)
        reason = "the first recipe: a class is one image or group, so none is validated"
        trial = Trial(first, None, 0.0, reason)
        return Choice(first, _MIDDLE_ALPHA, [trial], described)
    with announce("Choosing a recipe", N_STEPS + 3) as advance:
        outcome = validate_softmax(described.rows(first), draws)
        assert outcome is not None  # without a rival, no recipe is given up
        seconds = time.perf_counter() - started
        trial = Trial(first, outcome, seconds, "the first recipe")
        search = _Search(settings, described, draws, started, outcome, trial)
        advance()
        for step in range(N_STEPS):
            for recipe in list(search.changes(step)):
                search.attempt(recipe)
            advance()
        if settings.vary_copies and count_copies(len(training)):
            search.attempt(replace(search.recipe, copies=search.kind_of_copies()))
        advance()
        if settings.model != "softmax":
            recipe = replace(search.recipe, model="softmax+network")
            search.attempt(recipe, is_wanted=settings.model == recipe.model)
        advance()
    return Choice(search.recipe, search.outcome.alpha, search.trials, described)


class _Search:
    """The best recipe so far, and all trials.

    Parameters
    ----------
    settings : Settings
        What may vary.
    described : Described
        The images to choose by, and their features.
    draws : sequence of (learning, validation)
        What each recipe is validated on.
    started : float
        When the choice began.
    outcome : Outcome
        That of the first recipe.
    trial : Trial
        The same.
    """

    def __init__(
        self,
        settings: Settings,
        described: Described,
        draws: Sequence[Draw],
        started: float,
        outcome: Outcome,
        trial: Trial,
    ) -> None:
        self.settings = settings
        self.described = described
        self.draws = draws
        self.started = started
        self.recipe, self.outcome = trial.recipe, outcome
        self.trials = [trial]

    def changes(self, step: int) -> Iterator[Recipe]:
        """Yield the recipes of a step that were not tried yet."""
        if self.settings.vary_features:
            tried = {trial.recipe for trial in self.trials}
            for recipe in change_features(self.recipe, step, self.settings.side):
                if recipe.features and recipe not in tried:
                    yield recipe

    def attempt(self, recipe: Recipe, *, is_wanted: bool = False) -> None:
        """Validate a recipe, and take it if wanted or if its loss is the smallest."""
        if not is_wanted and not self._has_time_for(recipe):
            self.trials.append(Trial(recipe, None, 0.0, "not tried: time budget"))
            return
        started = time.perf_counter()
        outcome = self._validate(recipe)
        seconds = time.perf_counter() - started
        is_better = False
        if outcome is None:
            reason = f"given up after a draw: worse than {self.recipe.name}"
        else:
            rival = self.outcome.of_draws(len(outcome.losses))
            is_better = is_clearly_less(outcome, rival)
            reason = f"{'' if is_better else 'not '}better than {self.recipe.name}"
        self.trials.append(Trial(recipe, outcome, seconds, reason))
        if outcome is not None and (is_wanted or is_better):
            self.recipe, self.outcome = recipe, outcome

    def kind_of_copies(self) -> str:
        """Return "mirrored" if mirror images are predicted as well as images.

        The model learns from images alone, by features that are not the same for both.
        """
        names = [name for name in self.recipe.features if "words" not in name]
        if not names:
            return "shifted"
        rows = self.described.rows(Recipe(tuple(names)))
        more = loss_of_mirror_images(
            rows, self.described.mirrored(names), self.draws[:_FEW], self.outcome.alpha
        )
        return "shifted" if is_positive(more) else "mirrored"

    def _validate(self, recipe: Recipe) -> Outcome | None:
        rows = self.described.rows(recipe)
        alpha, few = self.outcome.alpha, self.draws[:_FEW]
        if recipe.model != "softmax":
            softmax = self.outcome.of_draws(len(few))
            return validate_with_network(rows, few, softmax, self.settings.seed)
        if recipe.copies != "none":
            return validate_softmax(rows, few, [alpha], self.outcome, widen=False)
        return validate_softmax(rows, self.draws, nearby(alpha), self.outcome)

    def _has_time_for(self, recipe: Recipe) -> bool:
        """Return whether a trial, and the last fit, are expected to end in time."""
        if self.settings.time_budget is None:
            return True
        longest = max(trial.seconds for trial in self.trials)
        times = _TIMES[recipe.model]
        if recipe.copies != "none":
            times += count_copies(len(self.described.training))
        spent = time.perf_counter() - self.started
        return spent + (times + 1) * longest <= self.settings.time_budget


def _draw_some(training: TrainingImages, seed: int) -> TrainingImages:
    """Return the images to choose by: all, or a stratified draw."""
    if len(training) <= _MOST_IMAGES:
        return training
    size = _MOST_IMAGES / len(training)
    try:
        drawn = draw_test_set(training.labels, [training.parts], size, seed)
    except ValueError:  # a class is one image, or one group
        return training
    return training.take(np.flatnonzero(drawn))
