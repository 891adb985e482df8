"""Reading of files as images of one size, as the first step of a pipeline."""

import math
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import TransformerMixin

from skvision._contract.public import public
from skvision._contract.sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_parameters,
    whole_fit,
)
from skvision._readers.levels import Levels
from skvision._readers.read_all import read_all, warn_of_messages
from skvision._readers.read_source import Target
from skvision._readers.sources import check_sources
from skvision._readers.transparency import parse_background
from skvision._readers.unreadable_files import raise_unreadable, warn_unreadable


def _check_size(size: Any) -> tuple[int, int]:
    sides = (size, size) if isinstance(size, Integral) else tuple(size)
    whole = all(isinstance(side, int | np.integer) and side > 0 for side in sides)
    if len(sides) != 2 or not whole:
        raise ValueError(
            f"size is (height, width), or one side of a square, each at least 1, not "
            f"{size!r}."
        )
    height, width = map(int, sides)
    return height, width


def _check_value_range(value_range: Any) -> Levels | None:
    if value_range is None:
        return None
    is_pair = len(value_range) == 2 and all(isinstance(x, Real) for x in value_range)
    if not is_pair or not -math.inf < value_range[0] < value_range[1] < math.inf:
        raise ValueError(
            f"value_range is (low, high), two finite numbers with low < high, not "
            f"{value_range!r}."
        )
    low, high = map(float, value_range)
    return low, high


