"""From files to images of one size: the first step of a pipeline."""

import io
import math
import os
from collections.abc import Sequence
from numbers import Integral
from threading import Lock
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import TransformerMixin

from skvision._contract.containers import refuse_mask
from skvision._contract.public import public
from skvision._contract.sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_parameters,
    whole_fit,
)
from skvision._contract.warn import warn
from skvision._readers.decoder_messages import (
    Messages,
    collector,
    heard_in_this_thread,
)
from skvision._readers.image_files import (
    UPRIGHT,
    BadPicture,
    blame_the_file,
    check_extent,
    decode,
    identify,
    is_missing,
    open_binary,
    read_orientation,
)
from skvision._readers.plain_image import paste, place, resize_plain, stored
from skvision._training.parallel import count_threads, for_each_block

_ONE_FILE: Any = str | os.PathLike | bytes | bytearray | memoryview
_BLOCK_SIZE = 8
_MAX_LISTED = 50
_LOCKS = [Lock() for _ in range(64)]  # two threads must not read an image of Pillow
_MOST_NAMED = 3  # files in a warning, and messages on a file

# What X may be


def _check_sources(X: Any) -> Any:
    """Return a sequence of files and images, or a batch of images."""
    if isinstance(X, _ONE_FILE | Image.Image) or hasattr(X, "read"):
        raise ValueError(f"X is one file, {_describe(X)}: wrap it in a list, [X].")
    if not isinstance(X, Sequence):
        if not hasattr(X, "__array__"):
            raise TypeError(
                f"X is a {type(X).__name__}; a list, array, Series or one-column "
                f"DataFrame of files is needed, or uint8 images (n, H, W[, C])."
            )
        refuse_mask(X, "X")
        X = _check_array(np.asarray(X), getattr(X, "columns", None))
    if len(X) == 0:
        raise ValueError(
            f"Found array with 0 sample(s) (shape={np.shape(X)}) while a minimum of 1 "
            f"is required by ImageReader."
        )
    if getattr(X, "ndim", 1) == 1:
        for position, source in enumerate(X):
            _check_source(source, f"X[{position}]")
    return X


def _check_array(X: NDArray[Any], columns: Any) -> NDArray[Any]:
    """Return one column of files, or a batch of images."""
    if X.ndim == 1:
        return X
    if X.ndim != 2:
        _check_picture(X.dtype, X.shape[1:], f"X, of shape {X.shape},")
        return X
    if X.dtype.kind in "biufc":
        raise _flat_rows(f"X is a table of numbers, of shape {X.shape}")
    if X.shape[1] != 1:
        names = list(range(X.shape[1]) if columns is None else columns)
        shown = ", ".join(map(repr, names[:5])) + (", …" if len(names) > 5 else "")
        raise ValueError(
            f"X has {len(names)} columns ({shown}), and one column of files is needed: "
            f"choose it."
        )
    return X[:, 0]


def _check_source(source: Any, name: str) -> None:
    """Check one element of a list."""
    if isinstance(source, np.ndarray):
        refuse_mask(source, name)
        return _check_picture(source.dtype, source.shape, name)
    if isinstance(source, list | tuple):
        raise _flat_rows(f"{name} is a {type(source).__name__}")
    is_binary = hasattr(source, "read") and not isinstance(source, io.TextIOBase)
    is_known = isinstance(source, _ONE_FILE | Image.Image) or is_binary
    if not (is_known or is_missing(source)):
        raise TypeError(
            f"{name} is {_describe(source)}, of type {type(source).__name__}; a path, "
            f"an open binary file, its bytes, an image of Pillow or a uint8 array "
            f"(H, W[, C]) is needed."
        )


