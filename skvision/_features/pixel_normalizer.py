"""Centering, scaling and whitening of pixels."""

from collections.abc import Callable
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skvision._contract.divergence import largest_value
from skvision._contract.fitted_arrays import (
    check_arrays,
    scores_of,
    standardized,
)
from skvision._contract.images import as_array, validate_images, validate_rows
from skvision._contract.models import UNKNOWN, Bounds
from skvision._contract.public import public
from skvision._contract.sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_feature_names_in,
    check_parameters,
    check_sample_weight,
    whole_fit,
    wrap_only_rows,
)
from skvision._training.moments import learn_spread
from skvision._training.sources import ArraySource, Centered, Source
from skvision._training.standard import Standard, standardize, unit_of

BLOCK_BYTES = 2**24  # of floats; products of fewer rows with large matrices are slow


def _shares(sample_weight: Any, rows: np.ndarray) -> np.ndarray:
    """Return the weights of rows, which sum to one."""
    weights = check_sample_weight(
        sample_weight, rows, dtype=np.float64, ensure_non_negative=True
    )
    total = weights.sum()
    if not (0 < total < np.inf):
        raise ValueError(
            f"sample_weight has the sum {total}: at least one weight must be positive, "
            f"and their sum finite."
        )
    shares: np.ndarray = weights / total
    return shares


def _in_blocks(
    fill: Callable[..., Any],
    source: Source,
    out: np.ndarray,
    advice: str,
    **size: Any,
) -> np.ndarray:
    """Fill ``out`` by ``fill(block, part)``; raise an error if a value overflows."""
    for block in Centered(source).blocks(**size):
        with np.errstate(over="ignore", invalid="ignore"):
            fill(block, out[block])
        if not np.isfinite(out[block]).all():
            raise ValueError(
                f"The result overflows: values of X go up to "
                f"{largest_value(source):.3g}, and {out.dtype} holds up to "
                f"{np.finfo(out.dtype).max:.3g}. {advice}."
            )
    return out


