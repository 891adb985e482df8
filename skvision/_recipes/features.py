"""The features that recipes are made of, by their names.

Their parameters were chosen by cross-validation on training images: those of `HOG` on
four datasets (244 photos of ants and bees, the digits of the demo, 400 faces of 40
people, and 3,000 photos of 32 x 32 pixels in ten classes), and those of the others on
the photos of ants and bees, and on handwritten characters of Omniglot.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from skvision._features.color_histogram import ColorHistogram
from skvision._features.hog import HOG
from skvision._features.pixel_normalizer import PixelNormalizer
from skvision._features.visual_words.bag_of_visual_words import BagOfVisualWords
from skvision._readers.image_reader import ImageReader

if TYPE_CHECKING:
    from sklearn.pipeline import FeatureUnion  # loads rich

LARGE = 128  # pixels: images of this side are halved for all but the fine words
_LEAST_WORDS, _MOST_WORDS = 400, 1600
_PATCHES = 30_000  # to learn words from; more take longer and do not score higher


def make_features(
    names: Sequence[str], side: int, n_images: int, seed: int
) -> "FeatureUnion":
    """Return the transformer that computes features of images.

    Parameters
    ----------
    names : sequence of str
        Names of `FEATURES`.
    side : int
        Side of the square images in pixels.
    n_images : int
        The number of training images, on which the number of visual words depends.
    seed : int
        The seed of the visual words.
    """
    from sklearn.pipeline import FeatureUnion

    # One after the other: each uses all threads.
    return FeatureUnion(
        [(name, make_feature(name, side, n_images, seed)) for name in names], n_jobs=1
    )


def make_feature(name: str, side: int, n_images: int, seed: int) -> Any:
    """Return the transformer of one name of `FEATURES`."""
    if name in _ON_LARGE_IMAGES or side < LARGE:
        return FEATURES[name](side, n_images, seed)
    from sklearn.pipeline import Pipeline

    half = side // 2
    feature = FEATURES[name](half, n_images, seed)
    return Pipeline([("halve", ImageReader((half, half))), ("feature", feature)])


def make_normalizer() -> PixelNormalizer:
    """Return the transformer that brings features to the scale the penalties expect."""
    return PixelNormalizer(variance_floor=0.01)


def _hog(n_cells: int, cells_per_block: int) -> Callable[[int, int, int], HOG]:
    def make(side: int, n_images: int, seed: int) -> HOG:
        cell = max(1, side // n_cells)
        return HOG(
            orientations=12,
            pixels_per_cell=(cell, cell),
            cells_per_block=(cells_per_block, cells_per_block),
            transform_sqrt=True,
            interpolate=True,
        )

    return make


def _color(side: int, n_images: int, seed: int) -> ColorHistogram:
    return ColorHistogram(
        bins=(12, 4, 4),
        channels=("weighted_hue", "saturation", "value"),
        grid=(4, 4),
        norm="sqrt",
    )


def _words(mirror: bool) -> Callable[[int, int, int], BagOfVisualWords]:
    def make(side: int, n_images: int, seed: int) -> BagOfVisualWords:
        n_words = 2 * (min(max(2 * n_images // 5, _LEAST_WORDS), _MOST_WORDS) // 2)
        return BagOfVisualWords(
            # With mirror images, twice as many words give as many features.
            n_words=n_words if mirror else n_words // 2,
            stride=1 if side < 48 else 2,
            n_patches=_PATCHES,
            mirror=mirror,
            random_state=seed,
        )

    return make


FEATURES: dict[str, Callable[[int, int, int], Any]] = {
    "hog": _hog(5, 3),
    "hog-8x8": _hog(8, 2),
    "hog-10x10": _hog(10, 2),
    "color": _color,
    "words": _words(mirror=True),
    "words-unmirrored": _words(mirror=False),
    "fine-words": _words(mirror=True),
    "fine-words-unmirrored": _words(mirror=False),
}
_ON_LARGE_IMAGES = {"fine-words", "fine-words-unmirrored"}