def _check_picture(dtype: np.dtype, shape: tuple[int, ...], name: str) -> None:
    if len(shape) == 1:
        raise _flat_rows(f"{name} is a row of {shape[0]} numbers")
    if dtype != np.uint8:
        way = {
            "b": "X.astype(np.uint8) * 255",
            "f": "(X * 255).round().astype(np.uint8) if they lie between 0 and 1",
        }.get(dtype.kind, "X.astype(np.uint8) if they lie between 0 and 255")
        raise TypeError(
            f"{name} has pixels of dtype {dtype}, but uint8, 0 to 255, is needed: "
            f"convert them, {way}."
        )
    n_channels = shape[2] if len(shape) == 3 else 1
    if len(shape) not in (2, 3) or 0 in shape or n_channels not in (1, 3, 4):
        planar = len(shape) == 3 and shape[0] in (1, 3, 4)
        hint = " Is it channel-first? Move that axis to the end." if planar else ""
        raise ValueError(
            f"{name} has images of shape {shape}; (H, W) or (H, W, C) with 1, 3 or, "
            f"for alpha, 4 channels is needed.{hint}"
        )


def _flat_rows(what: str) -> ValueError:
    return ValueError(
        f"{what}, but ImageReader reads files, or uint8 images of shape (H, W[, C]). "
        f"Flat rows need no reading: pass them straight to the next step, with their "
        f"shape as its image_shape, as in HOG(image_shape=(H, W))."
    )


def _describe(source: Any) -> str:
    if isinstance(source, bytes | bytearray | memoryview):
        return f"{len(source)} bytes"
    text = repr(os.fspath(source) if isinstance(source, os.PathLike) else source)
    return text if len(text) <= 200 else f"{text[:80]}…{text[-119:]}"


def _report(problems: dict[int, str], sources: Any, on_error: str) -> None:
    """Name the files that cannot be read, in an error or in a warning."""
    listed = sorted(problems)[:_MAX_LISTED]
    lines = [f"\n- X[{i}], {_describe(sources[i])}: {problems[i]}" for i in listed]
    if len(problems) > len(listed):
        lines.append(f"\n- and {len(problems) - len(listed)} more")
    count = f"{len(problems)} of {len(sources)} files cannot be read"
    if on_error == "warn":
        message = f"{count} and are black images:{''.join(lines)}"
        warn(message, UserWarning)
        return
    raise ValueError(
        f"{count}:{''.join(lines)}\nRepair them, leave them out, or pass "
        f"on_error='warn' to have black images in their place."
    )