@public("skvision")
class ImageReader(TransformerMixin, Estimator, auto_wrap_output_keys=None):
    """Reader that converts image files to uint8 images of one size and mode.

    It is the first step of a pipeline that starts from files of the common formats. The
    transformer is stateless, so that `transform` does not require `fit`.

    Parameters
    ----------
    size : int or tuple of two int, default=(64, 64)
        Height and width of the output images, in this order. One number is the side of
        a square.
    mode : {"RGB", "L"}, default="RGB"
        Mode of the output images: color, or gray (ITU-R 601-2 luma), as named by
        Pillow.
    resize : {"crop", "pad", "stretch"}, default="crop"
        "crop" scales an image until it covers ``size``, and cuts off the rest equally
        on both sides. "pad" scales it until it fits into ``size``, and fills the rest
        with black. "stretch" scales height and width independently.
    resample : {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"}, \
            default="bilinear"
        Filter of Pillow. All except "nearest" average over the pixels that become one
        pixel.
    background : "auto", color or None, default="auto"
        Color behind images that are transparent. A color is one of Pillow's names, such
        as "white" and "black", "#rrggbb", or three levels from 0 to 255. "auto" is
        white, or black for an image that could hardly be seen on white, because the
        mean level of its pixels, weighted by their alpha, is above 224. The mean is
        taken over a grid of up to 256 x 256 pixels.
        None ignores alpha, for files whose fourth band is something else. Opaque images
        do not depend on it.
    value_range : tuple of two numbers, default=None
        Levels of black and white in files with more than 8 bits per channel, or with
        floats. Levels outside become black or white. None chooses white by the number
        of bits in use; see the notes. Images of 8 bits do not depend on it.
    on_error : {"raise", "warn"}, default="raise"
        "raise" raises an error if files cannot be read. "warn" returns black images for
        them and lists them in a warning.
    max_pixels : int, default=100_000_000
        Largest number of pixels that a file is decoded to. A larger file is not decoded
        and treated as one that cannot be read. JPEG files count with the size at which
        they are decoded. It also bounds the memory of all threads; see the notes.
    n_jobs : int, default=None
        Number of threads. None means 1 unless in a :obj:`joblib.parallel_config`
        context, and -1 means all cores. The result does not depend on it.

    See Also
    --------
    PixelNormalizer : Standardization of pixels.
    HOG : Histograms of oriented gradients.

    Notes
    -----
    A search over a pipeline that starts from files decodes them in every fit and every
    score: 20 candidates in 5 folds decode each file a hundred times. To decode them
    once, call ``images = ImageReader().transform(paths)`` and search over the following
    steps. In a search over the parameters of the reader, ``Pipeline(memory=...)``
    caches the images that ``fit`` decodes, but not those that ``predict`` and ``score``
    decode. The cache is keyed by paths and does not detect changed files.

    The supported formats are JPEG, PNG, GIF, BMP, TIFF, WebP, PPM, JPEG 2000, AVIF and,
    if pillow-heif is installed (the extra ``heif``), HEIF. If a file has several
    frames, the first is read. Images are rotated by their EXIF orientation. Color
    profiles are not applied. A PNG whose texts or color profile are too large or
    damaged is read without them, with a warning.

    Levels of 16 bits are divided by 257 and rounded, so that 65535 is white, unless an
    image uses fewer bits, as images of microscopes and X-rays do. It is taken for the
    smallest of 8, 10, 12, 14 and 16 bits in which its highest level fits, and the
    highest number of these bits is white, such as 4095. A warning says so and names the
    files. Levels of 32 bits are treated alike, with each number of bits from 16 on. A
    TIFF file with 12 bits per sample and a PPM file say which level is white. Files
    with floats or negative levels do not, and need ``value_range``. The rule looks at
    one file at a time, so that a dark image of a series may be taken for fewer bits
    than the others: pass ``value_range`` if brightness matters. Of 16-bit colors,
    Pillow reads the high byte.

    JPEG files are decoded at 1/2, 1/4 or 1/8 of their size if that is not smaller than
    the output, except with ``resample="nearest"``. On photos of 500 x 375 pixels that
    are read at 64 x 64, the mean difference from full decoding is about one level of
    255. A JPEG that comes in several scans, such as a progressive one, takes as much
    memory as if it was decoded at its full size, and counts so.

    A small file may decode to a large image. Pillow takes up to 4 bytes per pixel, and
    images are converted and reduced strip by strip. Reading therefore takes at most 6
    bytes per pixel if images become at least six times smaller, and at most 10 bytes
    otherwise or with ``resample="nearest"``. Threads read images of up to ``max_pixels
    / n_jobs`` pixels; larger images are read one at a time after all others. With the
    default ``max_pixels``, all threads together take at most 0.6 GB, or 1 GB with 10
    bytes per pixel, and a single large image takes no more than that, for any
    ``n_jobs``. The libraries that decode TIFF, WebP, AVIF, HEIF and JPEG 2000 need
    additional memory. A Pillow image that is opened but not loaded is loaded, and keeps
    its pixels until it is closed, so pass paths if there are many files.

    Examples
    --------
    >>> import io
    >>> from PIL import Image
    >>> from skvision import ImageReader
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (120, 80), "orange").save(file, "PNG")
    >>> images = ImageReader(size=(32, 48)).transform([file])
    >>> images.shape, images.dtype, images[0, 0, 0].tolist()
    ((1, 32, 48, 3), dtype('uint8'), [255, 165, 0])
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "size": [Integral, tuple, list],
        "mode": [StrOptions({"RGB", "L"})],
        "resize": [StrOptions({"crop", "pad", "stretch"})],
        "resample": [
            StrOptions({"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"})
        ],
        "background": [str, tuple, list, None],
        "value_range": [tuple, list, None],
        "on_error": [StrOptions({"raise", "warn"})],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        size: Any = (64, 64),
        *,
        mode: str = "RGB",
        resize: str = "crop",
        resample: str = "bilinear",
        background: Any = "auto",
        value_range: Any = None,
        on_error: str = "raise",
        max_pixels: int = 100_000_000,
        n_jobs: int | None = None,
    ) -> None:
        self.size = size
        self.mode = mode
        self.resize = resize
        self.resample = resample
        self.background = background
        self.value_range = value_range
        self.on_error = on_error
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X: Any, y: Any = None) -> Self:
        """Validate the parameters; no file is opened.

        Parameters
        ----------
        X : ignored
            Not used, present for API consistency.
        y : ignored
            Not used, present for API consistency.

        Returns
        -------
        self : ImageReader
            The reader.

        Raises
        ------
        ValueError
            If a parameter is invalid.
        """
        target_of(self)
        return self

    def transform(self, X: Any) -> Any:
        """Read files as images.

        Parameters
        ----------
        X : list, array, Series or one-column DataFrame of n files, array of shape \
                (n, H, W) or (n, H, W, C), or a Pillow image
            Files are paths, open binary files, which are read from their start and left
            open, or the bytes of a file. A list may also contain Pillow images, and
            uint8 arrays of different shapes (H, W), (H, W, 1), (H, W, 3) or, with
            alpha, (H, W, 4). A Pillow image alone is a list of one.

        Returns
        -------
        images : ndarray of shape (n, height, width, 3) or (n, height, width)
            Images, uint8, of the second shape with ``mode="L"``.

        Raises
        ------
        ValueError
            If a parameter is invalid, if ``X`` is a single file, is empty or contains
            flat rows of numbers, or if files cannot be read with ``on_error="raise"``.
            That error lists the files, and its attribute ``files`` contains a pair
            (file, reason) for each of them.
        TypeError
            If an element of ``X`` is neither a file, nor an image, nor a uint8 array.

        Warns
        -----
        UserWarning
            If files cannot be read with ``on_error="warn"``, or if a decoder reports a
            problem with a file that it reads. The message of the decoder is issued with
            the names of the files.
        """
        check_parameters(self)
        target, sources = target_of(self), check_sources(X)
        if isinstance(sources, np.ndarray) and sources.shape[1:] == target.shape:
            return sources.copy()
        reading = read_all(sources, [target], n_jobs=self.n_jobs)
        if reading.reasons:
            report = warn_unreadable if self.on_error == "warn" else raise_unreadable
            report(reading.reasons, sources)
        warn_of_messages(reading.messages, sources)
        return reading.images[0]

    def set_output(self, *, transform: str | None = None) -> Self:
        """Do nothing, because the images are always an array and never a table.

        Parameters
        ----------
        transform : ignored
            Not used, present because `Pipeline.set_output` passes it to each step.

        Returns
        -------
        self : ImageReader
            The reader.
        """
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        tags.no_validation = True
        tags.requires_fit = False
        return tags


def target_of(reader: ImageReader) -> Target:
    """Return what a reader makes of each image.

    Raises
    ------
    ValueError
        If its parameters are invalid.
    """
    return Target(
        size=_check_size(reader.size),
        mode=reader.mode,
        resize=reader.resize,
        resample=reader.resample,
        max_pixels=reader.max_pixels,
        value_range=_check_value_range(reader.value_range),
        background=parse_background(reader.background),
    )
