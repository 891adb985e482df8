"""Histograms of colors."""

import math
from itertools import chain, product
from numbers import Integral
from typing import Any, NamedTuple, Self, cast

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import check_pair, learn_value_range, validate_images
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

# Ends of each channel, in the order of the planes of its space; None: value_range_.
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
    """What is counted in each cell, and the cells down and across."""

    names: list[str]
    planes: list[int]
    ends: list[tuple[float, float]]
    n_bins: list[int]
    grid: tuple[int, int]


class Arithmetic(NamedTuple):
    """Whether channels are fractions of bytes, what white is, and dtypes of steps."""

    exact: bool
    white: float
    planes: type
    fractions: type
    positions: type


def _choose_arithmetic(
    images: np.ndarray, space: str, value_range: tuple[float, float], n_bins: list[int]
) -> Arithmetic:
    """Take whole numbers where channels are fractions of bytes, else float64."""
    are_fractions = images.shape[3] == 1 or space in ("rgb", "hsv")
    if images.dtype == np.uint8 and value_range == BYTES and are_fractions:
        # below that, single precision holds all numerators times the number of bins
        short = LARGEST_NUMERATOR * max(n_bins) < 1 << 24
        positions = np.float32 if short else np.float64
        return Arithmetic(True, BYTES[1], np.uint8, np.int16, positions)
    white = value_range[1] - value_range[0] if space == "hsv" else 1.0
    return Arithmetic(False, white, np.float64, np.float64, np.float64)


def _choose_channels(channels: Any, color_space: str, n_channels: int) -> Any:
    """Return the names of channels, checked, in the order asked for."""
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
            f"channels={channels!r} must be 'all' or names, each once, of the channels "
            f"of {kind}: {', '.join(known)}."
        )
    return names


def _count_bins(bins: Any, names: list[str]) -> list[int]:
    """Return the number of bins of each channel."""
    if isinstance(bins, Integral):
        return [int(bins)] * len(names)
    whole = all(isinstance(n, Integral) and cast(int, n) > 0 for n in bins)
    if not whole or len(bins) != len(names):
        raise ValueError(
            f"bins must be a whole number from 1 or one for each of the {len(names)} "
            f"channels ({', '.join(names)}); got {bins!r}."
        )
    return [int(n) for n in bins]


def _check_bins(n_bins: int, low: float, high: float) -> None:
    """Raise where edges of bins would be the same number."""
    if not (high - low) / n_bins >= 2 * np.spacing(max(abs(low), abs(high))):
        raise ValueError(
            f"The values go from {low!r} to {high!r}, too near each other for "
            f"bins={n_bins}: take fewer bins or set another value_range."
        )


def _is_raised(n_bins: int, ends: tuple[Any, ...]) -> bool:
    """Tell whether an edge from zero on is rounded above the number it stands for."""
    k, high = np.arange(n_bins), ends[1]
    return bool((k * (high / n_bins) > k * high / n_bins).any())


def _find_ends(layout: Layout, joint: bool) -> np.ndarray:
    """Return where the histograms of a row of cells begin and end."""
    sizes = [math.prod(layout.n_bins)] if joint else layout.n_bins
    return np.cumsum([0, *sizes * layout.grid[1]])


