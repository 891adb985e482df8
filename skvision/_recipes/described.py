"""Images and their features, each computed once."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skvision._recipes.changed_copies import count_copies, make_copies
from skvision._recipes.features import make_feature
from skvision._recipes.recipe import Recipe
from skvision._recipes.training_images import TrainingImages
from skvision._recipes.validate import Rows

if TYPE_CHECKING:
    from sklearn.pipeline import FeatureUnion  # loads rich


class Described:
    """Training images, and the features of them that were asked for.

    Words are learned from all of the images, without their classes. Everything that
    depends on classes is learned from the learning part of a draw alone.

    Parameters
    ----------
    training : TrainingImages
        The images.
    side : int
        Side of the square images in pixels.
    seed : int
        The seed of words and of changed copies.
    """

    def __init__(self, training: TrainingImages, side: int, seed: int) -> None:
        self.training = training
        self.side = side
        self.seed = seed
        self._features: dict[str, Any] = {}
        self._originals: dict[str, NDArray[Any]] = {}
        self._copies: dict[tuple[str, str], NDArray[Any]] = {}

    def rows(self, recipe: Recipe) -> Rows:
        """Return the features of a recipe, for all images."""
        labels = np.unique(self.training.labels, return_inverse=True)[1]
        if not recipe.features:
            images = self.training.images
            features = images.reshape(len(images), -1)
            return Rows(features, features[np.newaxis][:0], labels, self._weights)
        blocks = [self._describe(name) for name in recipe.features]
        features = np.concatenate(blocks, axis=1)
        copies = features[np.newaxis][:0]
        if recipe.copies != "none":
            changed = [
                self._describe_copies(name, recipe.copies) for name in recipe.features
            ]
            copies = np.concatenate(changed, axis=2)
        return Rows(features, copies, labels, self._weights)

    def mirrored(self, names: Sequence[str]) -> NDArray[Any]:
        """Return features of the mirror images of all images."""
        images = self.training.images[:, :, ::-1]
        blocks = [self._feature(name).transform(images) for name in names]
        return np.concatenate(blocks, axis=1)

    def union(self, recipe: Recipe) -> "FeatureUnion":
        """Return the fitted transformer that computes the features of a recipe."""
        from sklearn.pipeline import FeatureUnion

        return FeatureUnion([(name, self._feature(name)) for name in recipe.features])

    @property
    def _weights(self) -> NDArray[np.float64]:
        return self.training.weights

    def _feature(self, name: str) -> Any:
        if name not in self._features:
            feature = make_feature(name, self.side, len(self.training), self.seed)
            self._features[name] = feature.fit(self.training.images)
        return self._features[name]

    def _describe(self, name: str) -> NDArray[Any]:
        if name not in self._originals:
            feature = self._feature(name)
            self._originals[name] = feature.transform(self.training.images)
        return self._originals[name]

    def _describe_copies(self, name: str, kind: str) -> NDArray[Any]:
        if (name, kind) not in self._copies:
            n_copies = count_copies(len(self.training))
            batches = make_copies(self.training.images, n_copies, kind, self.seed)
            feature = self._feature(name)
            self._copies[name, kind] = np.stack(list(map(feature.transform, batches)))
        return self._copies[name, kind]
