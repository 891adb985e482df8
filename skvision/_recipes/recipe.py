"""A recipe: features and a model, and the changes to a recipe that are tried."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from skvision._recipes.features import LARGE


@dataclass(frozen=True)
class Recipe:
    """Features, and the model that learns from them.

    Attributes
    ----------
    features : tuple of str
        Names of features; none are the images themselves, as rows of numbers.
    model : {"softmax", "softmax+network"}
        A softmax regression, or the average of its probabilities and those of a neural
        network.
    copies : {"none", "shifted", "mirrored"}
        The changed copies of the images that the model also learns from: none, shifted
        ones, or shifted ones of which half are mirrored.
    """

    features: tuple[str, ...]
    model: str = "softmax"
    copies: str = "none"

    @property
    def name(self) -> str:
        """Features and model."""
        copies = [] if self.copies == "none" else [f"{self.copies}-copies"]
        return " ".join([*self.features, *copies, self.model])

    @property
    def is_mirrored(self) -> bool:
        """Whether an image and its mirror image have the same words."""
        return not any(name.endswith("-unmirrored") for name in self.features)

    def replaced(self, former: str, feature: str) -> "Recipe":
        """Return the recipe with another feature in the place of one."""
        features = tuple(feature if name == former else name for name in self.features)
        return replace(self, features=features)

    def without(self, feature: str) -> "Recipe":
        """Return the recipe without a feature."""
        features = tuple(name for name in self.features if name != feature)
        return replace(self, features=features)

    def with_feature(self, feature: str) -> "Recipe":
        """Return the recipe with one more feature."""
        return replace(self, features=(*self.features, feature))


FIRST = Recipe(("hog", "color", "words"))


def change_features(recipe: Recipe, step: int, side: int) -> Iterator[Recipe]:
    """Yield the recipes to try in a step: each changes one thing in the best so far.

    The steps are, in this order: finer edges; words that distinguish an image from its
    mirror image; words of smaller patches; no words; no colors.
    """
    words = "words" if recipe.is_mirrored else "words-unmirrored"
    if step == 0:
        yield recipe.replaced("hog", "hog-8x8")
        yield recipe.replaced("hog", "hog-10x10")
    elif step == 1:
        yield recipe.replaced("words", "words-unmirrored")
    elif step == 2 and side >= LARGE:
        yield recipe.with_feature(f"fine-{words}")
    elif step == 3:  # not a single feature yet
        fine = recipe.without(f"fine-{words}")
        yield fine.without(words)
    elif step == 4:
        yield recipe.without("color")


N_STEPS = 5
