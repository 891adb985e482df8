"""Histograms of colors."""

import math
from itertools import chain, product
from numbers import Integral
from typing import Any, NamedTuple, Self, cast

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import (
    check_pair,
    check_value_range,
    learn_value_range,
    validate_images,
)
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

# Lowest and highest value of each channel, in the order of the channels of its space.
# None stands for value_range_.
SPACES: dict[str, dict[str, Any]] = {
    "rgb": {"red": None, "green": None, "blue": None},
    "hsv": {"hue": (0, 1), "saturation": (0, 1), "value": (0, 1)},
    "lab": {"lightness": (0, 100), "a": (-87, 99), "b": (-108, 95)},
    "gray": {"gray": None},
}
WEIGHTED_HUE = "weighted_hue"
NORMS = ("l1", "l2", "sqrt", None)
BYTES = (0.0, 255.0)
PIXELS_PER_TASK = 1 << 18
PIXELS_PER_JOINT_BIN = 8
STRIP_PIXELS = 1024  # enough to fill the vector unit, few enough to stay in cache
MOST_FEATURES = 1 << 31
LARGEST_NUMERATOR = 6 * 255  # of a hue of bytes


class Layout(NamedTuple):
    """Layout of the features: the histogram of each channel, and the grid of cells."""

    names: list[str]
    planes: list[int]
    ends: list[tuple[float, float]]
    n_bins: list[int]
    grid: tuple[int, int]


class Arithmetic(NamedTuple):
    """Kind of arithmetic: exact or not, the value of white, and dtypes of steps."""

    exact: bool
    white: float
    planes: type
    fractions: type
    positions: type


def _choose_arithmetic(
    images: np.ndarray, space: str, value_range: tuple[float, float], n_bins: list[int]
) -> Arithmetic:
    """Return integer arithmetic where channels are fractions of bytes, else float64."""
    are_fractions = images.shape[3] == 1 or space in ("rgb", "hsv")
    if images.dtype == np.uint8 and value_range == BYTES and are_fractions:
        # below this limit, numerators times numbers of bins are exact in float32
        short = LARGEST_NUMERATOR * max(n_bins) < 1 << 24
        positions = np.float32 if short else np.float64
        return Arithmetic(True, BYTES[1], np.uint8, np.int16, positions)
    white = value_range[1] - value_range[0] if space == "hsv" else 1.0
    return Arithmetic(False, white, np.float64, np.float64, np.float64)


def _choose_channels(channels: Any, color_space: str, n_channels: int) -> Any:
    """Return the validated names of the channels, in the given order."""
    gray = n_channels == 1
    known = list(SPACES["gray" if gray else color_space])
    if isinstance(channels, str) and channels == "all":
        return known
    if color_space == "hsv" and not gray:
        known.append(WEIGHTED_HUE)
    names = [channels] if isinstance(channels, str) else list(channels)
    if not names or not set(names) <= set(known) or len(set(names)) < len(names):
        kind = "images of one channel" if gray else f"color_space={color_space!r}"
        raise ValueError(
            f"channels must be 'all' or distinct names of the channels of {kind} "
            f"({', '.join(known)}); got {channels!r}."
        )
    return names


def _bins_per_channel(bins: Any, names: list[str]) -> list[int]:
    """Return the number of bins of each channel."""
    if isinstance(bins, Integral):
        return [int(bins)] * len(names)
    whole = all(isinstance(n, Integral) and cast(int, n) > 0 for n in bins)
    if not whole or len(bins) != len(names):
        raise ValueError(
            f"bins must be a positive integer, or one positive integer for each of the "
            f"{len(names)} channels ({', '.join(names)}); got {bins!r}."
        )
    return [int(n) for n in bins]


def _check_bins(n_bins: int, low: float, high: float) -> None:
    """Raise an error if the edges of bins would coincide."""
    if not (high - low) / n_bins >= 2 * np.spacing(max(abs(low), abs(high))):
        raise ValueError(
            f"The values range from {low!r} to {high!r}, which is too narrow for "
            f"bins={n_bins}. Reduce bins, or set another value_range."
        )


def _is_raised(n_bins: int, ends: tuple[Any, ...]) -> bool:
    """Return whether an edge, counted from zero, is rounded up."""
    k, high = np.arange(n_bins), ends[1]
    return bool((k * (high / n_bins) > k * high / n_bins).any())


def _histogram_bounds(layout: Layout, joint: bool) -> np.ndarray:
    """Return the bounds of the histograms in the features of a row of cells."""
    sizes = [math.prod(layout.n_bins)] if joint else layout.n_bins
    return np.cumsum([0, *sizes * layout.grid[1]])


