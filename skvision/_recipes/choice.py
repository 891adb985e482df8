"""The choice of a recipe, on training images alone.

The first recipe is validated, then recipes that change one thing in the best one so
far: cheap ones come first. Features are computed once and shared, and a recipe that is
certainly worse after the first draw is given up.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvision._recipes.changed_copies import count_copies, make_copies
from skvision._recipes.draw import draw_test_set
from skvision._recipes.draws import Draw, draw_validation_images
from skvision._recipes.features import make_feature
from skvision._recipes.progress import announce
from skvision._recipes.recipe import N_STEPS, Recipe, change_features
from skvision._recipes.training_images import TrainingImages
from skvision._recipes.validate import (
    Outcome,
    Rows,
    nearby,
    validate_softmax,
    validate_with_network,
)

_MOST_IMAGES = 2000  # to choose by
_MIDDLE_ALPHA = 0.1  # for when recipes cannot be compared


@dataclass(frozen=True)
class Settings:
    """What the choice may vary, and its limits.

    Attributes
    ----------
    first : Recipe
        The recipe to begin with.
    vary_features, vary_copies, vary_model : bool
        Whether recipes with other features, changed copies and a network are tried.
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
    vary_model: bool
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
    """The chosen recipe, its penalty, and all trials in their order."""

    recipe: Recipe
    alpha: float
    trials: list[Trial]


@dataclass
class _Search:
    """The state of a choice: the images, their features, and the trials so far."""

    training: TrainingImages
    draws: Sequence[Draw]
    settings: Settings
    started: float
    blocks: dict[tuple[str, bool], NDArray[Any]] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    best: Trial | None = None

    def describe(self, recipe: Recipe) -> Rows:
        """Return the features of all images, computing those that are new."""
        originals = np.concatenate(
            [self._block(name, recipe, False)[0] for name in recipe.features], axis=1
        )
        copies = originals[np.newaxis][:0]
        if recipe.copies:
            copies = np.concatenate(
                [self._block(name, recipe, True) for name in recipe.features], axis=2
            )
        labels = np.unique(self.training.labels, return_inverse=True)[1]
        return Rows(originals, copies, labels, self.training.weights)

    def _block(self, name: str, recipe: Recipe, of_copies: bool) -> NDArray[Any]:
        if (name, of_copies) not in self.blocks:
            images, settings = self.training.images, self.settings
            n, seed = len(images), settings.seed
            feature = make_feature(name, settings.side, n, seed).fit(images)
            batches = [images]
            if of_copies:
                batches = make_copies(
                    images, count_copies(n), mirror=recipe.is_mirrored, seed=seed
                )
            self.blocks[name, of_copies] = np.stack(
                [feature.transform(batch) for batch in batches]
            )
        return self.blocks[name, of_copies]

    def has_time_for(self, recipe: Recipe) -> bool:
        """Return whether another trial, and the last fit, will end within the budget.

        A trial is expected to take as long as the longest so far, and a network or
        copies twice as long.
        """
        budget = self.settings.time_budget
        if budget is None or not self.trials:
            return True
        longest = max(trial.seconds for trial in self.trials)
        is_longer = recipe.copies or recipe.model != "softmax"
        spent = time.perf_counter() - self.started
        return spent + (3 if is_longer else 2) * longest <= budget

    def attempt(self, recipe: Recipe) -> None:
        """Validate a recipe, and make it the best one if its loss is smaller."""
        if not self.has_time_for(recipe):
            self.trials.append(Trial(recipe, None, 0.0, "not tried: time budget"))
            return
        started, best = time.perf_counter(), self.best
        outcome = self._validate(recipe)
        seconds = time.perf_counter() - started
        if outcome is None:
            reason = "given up: worse in the first draw"
        elif best is None or best.outcome is None:
            reason = "the first recipe"
        elif outcome.loss < best.outcome.loss:
            reason = f"better than {best.recipe.name}"
        else:
            reason = f"no better than {best.recipe.name}"
        trial = Trial(recipe, outcome, seconds, reason)
        self.trials.append(trial)
        is_first = best is None or best.outcome is None
        if is_first or (outcome and outcome.loss < best.outcome.loss):  # type: ignore
            self.best = trial

    def _validate(self, recipe: Recipe) -> Outcome | None:
        rows, best = self.describe(recipe), self.best
        if best is None or best.outcome is None:
            return validate_softmax(rows, self.draws)
        if recipe.model != "softmax":
            return validate_with_network(
                rows, self.draws, best.outcome, self.settings.seed
            )
        return validate_softmax(
            rows, self.draws, nearby(best.outcome.alpha), best.outcome
        )


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
    draws = draw_validation_images(some, settings.cv, settings.seed)
    if not draws:
        reason = "the first recipe: a class is one image or group, so none is validated"
        trial = Trial(settings.first, None, 0.0, reason)
        return Choice(settings.first, _MIDDLE_ALPHA, [trial])
    search = _Search(some, draws, settings, started)
    with announce("Choosing a recipe", N_STEPS + 3) as advance:
        search.attempt(settings.first)
        advance()
        for step in range(N_STEPS):
            for recipe in _changed(search, step):
                search.attempt(recipe)
            advance()
        if settings.vary_copies and count_copies(len(some)):
            search.attempt(replace(search.best.recipe, copies=True))  # type: ignore
        advance()
        if settings.vary_model:
            best = search.best.recipe  # type: ignore
            search.attempt(replace(best, model="softmax+network"))
        advance()
    best_trial = search.best
    assert best_trial is not None and best_trial.outcome is not None
    return Choice(best_trial.recipe, best_trial.outcome.alpha, search.trials)


def _changed(search: _Search, step: int) -> Iterator[Recipe]:
    assert search.best is not None
    if not search.settings.vary_features:
        return
    for recipe in list(change_features(search.best.recipe, step, search.settings.side)):
        if recipe.features and all(recipe != trial.recipe for trial in search.trials):
            yield recipe


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