def _warn(messages: dict[int, Messages], sources: Any) -> None:
    """Repeat what decoders said of files, each message once, with names of files."""
    files: dict[tuple[type[Warning], str], list[int]] = {}
    for i in sorted(messages):
        for message in list(dict.fromkeys(messages[i]))[:_MOST_NAMED]:
            files.setdefault(message, []).append(i)
    for (category, text), positions in list(files.items())[:_MAX_LISTED]:
        named = ", ".join(_describe(sources[i]) for i in positions[:_MOST_NAMED])
        more = len(positions) - _MOST_NAMED
        named += f" and {more} more" if more > 0 else ""
        warn(f"{text.strip()} (in {named})", category)
    if len(files) > _MAX_LISTED:
        rest = f"Decoders gave {len(files) - _MAX_LISTED} more messages."
        warn(rest, UserWarning)


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
        size: Any = (64, 64),
        *,
        mode: str = "RGB",
        resize: str = "crop",
        resample: str = "bilinear",
        on_error: str = "raise",
        max_pixels: int = 100_000_000,
        n_jobs: int | None = None,
    ) -> None:
        self.size = size
        self.mode = mode
        self.resize = resize
        self.resample = resample
        self.on_error = on_error
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X: Any, y: Any = None) -> Self:
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

    def transform(self, X: Any) -> Any:
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
            cannot be read: it lists them.
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
        sources = _check_sources(X)
        shape = (*self.size, 3) if self.mode == "RGB" else tuple(self.size)
        if isinstance(sources, np.ndarray) and sources.shape[1:] == shape:
            return sources.copy()
        images = np.zeros((len(sources), *shape), dtype=np.uint8)
        problems: dict[int, str] = {}
        messages: dict[int, Messages] = {}
        rest: list[int] = []
        # Memory that a thread has freed is often not free for another one.
        n_threads = count_threads(self.n_jobs)
        share = math.inf if n_threads == 1 else self.max_pixels // n_threads

        def read(i: int, most_pixels: float) -> None:
            with heard_in_this_thread() as messages[i]:
                try:
                    image = self._read(sources[i], most_pixels)
                    if image is None:
                        rest.append(i)
                    else:
                        paste(image, images[i])
                except BadPicture as problem:
                    problems[i] = str(problem)

        def read_block(rows: slice) -> None:
            for i in range(rows.start, rows.stop):
                read(i, share)

        Image.init()  # loads the formats
        with collector:
            for_each_block(read_block, len(sources), _BLOCK_SIZE, self.n_jobs)
            for i in rest:
                read(i, math.inf)
        if problems:
            _report(problems, sources, self.on_error)
        _warn({i: messages[i] for i in messages.keys() - problems.keys()}, sources)
        return images

    def set_output(self, *, transform: Any = None) -> Self:
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

    def _read(self, source: Any, most_pixels: float) -> Any:
        """Return one image, smaller than ``size`` where it is to be padded.

        None where it is to be read alone, without a limit: it has more pixels than
        ``most_pixels``, or libtiff had something to say while it was decoded.
        """
        if isinstance(source, np.ndarray):
            if source.shape[0] * source.shape[1] > most_pixels:
                return None
            gray = source.shape[2:] == (1,)
            image = Image.fromarray(source[:, :, 0] if gray else source)
            return self._scale(image, image.size, orientation=1)
        if isinstance(source, Image.Image):
            check_extent(source, self.max_pixels)
            if source.width * source.height > most_pixels:
                return None
            with _LOCKS[id(source) // 16 % len(_LOCKS)]:
                if not decode(source, most_pixels == math.inf):  # if it is not yet
                    return None
                image = source.copy()  # large ones are closed when they are scaled
                orientation = read_orientation(source)
            return self._scale(image, image.size, orientation)
        with open_binary(source) as file:
            with blame_the_file():
                image = identify(file)
            check_extent(image, self.max_pixels)
            n_pixels = image.width * image.height
            extent = self._draft(image)
            if not image.info.get("progressive"):  # which is decoded whole all the same
                n_pixels = image.width * image.height
            if n_pixels > most_pixels:
                return None
            is_alone = most_pixels == math.inf
            if not decode(image, is_alone):
                return None
            orientation = read_orientation(image)
            return self._scale(image, extent or image.size, orientation)

    def _draft(self, image: Any) -> Any:
        """Have a JPEG decoded smaller, if that is enough; return its exact new size."""
        if image.format not in ("JPEG", "MPO") or self.resample == "nearest":
            return None
        target = stored(self.size, read_orientation(image))
        box, scaled = place(image.size, target, self.resize)
        surplus = min((box[2] - box[0]) / scaled[0], (box[3] - box[1]) / scaled[1])
        reduction = max(n for n in (1, 2, 4, 8) if n <= max(1, surplus))
        smaller = image.width // reduction, image.height // reduction
        drafted = image.draft(self.mode, smaller)
        return drafted and drafted[1][2:]

    def _scale(self, image: Any, extent: tuple[int, int], orientation: int) -> Any:
        """Bring the image to its size and mode, and upright."""
        box, scaled = place(extent, stored(self.size, orientation), self.resize)
        resample = Image.Resampling[self.resample.upper()]
        image = resize_plain(image, scaled, resample, box)
        if orientation in UPRIGHT:
            image = image.transpose(UPRIGHT[orientation])
        return image if image.mode == self.mode else image.convert(self.mode)

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