def _lay_out_bins(
    layout: Layout, joint: bool, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first bin of each pixel of a strip and channel, and strides of bins.

    The bins are those of a row of cells; the strides are the distances between
    neighboring bins of each channel.
    """
    n_y, n_x = layout.grid
    spans = [math.prod(layout.n_bins[c:]) for c in range(1, len(layout.n_bins) + 1)]
    cell_height = -(-height // n_y)
    n_strips = -(-cell_height * width // STRIP_PIXELS)
    n_rows = -(-cell_height // n_strips)
    widths = np.diff(np.arange(n_x + 1) * width // n_x)
    starts = _histogram_bounds(layout, joint)[:-1].reshape(n_x, -1)
    first_bins = np.tile(starts.repeat(widths, axis=0).T, n_rows)
    strides = np.array(spans if joint else [1] * len(spans), np.uint32)
    return first_bins.astype(np.uint32, order="C"), strides


def _is_joint_faster(layout: Layout, height: int, width: int) -> bool:
    """Return whether it is faster to count a joint histogram and sum over its bins.

    Counting takes less time than for one histogram per channel, and the sums take
    little time if there are many pixels per bin.
    """
    n_y, n_x = layout.grid
    n_pixels = height // n_y * (width // n_x)
    n_joint = math.prod(layout.n_bins) * PIXELS_PER_JOINT_BIN
    return n_joint <= n_pixels and WEIGHTED_HUE not in layout.names


def _padded_numbers(n: int) -> list[str]:
    """Return the numbers below ``n`` as zero-padded strings."""
    return [f"{k:0{len(str(n - 1))}}" for k in range(n)]


@public("skvision")
class ColorHistogram(TransformerMixin, Estimator):
    r"""Histograms of colors.

    They count how many pixels of an image, or of each cell of a grid over it, have
    which color. The positions of pixels within a cell do not matter, so that the
    features change little when an object moves, turns or is sampled from another side.

    Use them where colors tell classes apart. `HOG` complements them with shapes.

    The edges of the bins of a channel with values from :math:`l` to :math:`h` are
    :math:`l + k (h - l) / n`, for :math:`k` from 0 to :math:`n`. Each bin includes its
    lower edge, and the last bin includes both edges. The counts are those of
    `numpy.histogramdd`.

    Parameters
    ----------
    bins : int or sequence of int, default=16
        Number of bins of every channel, or a sequence with the number of bins of each
        channel.

    color_space : {"rgb", "hsv", "lab", "gray"}, default="hsv"
        Color space that RGB images are converted to. Gray images are not converted:
        their only channel is ``"gray"`` in every space.

        - ``"rgb"``: red, green and blue, over ``value_range``.
        - ``"hsv"``: hue, saturation and value, all from 0 to 1. With the largest of
          red, green and blue :math:`M`, the smallest :math:`m` and the chroma :math:`C
          = M - m`, the value is :math:`M`, the saturation :math:`C / M`, and the hue
          :math:`(G - B) / 6C`, :math:`1/3 + (B - R) / 6C` or :math:`2/3 + (R - G) /
          6C`, modulo 1, if red, green or blue is the largest. The saturation of black
          is zero, and so is the hue of pixels without chroma.
        - ``"lab"``: CIE Lab of sRGB under the illuminant D65: lightness from 0 to 100,
          a from -87 to 99 and b from -108 to 95, which are the limits of sRGB.
        - ``"gray"``: :math:`0.2125 R + 0.7154 G + 0.0721 B`, over ``value_range``.

    channels : "all", str or sequence of str, default="all"
        Names of the channels to count: red, green, blue; hue, saturation, value;
        lightness, a, b; gray. The space "hsv" also has ``"weighted_hue"``, which is not
        included in "all": the hue with each pixel weighted by its saturation, because
        the hue of a nearly gray pixel says little.

    joint : bool, default=False
        If True, combinations of channels are counted in one joint histogram, which has
        the product of their bins in C order. If False, each channel has its own
        histogram.

    value_range : (float, float), default=None
        Values of black and white. None means (0, 255) for uint8 images, and the
        smallest and largest value of the training images for others. Values outside are
        clipped.

    grid : (int, int), default=(1, 1)
        Number of rows and columns of cells, each with its own histograms. The cells
        cover the image: row i of n contains the rows of pixels from i * H // n to (i +
        1) * H // n - 1, where H is the height. An image with fewer pixels has fewer
        cells.

    norm : {"l1", "l2", "sqrt"} or None, default="l1"
        How each histogram is normalized. ``"l1"`` makes its sum 1, and ``"l2"`` its
        Euclidean length. ``"sqrt"`` takes the square roots of ``"l1"``, so that
        Euclidean distances are Hellinger distances up to a constant factor. None keeps
        the counts. An empty histogram, such as the ``"weighted_hue"`` of a gray image,
        stays zero.

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
    value_range_ : (float, float)
        Values of black and white. If all training values are equal to v, they are v
        minus and plus half of its magnitude, or 0.5 if that is larger.

    image_shape_ : (int, int, int)
        Height, width and channels of the images seen during ``fit``.

    layout_ : Layout
        Named tuple of lists with an element for each channel: ``names``; ``planes``,
        their numbers in the color space; ``ends``, their limits; ``n_bins``. Its
        ``grid`` is the numbers of rows and columns of cells.

    n_features_out_ : int
        Number of features of an image.

    n_features_in_ : int
        Number of features seen during ``fit``: the product of ``image_shape_``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during ``fit``. Defined only when ``X`` has feature names
        that are all strings.

    Notes
    -----
    The result is that of arithmetic in float64: uint8 images give the same counts as
    float images of the same values with ``value_range=(0, 255)``.

    References
    ----------
    M. J. Swain and D. H. Ballard, "Color Indexing", International Journal of Computer
    Vision, 1991 (joint histograms).

    A. R. Smith, "Color Gamut Transform Pairs", SIGGRAPH, 1978 (HSV).

    CIE 15, "Colorimetry", 2004 (Lab).

    Examples
    --------
    >>> import numpy as np
    >>> from skvision import ColorHistogram
    >>> half_red = np.zeros((1, 4, 4, 3), np.uint8)
    >>> half_red[:, :2] = [200, 0, 0]
    >>> half_red[:, 2:] = [0, 0, 200]
    >>> hues = ColorHistogram(bins=6, channels="hue").fit(half_red)
    >>> hues.transform(half_red)
    array([[0.5, 0. , 0. , 0. , 0.5, 0. ]], dtype=float32)
    >>> hues.get_feature_names_out()[4]
    'hue_4_y0_x0'
    """

    _parameter_constraints = {
        "bins": [Interval(Integral, 1, None, closed="left"), tuple, list, np.ndarray],
        "color_space": [StrOptions(set(SPACES))],
        "channels": [str, tuple, list, np.ndarray],
        "joint": ["boolean"],
        "value_range": [tuple, list, np.ndarray, None],
        "grid": [tuple, list],
        "norm": [StrOptions(set(NORMS) - {None}), None],
        "image_shape": [tuple, list, None],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        bins: Any = 16,
        color_space: str = "hsv",
        channels: Any = "all",
        joint: bool = False,
        value_range: Any = None,
        grid: Any = (1, 1),
        norm: str | None = "l1",
        image_shape: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.bins = bins
        self.color_space = color_space
        self.channels = channels
        self.joint = joint
        self.value_range = value_range
        self.grid = grid
        self.norm = norm
        self.image_shape = image_shape
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the shape of the images and the range of their values.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, 1), (n, H, W, 3) or (n, n_features)
            Images.
        y : None
            Ignored.

        Returns
        -------
        self : ColorHistogram
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is out of its range or does not fit another one or the
            images, or if ``X`` does not contain images of one or three channels and of
            the shape ``image_shape``.
        """
        images = validate_images(self, X, reset=True)
        self.value_range_ = learn_value_range(self.value_range, images)
        self._layout()
        return self

    def transform(self, X: Any) -> Any:
        """Count the colors of images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, 1), (n, H, W, 3) or (n, n_features)
            Images of the shape seen during ``fit``.

        Returns
        -------
        features : ndarray of shape (n, n_features_out)
            Features, float64 for float64 images and float32 otherwise. They are ordered
            as by `get_feature_names_out`: by row and column of the cell, channel and
            bin.

        Raises
        ------
        ValueError
            If the images do not have the shape seen during ``fit``, or if a parameter
            is out of its range.
        """
        check_is_fitted(self, "value_range_")
        check_parameters(self)
        layout = self._layout()
        images = np.ascontiguousarray(validate_images(self, X, reset=False))
        return self._features(images, layout)

    def _layout(self) -> Layout:
        """Validate the parameters and return the layout of the histograms."""
        check_pair("grid", self.grid)
        height, width, n_channels = self.image_shape_
        names = _choose_channels(self.channels, self.color_space, n_channels)
        if self.joint and WEIGHTED_HUE in names:
            raise ValueError(
                "joint=True counts whole pixels, but 'weighted_hue' counts fractions. "
                "Set joint=False, or set channels to ('hue', 'saturation')."
            )
        n_bins = _bins_per_channel(self.bins, names)
        grid = min(self.grid[0], height), min(self.grid[1], width)
        n_features = grid[0] * grid[1] * (math.prod if self.joint else sum)(n_bins)
        if n_features > MOST_FEATURES:
            raise ValueError(
                f"bins={self.bins}, joint={self.joint} and grid={self.grid} give "
                f"{n_features} features, more than {MOST_FEATURES}. Reduce bins."
            )
        space = SPACES["gray" if n_channels == 1 else self.color_space]
        channels = ["hue" if name == WEIGHTED_HUE else name for name in names]
        ends = [space[channel] or self.value_range_ for channel in channels]
        for n, (low, high) in zip(n_bins, ends, strict=True):
            _check_bins(n, low, high)
        planes = [list(space).index(channel) for channel in channels]
        return Layout(names, planes, ends, n_bins, grid)

    def _features(self, images: np.ndarray, layout: Layout) -> np.ndarray:
        from skvision._kernels import histograms as kernel
        from skvision._kernels import read_only
        from skvision._kernels.color import prepare

        n_images, height, width, n_planes = images.shape
        space = "gray" if n_planes == 1 else self.color_space
        number = list(SPACES).index(space)
        exact, white, planes_dtype, fractions_dtype, positions_dtype = (
            _choose_arithmetic(images, space, self.value_range_, layout.n_bins)
        )
        is_uint8 = images.dtype == np.uint8
        table = np.arange(256.0 if is_uint8 and not exact else 0.0)
        prepare(table, *self.value_range_, number)
        weighted = np.array([name == WEIGHTED_HUE for name in layout.names])
        colors = kernel.Colors(number, self.value_range_, white, exact, table)
        channels = kernel.Channels(
            np.array(layout.planes),
            np.array(layout.n_bins, positions_dtype),
            np.array(layout.ends, np.float64),
            np.array(list(map(_is_raised, layout.n_bins, layout.ends))),
            weighted,
        )
        ends = _histogram_bounds(layout, self.joint)
        summed = not self.joint and _is_joint_faster(layout, height, width)
        joint = self.joint or summed
        first_bins, strides = _lay_out_bins(layout, joint, height, width)
        places = kernel.Layout(joint, first_bins, strides, ends)
        strip = first_bins.shape[1]
        counts_dtype = np.float64 if weighted.any() else np.uint32
        features = np.empty(
            (n_images, layout.grid[0], ends[-1]),
            np.float64 if images.dtype == np.float64 else np.float32,
        )

        def compute(rows: slice) -> None:
            buffers = kernel.Buffers(
                np.zeros((n_planes, strip), planes_dtype),
                np.ones((2, 3, strip), fractions_dtype),
                np.zeros((len(weighted), strip), np.uint32),
                np.zeros(_histogram_bounds(layout, joint)[-1], counts_dtype),
                np.zeros(ends[-1] if summed else 0, counts_dtype),
            )
            kernel.color_histograms(
                read_only(images[rows]),
                colors,
                channels,
                places,
                NORMS.index(self.norm),
                buffers,
                features[rows],
            )

        images_per_task = max(1, PIXELS_PER_TASK // (height * width))
        for_each_block(compute, n_images, images_per_task, self.n_jobs)
        return features.reshape(n_images, -1)

    @property
    def layout_(self) -> Layout:
        """The channels with their limits and numbers of bins, and the grid."""
        check_is_fitted(self, "value_range_")
        return self._layout()

    @property
    def n_features_out_(self) -> int:
        """The number of features of an image."""
        layout = self.layout_
        return int(layout.grid[0] * _histogram_bounds(layout, self.joint)[-1])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features by channel, bin and cell.

        Parameters
        ----------
        input_features : array-like of str, default=None
            If given, they must be the names seen during ``fit``; they are not used
            otherwise.

        Returns
        -------
        names : ndarray of shape (n_features_out,) of str objects
            For example, ``hue_07_y0_x1`` is the eighth bin of the hue in the second
            cell of the first row. With ``joint=True``,
            ``hue_07_saturation_03_value_00_y0_x1`` is a combination of bins.
        """
        check_is_fitted(self, "value_range_")
        check_feature_names_in(self, input_features)
        layout = self._layout()
        bins = [
            [f"{name}_{number}" for number in _padded_numbers(n)]
            for name, n in zip(layout.names, layout.n_bins, strict=True)
        ]
        cell_names = map("_".join, product(*bins)) if self.joint else chain(*bins)
        cells = product(*map(_padded_numbers, layout.grid))
        return np.array(
            [f"{name}_y{y}_x{x}" for (y, x), name in product(cells, cell_names)],
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
            If a parameter is out of its range, or if parameters and fitted attributes
            contradict each other.
        """
        check_is_fitted(self, "value_range_")
        check_parameters(self)
        check_value_range(self.value_range_)
        self._layout()
        n_pixels = float(math.prod(self.image_shape_))
        return Bounds(0, np.broadcast_to(n_pixels, self.n_features_out_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