@public("skvision")
@wrap_only_rows
class PixelNormalizer(OneToOneFeatureMixin, TransformerMixin, Estimator):
    r"""Standardization of pixels, or of features, by statistics of the training images.

    Each pixel :math:`x` is replaced by

    .. math:: z = (x - c) / s

    with a center :math:`c` and a scale :math:`s` for each pixel or each channel. ZCA
    whitening may follow.

    Use it before classifiers and networks that need inputs of about unit variance,
    directly on images or after `HOG`, `ColorHistogram` and `BagOfVisualWords`.

    Parameters
    ----------
    center : {"pixel", "channel"} or None, default="pixel"
        What is subtracted: the mean of each pixel, the mean of each channel, or
        nothing.

    scale : {"std", "range"} or None, default="std"
        What the pixels are divided by. ``"std"`` is the standard deviation. ``"range"``
        is the largest distance from the center in the training images, which are then
        between -1 and 1. None does not scale. There is one value for each pixel, or one
        for each channel with ``center="channel"``. A scale of zero is replaced by one.

    variance_floor : float, default=0.0
        Fraction :math:`f` of the mean variance :math:`\bar v` that is added to each
        variance :math:`v` with ``scale="std"``: :math:`s = \sqrt{v + f \bar v}`. It
        prevents large values in features that are nearly constant; 0.01 suits histogram
        features.

    whitening_epsilon : float, default=None
        If given, the pixels are also whitened (ZCA): :math:`z \to U (\Lambda + \epsilon
        I)^{-1/2} U^\top z`, with this :math:`\epsilon` and the eigenvectors :math:`U`
        and eigenvalues :math:`\Lambda` of the covariance of :math:`z`. It needs memory
        for about seven square matrices of ``n_features_in_`` rows, and time
        proportional to the cube of ``n_features_in_``.

    image_shape : (int, int) or (int, int, int), default=None
        Height, width and channels of images that are passed as flat rows, used with
        ``center="channel"``. If None, the shape is guessed with an `ImageShapeWarning`,
        as in `HOG`.

    Attributes
    ----------
    center_ : ndarray of shape (n_features_in_,), float64
        Value that is subtracted from each pixel; zero with ``center=None``. For images,
        ``center_.reshape(image_shape_)`` is an image.

    scale_ : ndarray of shape (n_features_in_,), float64
        Value that each pixel is divided by; one with ``scale=None``.

    whitening_ : ndarray of shape (n_features_in_, n_features_in_) or None
        Symmetric whitening matrix.

    image_shape_ : (int, int, int) or None
        Height, width and channels of the images seen during ``fit``. None if they were
        flat rows, unless ``center="channel"``.

    n_features_in_ : int
        Number of features seen during ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during ``fit``. Defined only when ``X`` has feature names
        that are all strings.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : Standardization of features, which converts
        uint8 datasets to float64.

    Notes
    -----
    Statistics are computed in float64, one block of rows at a time, so that a uint8
    dataset is never copied to float64 as a whole. The scale of a constant feature,
    whose smallest and largest value are equal, is one. Each feature is computed in
    units of a power of two near its values, so that all finite numbers, such as 1e300
    or 1e-300, are normalized as numbers near one are.

    References
    ----------
    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
    appendix A (ZCA whitening).

    Examples
    --------
    >>> import numpy as np
    >>> from skvision import PixelNormalizer
    >>> images = np.random.default_rng(0).integers(0, 256, (100, 8, 8, 3), np.uint8)
    >>> normalized = PixelNormalizer().fit_transform(images)
    >>> normalized.shape, normalized.dtype
    ((100, 8, 8, 3), dtype('float32'))
    >>> print(f"{normalized.std():.3f}")
    1.000
    """

    _parameter_constraints = {
        "center": [StrOptions({"pixel", "channel"}), None],
        "scale": [StrOptions({"std", "range"}), None],
        "variance_floor": [Interval(Real, 0, None, closed="left")],
        "whitening_epsilon": [Interval(Real, 0, None, closed="neither"), None],
        "image_shape": [tuple, list, None],
    }

    def __init__(
        self,
        center: str | None = "pixel",
        scale: str | None = "std",
        variance_floor: float = 0.0,
        whitening_epsilon: float | None = None,
        image_shape: Any = None,
    ) -> None:
        self.center = center
        self.scale = scale
        self.variance_floor = variance_floor
        self.whitening_epsilon = whitening_epsilon
        self.image_shape = image_shape

    @whole_fit
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the center, the scale and the whitening.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the images in the means, standard deviations and
            covariances; None means equal weights. A weight of 2 is the same as two
            copies. Ranges and maxima are those of all images of positive weight.

        Returns
        -------
        self : PixelNormalizer
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is out of its range or cannot be combined with another one,
            if ``X`` does not contain finite numbers in one of the three layouts, or if,
            with ``scale="range"``, the range of its values overflows float64.
        """
        if self.variance_floor > 0 and self.scale != "std":
            raise ValueError(
                f"variance_floor={self.variance_floor} requires scale='std'; got "
                f"scale={self.scale!r}. Set variance_floor=0.0 or scale='std'."
            )
        if self.whitening_epsilon is not None and self.center is None:
            raise ValueError(
                f"whitening_epsilon={self.whitening_epsilon} requires centered pixels; "
                f"got center=None. Set center='pixel' or whitening_epsilon=None."
            )
        n_channels = None
        if self.center == "channel":
            images = validate_images(self, X, reset=True)
            rows, n_channels = images.reshape(len(images), -1), images.shape[3]
        else:
            rows = validate_rows(self, X, reset=True)
        source, shares = ArraySource(rows), _shares(sample_weight, rows)
        spread = learn_spread(source, shares, n_channels)
        center = np.zeros_like(spread.mean) if self.center is None else spread.mean
        scale = self._compute_scale(spread, center)
        scale[scale == 0] = 1
        whitening: np.ndarray | None = None
        unwhitening: Any = None
        if self.whitening_epsilon is not None:
            longest = (spread.deviation / scale).max()
            whitening, unwhitening = self._fit_whitening(
                source, shares, Standard(center, scale), longest
            )
        self.center_, self.scale_ = center, scale
        self.whitening_, self._unwhitening = whitening, unwhitening
        return self

    def _compute_scale(self, spread: Any, center: np.ndarray) -> Any:
        low, high, _, deviation = spread
        if self.scale is None:
            return np.ones_like(center)
        if self.scale == "range":
            with np.errstate(over="ignore"):
                scale = np.maximum(high - center, center - low)
            if not np.isfinite(scale).all():
                raise ValueError(
                    f"The values of X go from {low.min():.3g} to {high.max():.3g}, a "
                    f"range that overflows float64. Divide X by a power of ten first."
                )
            return scale
        largest = deviation.max() or 1.0  # whose square may overflow
        mean_variance = ((deviation / largest) ** 2).mean()
        return np.hypot(
            deviation, largest * np.sqrt(self.variance_floor * mean_variance)
        )

    def _fit_whitening(
        self, source: Source, shares: np.ndarray, standard: Standard, longest: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the whitening matrix and its inverse.

        Eigenvalues are computed in units of ``longest``, the largest standard
        deviation, so that squares of large values do not overflow.
        """
        size = 1 / unit_of(longest)
        epsilon: Any = self.whitening_epsilon
        standard = Standard(standard.mean, standard.deviation * size)
        second_moment = np.zeros((source.shape[1], source.shape[1]))
        mean = np.zeros(source.shape[1])
        for block in Centered(source).blocks(BLOCK_BYTES):
            z = np.empty((block.stop - block.start, source.shape[1]))
            standardize(*source.locate(block), standard, z)
            second_moment += (z.T * shares[block]) @ z
            mean += shares[block] @ z
        covariance = second_moment - np.outer(mean, mean)
        eigenvalues, vectors = np.linalg.eigh(covariance)
        deviations = np.hypot(
            size * np.sqrt(np.maximum(eigenvalues, 0)), np.sqrt(epsilon)
        )
        return (vectors / deviations) @ vectors.T, (vectors * deviations) @ vectors.T

    def transform(self, X: Any) -> Any:
        """Center and scale images, and whiten them with ``whitening_epsilon``.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the shape seen during ``fit``.

        Returns
        -------
        X : ndarray of the shape of ``X``
            The result, float64 for float64 images and float32 otherwise.

        Raises
        ------
        ValueError
            If ``X`` does not have the shape seen during ``fit``, or if values overflow
            the dtype of the result.
        """
        check_is_fitted(self, "center_")
        source = ArraySource(validate_rows(self, X, reset=False))
        rows = Centered(source)
        result = np.empty(rows.shape, rows.dtype)
        advice = "Pass values like those that were passed to fit"
        if self.scale is None:
            advice = 'Set scale="std"'
        elif result.dtype == np.float32:
            advice += ", or pass X as float64"
        if self.whitening_ is None:
            standard = Standard(self.center_, self.scale_)
            _in_blocks(
                lambda block, out: standardize(*source.locate(block), standard, out),
                source,
                result,
                advice,
            )
            return result.reshape(as_array(X).shape)
        size: Any = unit_of(
            np.abs(self.whitening_).max()
        )  # so that no factor overflows
        standard = Standard(self.center_, self.scale_ * size)
        whitening = (self.whitening_ * size).astype(result.dtype)

        def whiten(block: slice, out: np.ndarray) -> None:
            z = standardize(*source.locate(block), standard, np.empty_like(out))
            np.matmul(z, whitening, out=out)

        _in_blocks(whiten, source, result, advice, n_bytes=BLOCK_BYTES)
        return result.reshape(as_array(X).shape)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Undo `transform`.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features that `transform` returned.

        Returns
        -------
        X : ndarray of the shape of ``X``
            The images before `transform`, to rounding, float64 for float64 input and
            float32 otherwise.

        Raises
        ------
        ValueError
            If ``X`` does not have the shape seen during ``fit``, or if values overflow
            the dtype of the result.
        """
        check_is_fitted(self, "center_")
        source = ArraySource(validate_rows(self, X, reset=False))
        rows = Centered(source)
        result = np.empty(rows.shape, rows.dtype)
        size: Any = 1.0
        unwhitening = None
        if self.whitening_ is not None:
            size = unit_of(np.abs(self._unwhitening).max())
            unwhitening = (self._unwhitening * size).astype(result.dtype)

        def restore(block: slice, out: Any) -> None:
            z = rows.take(block)
            if unwhitening is not None:
                z = z @ unwhitening
            z = z.astype(np.float64)
            z *= self.scale_ / size
            z += self.center_
            out[...] = z

        advice = "Pass what transform returned"
        if result.dtype == np.float32:
            advice += ", as float64"
        _in_blocks(restore, source, result, advice, n_bytes=BLOCK_BYTES)
        return result.reshape(as_array(X).shape)

    def input_gradient(self, X: Any, d_features: Any) -> np.ndarray:
        """Compute the gradient of a function of the result with respect to images.

        It is the product of ``d_features`` with the Jacobian of `transform`.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the shape seen during ``fit``.
        d_features : array-like of the shape of ``X``
            Gradient of the function with respect to the result of `transform`.

        Returns
        -------
        gradient : ndarray of the shape of ``X``
            Gradient of the function with respect to ``X``, float64 for float64 images
            and float32 otherwise.

        Raises
        ------
        ValueError
            If ``X`` does not have the shape seen during ``fit``, or if ``d_features``
            does not have the shape of ``X``.
        """
        check_is_fitted(self, "center_")
        rows = validate_rows(self, X, reset=False)
        shape = as_array(X).shape
        if np.shape(d_features) != shape:
            raise ValueError(
                f"d_features must have the shape of X, {shape}; got "
                f"{np.shape(d_features)}."
            )
        gradient: np.ndarray = np.reshape(d_features, rows.shape)
        if self.whitening_ is not None:
            gradient = gradient @ self.whitening_.T
        dtype = Centered(ArraySource(rows)).dtype
        gradient = (gradient / self.scale_).astype(dtype)
        return gradient.reshape(shape)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the columns of flat rows, or the pixels of images.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features if they were sampled as flat rows without names during
            ``fit``.

        Returns
        -------
        names : ndarray of shape (n_features_in_,) of str objects
            Names of the features. For images, ``pixel_y0_x3_c1`` is the second channel
            of the fourth pixel of the first row.
        """
        check_is_fitted(self, "center_")
        names: np.ndarray = check_feature_names_in(self, input_features)
        if self.image_shape_ is None or hasattr(self, "feature_names_in_"):
            return names
        return np.array(
            [f"pixel_y{y}_x{x}_c{c}" for y, x, c in np.ndindex(*self.image_shape_)],
            dtype=object,
        )

    def check_fitted(self, inputs: Bounds = UNKNOWN) -> Bounds:
        """Check the parameters and the fitted attributes, such as those from a file.

        Parameters
        ----------
        inputs : Bounds
            Bounds of the images or features.

        Returns
        -------
        bounds : Bounds
            Upper bounds of the number of operations for an image and of its features.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If a parameter is out of its range, or if parameters and fitted attributes
            contradict each other.
        """
        check_is_fitted(self, "center_")
        check_parameters(self)
        n_features = self.n_features_in_
        check_arrays(self, center_=(n_features,), scale_=(n_features,))
        largest = np.broadcast_to(inputs.largest, n_features)
        largest = standardized(largest, self.center_, self.scale_)
        if (self.whitening_ is None) != (self._unwhitening is None):
            raise ValueError("whitening_ and its inverse contradict each other")
        if self.whitening_ is None:
            return Bounds(0, largest, self.image_shape_)
        square = (n_features, n_features)
        check_arrays(self, whitening_=square, _unwhitening=square)
        largest = scores_of(largest, self.whitening_, 0.0)
        return Bounds(self.whitening_.size, largest, self.image_shape_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
