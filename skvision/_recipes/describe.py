"""Describe: images become features, and features get a common scale."""

from collections.abc import Sequence

from sklearn.pipeline import FeatureUnion, make_union

from skvision._features.color_histogram import ColorHistogram
from skvision._features.hog import HOG
from skvision._features.pixel_normalizer import PixelNormalizer
from skvision._features.visual_words.bag_of_visual_words import BagOfVisualWords


def make_features(
    names: Sequence[str], size: int, n_images: int, seed: int
) -> FeatureUnion:
    """Return the transformer that computes features of images.

    The parameters were chosen by cross-validation on training images: those of `HOG`
    on four datasets (244 photos of ants and bees, the 1,800 digits of the demo, 400
    faces of 40 people, and 3,000 photos of 32 x 32 pixels in ten classes), those of
    the others on the first dataset. Blocks of 3 x 3 cells in a grid of 5 x 5 cells did
    better on the photos than smaller blocks and finer grids, and about as well on the
    other datasets.

    Parameters
    ----------
    names : sequence of {"hog", "color", "words"}
        The features.
    size : int
        Side of the square images in pixels.
    n_images : int
        The number of training images, on which the number of visual words depends.
    seed : int
        The seed of the visual words.
    """
    known = {
        "hog": HOG(
            orientations=12,
            pixels_per_cell=(size // 5, size // 5),
            cells_per_block=(3, 3),
            transform_sqrt=True,
            interpolate=True,
        ),
        "color": ColorHistogram(
            bins=(12, 4, 4),
            channels=("weighted_hue", "saturation", "value"),
            grid=(4, 4),
            norm="sqrt",
        ),
        "words": BagOfVisualWords(
            n_words=2 * min(max(n_images // 5, 200), 800), random_state=seed
        ),
    }
    # One after the other: each uses all threads.
    return make_union(*(known[name] for name in names), n_jobs=1)


def make_normalizer() -> PixelNormalizer:
    """Return the transformer that brings features to the scale the penalties expect."""
    return PixelNormalizer(variance_floor=0.01)
