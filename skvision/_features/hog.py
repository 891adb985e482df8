"""Histograms of oriented gradients."""

import math
from numbers import Integral
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import check_pair, validate_images
from skvision._contract.models import UNKNOWN, Bounds
from skvision._contract.public import public
from skvision._contract.sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_feature_names_in,
    check_parameters,
    whole_fit,
)
from skvision._training.parallel import for_each_block

BLOCK_NORMS = ("L1", "L1-sqrt", "L2", "L2-Hys")
PIXELS_PER_TASK = 1 << 18
STRIP_PIXELS = 2048  # enough to fill the vector unit, few enough to stay in cache
LARGEST = 1e10  # float images beyond it are scaled down, else their squares overflow


class Grid(NamedTuple):
    """Sizes of cells in pixels and of blocks in cells, and the numbers of both."""

    cell_shape: tuple[int, int]
    n_cells: tuple[int, int]
    block_shape: tuple[int, int]
    n_blocks: tuple[int, int]


def _padded_cotangents(
    bins: range, orientations: int, half_turns: int, dtype: type
) -> np.ndarray:
    """Return cotangents of the lower edges of ``bins``, padded with NaN.

    The length of the result is a multiple of four.
    """
    angles = np.array([math.pi * half_turns * k / orientations for k in bins])
    cotangents: np.ndarray = np.full(-(-len(angles) // 4) * 4, np.nan, dtype)
    cotangents[: len(angles)] = np.cos(angles) / np.sin(angles)
    for i, k in enumerate(bins):  # exact where it is a whole number or infinite
        quarter, remainder = divmod(4 * half_turns * k, orientations)
        if remainder == 0:
            cotangents[i] = (np.inf, 1, 0, -1)[quarter % 4]
    return cotangents


def _scale_down(images: np.ndarray) -> Any:
    """Scale down images whose squared gradients would overflow: the features stay."""
    peaks = np.abs(images).max(axis=(1, 2, 3), keepdims=True)
    if peaks.max() <= LARGEST:
        return images
    return images / np.maximum(peaks / images.dtype.type(LARGEST), 1)


@public("skvision")
class HOG(TransformerMixin, Estimator):
    r"""Histograms of oriented gradients.

    They describe the shapes in an image by the directions of its edges. The image is
    divided into cells. Each pixel adds the length of its gradient to the histogram of
    its cell, in the bin of the orientation of the gradient. The histograms of each
    block of neighboring cells are normalized together. Blocks overlap: each cell
    belongs to every block that contains it.

    Use them where shapes matter more than colors, with a linear classifier after them.
    `ColorHistogram` complements them.

    The gradient at a pixel is the difference of the pixels on its two sides,
    :math:`g_x = I(x + 1, y) - I(x - 1, y)` and :math:`g_y` likewise. It is zero on the
    first and the last column or row. In color images, the channel with the longest
    gradient counts.

    Parameters
    ----------
    orientations : int, default=9
        Number of orientation bins.

    pixels_per_cell : (int, int), default=(8, 8)
        Height and width of a cell in pixels. Pixels to the right of and below the last
        whole cell are not counted, unless ``interpolate=True``. An image smaller than a
        cell is one cell.

    cells_per_block : (int, int), default=(2, 2)
        Number of rows and columns of cells in a block. An image with fewer cells is one
        block.

    block_norm : {"L1", "L1-sqrt", "L2", "L2-Hys"}, default="L2-Hys"
        How the values :math:`v` of a block are normalized, with
        :math:`\varepsilon = 10^{-5}`: ``"L1"`` :math:`v / (\|v\|_1 + \varepsilon)`;
        ``"L1-sqrt"`` the square root of that; ``"L2"``
        :math:`v / \sqrt{\|v\|_2^2 + \varepsilon^2}`; ``"L2-Hys"`` is L2, clipping at
        0.2, and L2 again.

    signed : bool, default=False
        Whether opposite gradients have different orientations. If True, the bins cover
        360 degrees, and 18 of them are usual; if False, they cover 180 degrees.

    transform_sqrt : bool, default=False
        Whether to take the square root of each pixel first, which gives more weight to
        differences in dark regions. The pixels must not be negative then.

    interpolate : bool, default=False
        If True, each pixel is divided between the two nearest orientations and the four
        nearest cells, by the distance from their centers (bilinear in space), so that
        the features change little when the image shifts a little. If False, each pixel
        is counted in one bin of one cell.

    image_shape : (int, int) or (int, int, int), default=None
        Height, width and channels of images that are passed as flat rows. If None, the
        shape is guessed from the number of features, with an `ImageShapeWarning`: a
        perfect square means gray images, three times a perfect square RGB images, and
        any other number gray strips one pixel high.

    n_jobs : int, default=None
        Number of threads. None means 1 unless in a :obj:`joblib.parallel_config`
        context, and -1 means all cores. The result does not depend on it.

    Attributes
    ----------
    image_shape_ : (int, int, int)
        Height, width and channels of the images seen during ``fit``.

    grid_ : Grid
        Named tuple of ``cell_shape``, the height and width of a cell in pixels;
        ``n_cells``, the numbers of rows and columns of cells; and ``block_shape`` and
        ``n_blocks``, the same for blocks, in cells.

    n_features_out_ : int
        Number of features of an image.

    n_features_in_ : int
        Number of features seen during ``fit``: the product of ``image_shape_``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during ``fit``. Defined only when ``X`` has feature names
        that are all strings.

    Notes
    -----
    With ``interpolate=False`` and ``signed=False``, the features equal those of
    ``skimage.feature.hog`` with the same parameters to 1e-5, except where the result of
    scikit-image depends on rounding:

    - Where two channels have gradients of equal length, the first channel is taken.
      scikit-image takes the one whose length is rounded up. This concerns about one
      CIFAR-10 image in a thousand.
    - Orientations are compared with the edges of the bins without rounding an angle
      first. This concerns float images with 4, 8, 12, … orientations, which have edges
      at 45 degrees, and ``transform_sqrt=True``, where the square roots of bytes fall
      on edges in one image of a hundred.
    - A pixel whose angle rounds to 180 degrees is counted.

    Images smaller than a block are described, while scikit-image raises an error.

    The features hardly depend on the scale of the pixels: bytes from 0 to 255 and
    floats from 0 to 1 give the same features but for the influence of
    :math:`\varepsilon`.

    References
    ----------
    N. Dalal and B. Triggs, "Histograms of Oriented Gradients for Human Detection",
    IEEE Conference on Computer Vision and Pattern Recognition, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision import HOG
    >>> stripes = np.tile(np.uint8([0, 80, 160, 240]), (1, 16, 4))
    >>> hog = HOG(cells_per_block=(1, 1), block_norm="L1").fit(stripes)
    >>> hog.transform(stripes).shape
    (1, 36)
    >>> hog.get_feature_names_out()[0]
    'hog_by0_bx0_cy0_cx0_o0'
    >>> hog.transform(stripes)[0, :9].round(2)
    array([1., 0., 0., 0., 0., 0., 0., 0., 0.], dtype=float32)
    """

    _parameter_constraints = {
        "orientations": [Interval(Integral, 1, None, closed="left")],
        "pixels_per_cell": [tuple, list],
        "cells_per_block": [tuple, list],
        "block_norm": [StrOptions(set(BLOCK_NORMS))],
        "signed": ["boolean"],
        "transform_sqrt": ["boolean"],
        "interpolate": ["boolean"],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        orientations: int = 9,
        pixels_per_cell: Any = (8, 8),
        cells_per_block: Any = (2, 2),
        block_norm: str = "L2-Hys",
        signed: bool = False,
        transform_sqrt: bool = False,
        interpolate: bool = False,
        image_shape: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.orientations = orientations
        self.pixels_per_cell = pixels_per_cell
        self.cells_per_block = cells_per_block
        self.block_norm = block_norm
        self.signed = signed
        self.transform_sqrt = transform_sqrt
        self.interpolate = interpolate
        self.image_shape = image_shape
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the shape of the images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, 1), (n, H, W, 3) or (n, n_features)
            Images.
        y : None
            Ignored.

        Returns
        -------
        self : HOG
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is out of its range, or if ``X`` does not contain images of
            one or three channels and of the shape ``image_shape``.
        """
        self._check_parameters()
        validate_images(self, X, reset=True)
        return self

    def transform(self, X: Any) -> Any:
        """Compute the features of images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, 1), (n, H, W, 3) or (n, n_features)
            Images of the shape seen during ``fit``.

        Returns
        -------
        features : ndarray of shape (n, n_features_out)
            Features between 0 and 1, float64 for float64 images and float32 otherwise.
            They are ordered as by `get_feature_names_out`: by row and column of the
            block, row and column of the cell in the block, and orientation.

        Raises
        ------
        ValueError
            If the images do not have the shape seen during ``fit``, if they have
            negative values and ``transform_sqrt=True``, or if a parameter is out of its
            range.
        """
        check_is_fitted(self, "image_shape_")
        self._check_parameters()
        images = np.ascontiguousarray(validate_images(self, X, reset=False))
        if self.transform_sqrt and images.dtype.kind == "f" and images.min() < 0:
            raise ValueError(
                f"X has negative values, down to {images.min():.6g}, which have no "
                f"square root. Set transform_sqrt=False, or shift the values."
            )
        return self._features(images)

    def _check_parameters(self) -> None:
        check_parameters(self)
        check_pair("pixels_per_cell", self.pixels_per_cell)
        check_pair("cells_per_block", self.cells_per_block)

    def _features(self, images: np.ndarray) -> np.ndarray:
        from skvision._kernels import read_only
        from skvision._kernels.hog import Orientations, Steps, hog

        n_images, height, width, n_channels = images.shape
        grid = self.grid_
        is_uint8 = images.dtype == np.uint8
        exact = is_uint8 and not self.transform_sqrt
        dtype = np.float32 if exact else np.float64  # of the arithmetic
        half_turns = 2 if self.signed else 1
        n_upper = -(-self.orientations // half_turns)
        upper, lower = (
            _padded_cotangents(bins, self.orientations, half_turns, dtype)
            for bins in (range(1, n_upper), range(n_upper, self.orientations))
        )
        orientations = Orientations(
            self.orientations, self.signed, n_upper, upper, lower
        )
        steps = Steps(
            self.transform_sqrt,
            exact,
            self.interpolate,
            BLOCK_NORMS.index(self.block_norm),
        )
        planes_shape = (
            n_channels,
            (min(height, max(1, STRIP_PIXELS // width)) + 2) * width,
        )
        block_length = grid.block_shape[1] * self.orientations
        features = np.empty(
            (n_images, *grid.n_blocks, grid.block_shape[0], block_length),
            np.float64 if images.dtype == np.float64 else np.float32,
        )

        def compute(rows: slice) -> None:
            some = images[rows] if is_uint8 else _scale_down(images[rows])
            hog(
                read_only(some),
                orientations,
                steps,
                grid.cell_shape,
                grid.n_cells,
                np.zeros(planes_shape, dtype if is_uint8 else images.dtype),
                features[rows],
            )

        images_per_task = max(1, PIXELS_PER_TASK // (height * width))
        for_each_block(compute, n_images, images_per_task, self.n_jobs)
        return features.reshape(n_images, -1)

    @property
    def grid_(self) -> Grid:
        """The layout of cells and blocks; both shrink to fit the image."""
        check_is_fitted(self, "image_shape_")
        size = np.array(self.image_shape_[:2])
        cell_shape = np.minimum(self.pixels_per_cell, size)
        n_cells = size // cell_shape
        block_shape = np.minimum(self.cells_per_block, n_cells)
        n_blocks = n_cells - block_shape + 1
        numbers = (cell_shape, n_cells, block_shape, n_blocks)
        pairs: Any = (tuple(map(int, pair)) for pair in numbers)
        return Grid(*pairs)

    @property
    def n_features_out_(self) -> int:
        """The number of features of an image."""
        grid = self.grid_
        return math.prod((*grid.n_blocks, *grid.block_shape, self.orientations))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features by block, cell in the block, and orientation.

        Parameters
        ----------
        input_features : array-like of str, default=None
            If given, they must be the names seen during ``fit``; they are not used
            otherwise.

        Returns
        -------
        names : ndarray of shape (n_features_out,) of str objects
            For example, ``hog_by0_bx3_cy0_cx1_o5`` is orientation 5 of the upper right
            cell in the fourth block of the first row.
        """
        check_is_fitted(self, "image_shape_")
        check_feature_names_in(self, input_features)
        grid = self.grid_
        return np.array(
            [
                f"hog_by{by}_bx{bx}_cy{cy}_cx{cx}_o{o}"
                for by, bx, cy, cx, o in np.ndindex(
                    *grid.n_blocks, *grid.block_shape, self.orientations
                )
            ],
            dtype=object,
        )

    def check_fitted(self, inputs: Bounds = UNKNOWN) -> Bounds:
        """Check the parameters and the fitted attributes, such as those from a file.

        Parameters
        ----------
        inputs : Bounds
            Bounds of the images, which those of the features do not depend on.

        Returns
        -------
        bounds : Bounds
            Upper bounds of the number of operations for an image and of its features.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If a parameter is out of its range.
        """
        check_is_fitted(self, "image_shape_")
        self._check_parameters()
        n_pixels = math.prod(self.image_shape_)
        # each pixel searches for its orientation
        largest = np.broadcast_to(float(n_pixels), self.n_features_out_)
        return Bounds(n_pixels * self.orientations, largest)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
