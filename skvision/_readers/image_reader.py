"""From files to images of one size: the first step of a pipeline."""

from numbers import Integral
from typing import Any, ClassVar

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
from skvision._readers.read_all import read_all
from skvision._readers.read_source import Target
from skvision._readers.sources import check_sources


def _check_size(size: Any) -> None:
    whole = all(isinstance(side, int | np.integer) and side > 0 for side in size)
    if len(size) != 2 or not whole:
        raise ValueError(f"size is (height, width), each at least 1, not {size!r}.")


@public("skvision")
class ImageReader(TransformerMixin, Estimator, auto_wrap_output_keys=None):
    """Read images from files and bring them to one size and one mode.

    The first step of a pipeline: files of any of the usual formats go in, one uint8
    array comes out. It learns nothing, so that `transform` needs no `fit`.

    Parameters
    ----------
    size : tuple of two int, default=(64, 64)
        Height and width of the images that come out, in this order.
    mode : {"RGB", "L"}, default="RGB"
        Pillow's names for color and gray (ITU-R 601-2 luma).
    resize : {"crop", "pad", "stretch"}, default="crop"
        "crop" scales an image until it covers ``size`` and cuts off what stands over,
        the same on both sides; "pad" scales it until it fits into ``size`` and fills
        the rest with black; "stretch" scales height and width each on its own.
    resample : {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"}, \
            default="bilinear"
        Pillow's filter. All but "nearest" average over the pixels that become one.
    on_error : {"raise", "warn"}, default="raise"
        Whether files that cannot be read are an error, or come out as black images
        and are named in a warning.
    max_pixels : int, default=100_000_000
        A file of more pixels is not decoded; it counts as one that cannot be read. It
        also bounds what all threads hold together: see the notes on memory.
    n_jobs : int, default=None
        Number of threads, -1 for all cores; None is 1 unless in a
        `joblib.parallel_config` context. It does not change the result.

    See Also
    --------
    PixelNormalizer : Scales the pixels.
    HOG : Describes images by the directions of their edges.

    Notes
    -----
    A search over a pipeline that starts with files decodes them in every fit and every
    score: 20 candidates in 5 folds decode each JPEG a hundred times. Read once,
    ``images = ImageReader().transform(paths)``, and search over the steps that come
    after. Where the reader's own parameters are searched, ``Pipeline(memory=...)``
    keeps what ``fit`` has decoded (not what ``predict`` and ``score`` decode); it goes
    by the paths and does not notice that a file has changed.

    The formats are JPEG, PNG, GIF, BMP, TIFF, WebP, PPM, JPEG 2000 and AVIF; of several
    frames the first is read. Images are turned upright by their EXIF orientation and
    transparent ones laid over white. Levels of 16 bits are divided by 257 and rounded;
    32-bit levels beyond 65535 and floats count as images that cannot be read, as
    nothing tells what is white. Color profiles are not applied.

    JPEGs are decoded at 1/2, 1/4 or 1/8 of their size where that is still as large as
    is needed (not with ``resample="nearest"``); on photos of 500 x 375 pixels read at
    64 x 64 that differs from a full decode by about one level of 255 in the mean.

    A small file may decode to a large image. Pillow holds up to 4 bytes of each pixel,
    and images are converted and reduced strip by strip, so that reading takes at most 6
    bytes a pixel where images become at least six times smaller, and at most 10 where
    they do not or with ``resample="nearest"``. A thread reads images of up to
    ``max_pixels / n_jobs``; larger ones are read one at a time, after all others. So
    threads together take no more than 0.6 GB at the default ``max_pixels`` (1 GB), and
    a large image alone no more than that again, whatever ``n_jobs`` is. What the
    libraries for TIFF, WebP, AVIF and JPEG 2000 need to decode comes on top of it. An
    image of Pillow that was opened and not read yet is read, and keeps its pixels until
    you close it: pass paths where there are many.

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
        "size": [tuple, list],
        "mode": [StrOptions({"RGB", "L"})],
        "resize": [StrOptions({"crop", "pad", "stretch"})],
        "resample": [
            StrOptions({"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"})
        ],
        "on_error": [StrOptions({"raise", "warn"})],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [None, Integral],
    }

    def __init__(
        self,
        size=(64, 64),
        *,
        mode="RGB",
        resize="crop",
        resample="bilinear",
        on_error="raise",
        max_pixels=100_000_000,
        n_jobs=None,
    ):
        self.size = size
        self.mode = mode
        self.resize = resize
        self.resample = resample
        self.on_error = on_error
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X, y=None):
        """Check the parameters; no file is opened.

        Parameters
        ----------
        X : ignored
            The files; they are not looked at.
        y : ignored
            Here for scikit-learn, which passes it.

        Returns
        -------
        self : ImageReader
            The reader itself.

        Raises
        ------
        ValueError
            If a parameter is not one of those allowed.
        """
        _check_size(self.size)
        return self

    def transform(self, X):
        """Read images.

        Parameters
        ----------
        X : list, array, Series or one-column DataFrame of n files, or array of shape \
                (n, H, W) or (n, H, W, C)
            Files are paths, open binary files (read from their start, and left open) or
            the bytes of a file. A list may also have images of Pillow, and uint8 arrays
            of different shapes (H, W), (H, W, 1), (H, W, 3) or, with alpha, (H, W, 4).

        Returns
        -------
        images : ndarray of shape (n, height, width, 3) or (n, height, width)
            Pixels in uint8; the second shape for ``mode="L"``.

        Raises
        ------
        ValueError
            If a parameter is not one of those allowed, if ``X`` is a single file, is
            empty or has flat rows of numbers, or, with ``on_error="raise"``, if files
            cannot be read. That error lists them, and its attribute ``files`` holds a
            pair (file, reason) for each.
        TypeError
            If an element of ``X`` is neither a file, nor an image, nor an array of
            uint8.

        Warns
        -----
        UserWarning
            With ``on_error="warn"``, if files cannot be read; and if a decoder finds
            fault with files that it reads: its message, with the names of the files.
        """
        check_parameters(self)
        _check_size(self.size)
        sources, target = check_sources(X), target_of(self)
        if isinstance(sources, np.ndarray) and sources.shape[1:] == target.shape:
            return sources.copy()
        reading = read_all(
            sources, [target], n_jobs=self.n_jobs, on_error=self.on_error
        )
        return reading.images[0]

    def set_output(self, *, transform=None):
        """Do nothing: images are no table, and come out as an array always.

        Parameters
        ----------
        transform : ignored
            Here for `Pipeline.set_output`, which calls it on each step.

        Returns
        -------
        self : ImageReader
            The reader itself.
        """
        return self

    def __sklearn_tags__(self):
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
    """Return what a reader makes of each image."""
    return Target(
        size=tuple(reader.size),
        mode=reader.mode,
        resize=reader.resize,
        resample=reader.resample,
        max_pixels=reader.max_pixels,
    )