def _place(
    layout: Layout, joint: bool, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first bin of each pixel of a strip, by channel, in its row of cells.

    And the distance between the bins of each channel.
    """
    n_y, n_x = layout.grid
    spans = [math.prod(layout.n_bins[c:]) for c in range(1, len(layout.n_bins) + 1)]
    cell_height = -(-height // n_y)
    n_strips = -(-cell_height * width // STRIP_PIXELS)
    n_rows = -(-cell_height // n_strips)
    widths = np.diff(np.arange(n_x + 1) * width // n_x)
    starts = _find_ends(layout, joint)[:-1].reshape(n_x, -1)
    first_bins = np.tile(starts.repeat(widths, axis=0).T, n_rows)
    strides = np.array(spans if joint else [1] * len(spans), np.uint32)
    return first_bins.astype(np.uint32, order="C"), strides


def _is_quicker_joint(layout: Layout, height: int, width: int) -> bool:
    """Tell whether one joint histogram, summed, takes less than one a channel.

    It takes less counting, and the sums cost little where pixels are many for each bin.
    """
    n_y, n_x = layout.grid
    n_pixels = height // n_y * (width // n_x)
    n_joint = math.prod(layout.n_bins) * PIXELS_PER_JOINT_BIN
    return n_joint <= n_pixels and WEIGHTED_HUE not in layout.names


def _number(n: int) -> list[str]:
    """Return the numbers below ``n`` as strings of one length."""
    return [f"{k:0{len(str(n - 1))}}" for k in range(n)]


@public("skvision")
class ColorHistogram(TransformerMixin, Estimator):
    r"""Histograms of colors.

    How many pixels of an image, or of each cell of a grid over it, have which color.
    What is where does not matter within a cell, so that the features stay much the
    same when a thing moves, turns or is seen from elsewhere.

    The edges of the bins of a channel that goes from :math:`l` to :math:`h` are
    :math:`l + k (h - l) / n`, for :math:`k` from 0 to :math:`n`. A bin holds its lower
    edge, the last one both. The counts are those of `numpy.histogramdd`.

    Parameters
    ----------
    bins : int or sequence of int, default=16
        Number of bins, of each channel or one number a channel.

    color_space : {"rgb", "hsv", "lab", "gray"}, default="hsv"
        What RGB images are converted to. Gray images stay as they are: they have
        the one channel ``"gray"`` in every space.

        - ``"rgb"``: red, green and blue, over ``value_range``.
        - ``"hsv"``: with the largest of the three :math:`M`, the smallest :math:`m` and
          the chroma :math:`C = M - m`, value :math:`M`, saturation :math:`C / M`, and
          hue :math:`(G - B) / 6C`, :math:`1/3 + (B - R) / 6C` or :math:`2/3 + (R - G) /
          6C`, modulo 1, where red, green or blue is the largest; all from 0 to 1. Black
          has saturation zero, and what has no chroma has hue zero.
        - ``"lab"``: CIE Lab of sRGB under the illuminant D65: lightness from 0 to 100,
          a from -87 to 99 and b from -108 to 95, which are the ends of sRGB.
        - ``"gray"``: :math:`0.2125 R + 0.7154 G + 0.0721 B`, over ``value_range``.

    channels : "all", str or sequence of str, default="all"
        The channels to count, by name: red, green, blue; hue, saturation, value;
        lightness, a, b; gray. In hsv there is also ``"weighted_hue"``, which is no part
        of "all": the hue, where each pixel counts by its saturation, since the hue of a
        pixel that is nearly gray says little.

    joint : bool, default=False
        Whether to count combinations: one histogram of all channels, which has the
        product of their bins, in C order; instead of one histogram for each.

    value_range : (float, float), default=None
        What black and white are. None is (0, 255) for uint8, and for other images the
        least and the largest value in ``fit``. Values outside are clipped to it.

    grid : (int, int), default=(1, 1)
        Rows and columns of cells, each with histograms of its own. All pixels are in a
        cell: of H rows, those from i * H // n to (i + 1) * H // n are in row i of n. A
        image of fewer pixels has fewer cells.

    norm : {"l1", "l2", "sqrt"} or None, default="l1"
        How each histogram is normalized: to the sum 1; to the Euclidean length 1; to
        the square roots of ``"l1"``, whose Euclidean distance is Hellinger's but for a
        factor; or not at all. An empty histogram, as ``"weighted_hue"`` has it of a
        gray image, stays zero.

    image_shape : (int, int) or (int, int, int), default=None
        Height, width and channels of images that come as flat rows. Where it is None,
        a number of features that is a perfect square is taken for gray images, three
        times a perfect square for RGB, any other for gray strips one pixel high, with
        an `ImageShapeWarning`.

    n_jobs : int, default=None
        Number of threads. None is 1 unless in a :obj:`joblib.parallel_config` context,
        -1 is all cores. The result does not depend on it.

    Attributes
    ----------
    value_range_ : (float, float)
        The values that black and white have. Where ``fit`` saw only one value, they
        are half of it below and above it, at least 0.5.

    image_shape_ : (int, int, int)
        Height, width and channels of the images seen in ``fit``.

    n_features_in_ : int
        Their product.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in ``fit``, where it was given a table.

    Notes
    -----
    Arithmetic is that of float64: bytes are counted as floats of the same values are at
    ``value_range=(0, 255)``.

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
            If a parameter is out of its range or does not suit another or the images,
            or ``X`` is not images of one channel or three, or not of ``image_shape``.
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
            Images of the shape seen in ``fit``.

        Returns
        -------
        features : ndarray of shape (n, n_features_out)
            float64 for float64 images, else float32. The order is that of
            `get_feature_names_out`: row and column of the cell, channel, bin.

        Raises
        ------
        ValueError
            If the images are not of the shape seen in ``fit``, or a parameter is out
            of its range.
        """
        check_is_fitted(self, "value_range_")
        check_parameters(self)
        layout = self._layout()
        images = np.ascontiguousarray(validate_images(self, X, reset=False))
        return self._features(images, layout)

    def _layout(self) -> Layout:
        """Check what is to be counted, and say it channel by channel."""
        check_pair("grid", self.grid)
        height, width, n_channels = self.image_shape_
        names = _choose_channels(self.channels, self.color_space, n_channels)
        if self.joint and WEIGHTED_HUE in names:
            raise ValueError(
                "joint=True counts whole pixels, and 'weighted_hue' fractions of them: "
                "set joint=False, or take 'hue' and 'saturation' as channels."
            )
        n_bins = _count_bins(self.bins, names)
        grid = min(self.grid[0], height), min(self.grid[1], width)
        n_features = grid[0] * grid[1] * (math.prod if self.joint else sum)(n_bins)
        if n_features > MOST_FEATURES:
            raise ValueError(
                f"bins={self.bins}, joint={self.joint} and grid={self.grid} make "
                f"{n_features} features, more than {MOST_FEATURES}: take fewer bins."
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
        from skvision._kernels.color import prepare

        n_pictures, height, width, n_planes = images.shape
        space = "gray" if n_planes == 1 else self.color_space
        number = list(SPACES).index(space)
        exact, white, of_planes, of_fractions, of_positions = _choose_arithmetic(
            images, space, self.value_range_, layout.n_bins
        )
        of_bytes = images.dtype == np.uint8
        table = np.arange(256.0 if of_bytes and not exact else 0.0)
        prepare(table, *self.value_range_, number)
        weighted = np.array([name == WEIGHTED_HUE for name in layout.names])
        colors = kernel.Colors(number, self.value_range_, white, exact, table)
        channels = kernel.Channels(
            np.array(layout.planes),
            np.array(layout.n_bins, of_positions),
            np.array(layout.ends, np.float64),
            np.array(list(map(_is_raised, layout.n_bins, layout.ends))),
            weighted,
        )
        ends = _find_ends(layout, self.joint)
        summed = not self.joint and _is_quicker_joint(layout, height, width)
        joint = self.joint or summed
        first_bins, strides = _place(layout, joint, height, width)
        places = kernel.Layout(joint, first_bins, strides, ends)
        strip = first_bins.shape[1]
        of_counts = np.float64 if weighted.any() else np.uint32
        features = np.empty(
            (n_pictures, layout.grid[0], ends[-1]),
            np.float64 if images.dtype == np.float64 else np.float32,
        )

        def compute(rows: slice) -> None:
            buffers = kernel.Buffers(
                np.zeros((n_planes, strip), of_planes),
                np.ones((2, 3, strip), of_fractions),
                np.zeros((len(weighted), strip), np.uint32),
                np.zeros(_find_ends(layout, joint)[-1], of_counts),
                np.zeros(ends[-1] if summed else 0, of_counts),
            )
            kernel.color_histograms(
                images[rows],
                colors,
                channels,
                places,
                NORMS.index(self.norm),
                buffers,
                features[rows],
            )

        pictures_per_task = max(1, PIXELS_PER_TASK // (height * width))
        for_each_block(compute, n_pictures, pictures_per_task, self.n_jobs)
        return features.reshape(n_pictures, -1)

    @property
    def _n_features_out(self) -> Any:
        layout = self._layout()
        return int(layout.grid[0] * _find_ends(layout, self.joint)[-1])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features by channel, bin and cell.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against the names seen in ``fit``, otherwise unused.

        Returns
        -------
        names : ndarray of shape (n_features_out,) of str objects
            ``hue_07_y0_x1`` is the eighth bin of hue in the second cell of the first
            row; where ``joint`` is true, ``hue_07_saturation_03_value_00_y0_x1`` is a
            combination of bins.
        """
        check_is_fitted(self, "value_range_")
        check_feature_names_in(self, input_features)
        layout = self._layout()
        bins = [
            [f"{name}_{number}" for number in _number(n)]
            for name, n in zip(layout.names, layout.n_bins, strict=True)
        ]
        of_cell = map("_".join, product(*bins)) if self.joint else chain(*bins)
        cells = product(*map(_number, layout.grid))
        return np.array(
            [f"{name}_y{y}_x{x}" for (y, x), name in product(cells, of_cell)],
            dtype=object,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
