"""Centring, scaling and whitening of pixels."""

from numbers import Real

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skvision._images import as_array, validate_images, validate_rows
from skvision._sklearn_compat import (
    Estimator,
    Interval,
    StrOptions,
    check_feature_names_in,
    whole_fit,
    wrap_only_rows,
)

VALUES_PER_BLOCK = 1 << 22  # cast to float64 at a time


def _blocks(rows):
    """Yield blocks of rows as float64."""
    size = max(1, VALUES_PER_BLOCK // rows.shape[1])
    for start in range(0, len(rows), size):
        yield rows[start : start + size].astype(np.float64)


def _mean(rows):
    return sum(block.sum(axis=0) for block in _blocks(rows)) / len(rows)


def _variance(rows, mean):
    return sum(((block - mean) ** 2).sum(axis=0) for block in _blocks(rows)) / len(rows)


def _is_constant(rows):
    """Tell columns of one value, whose variance may not be zero for rounding."""
    return np.all([(block == rows[0]).all(axis=0) for block in _blocks(rows)], axis=0)


def _largest(rows, center):
    return np.max([np.abs(block - center).max(axis=0) for block in _blocks(rows)], 0)


@wrap_only_rows
class PixelNormalizer(TransformerMixin, Estimator):
    r"""Centre and scale pixels, or the columns of features, by the training pictures.

    .. math:: z = (x - c) / s

    with a centre :math:`c` and a scale :math:`s` for each pixel or each channel, and
    after that, if asked for, ZCA whitening.

    Parameters
    ----------
    center : {"pixel", "channel"} or None, default="pixel"
        What is subtracted: the mean picture, the mean colour, or nothing.

    scale : {"std", "range"} or None, default="std"
        What is divided by: the standard deviation; the largest distance from the centre
        in the training pictures, which brings them into [-1, 1]; or nothing. It is one
        value a pixel, or one a channel with ``center="channel"``. Where it would be
        zero it is one.

    variance_floor : float, default=0.0
        With ``scale="std"``, the share of the mean variance :math:`\bar v` that is
        added to each variance :math:`v` before the root, :math:`s = \sqrt{v + f \bar
        v}`, so that nearly constant columns do not explode; 0.01 suits histogram
        features.

    whitening_epsilon : float, default=None
        Where it is given, the pixels are also whitened (ZCA): :math:`z \to U (\Lambda +
        \epsilon I)^{-1/2} U^\top z`, with the eigenvectors :math:`U` and eigenvalues
        :math:`\Lambda` of the covariance of :math:`z` and this :math:`\epsilon`. It
        takes memory for about seven square matrices of ``n_features_in_``, and time in
        proportion to the cube of that.

    image_shape : (int, int) or (int, int, int), default=None
        With ``center="channel"``, height, width and channels of pictures that come as
        flat rows; where it is None they are guessed with an `ImageShapeWarning`, as
        `HOG` does.

    Attributes
    ----------
    center_ : ndarray of shape (n_features_in_,), float64
        What is subtracted; zero with ``center=None``. ``center_.reshape(image_shape_)``
        is a picture.

    scale_ : ndarray of shape (n_features_in_,), float64
        What is divided by; one with ``scale=None``.

    whitening_ : ndarray of shape (n_features_in_, n_features_in_) or None
        The symmetric whitening matrix.

    image_shape_ : (int, int, int) or None
        Height, width and channels of the pictures seen in ``fit``; None where they came
        as flat rows, unless ``center="channel"`` needed it.

    n_features_in_ : int
        Number of features seen in ``fit``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in ``fit``, where it was given a table.

    See Also
    --------
    sklearn.preprocessing.StandardScaler : Turns a uint8 data set into float64.

    Notes
    -----
    Statistics are summed in float64, a block of rows at a time: a data set of bytes is
    never copied whole to float64.

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
        center="pixel",
        scale="std",
        variance_floor=0.0,
        whitening_epsilon=None,
        image_shape=None,
    ):
        self.center = center
        self.scale = scale
        self.variance_floor = variance_floor
        self.whitening_epsilon = whitening_epsilon
        self.image_shape = image_shape

    @whole_fit
    def fit(self, X, y=None):
        """Learn the centre, the scale and the whitening.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features.
        y : None
            Ignored.

        Returns
        -------
        self : PixelNormalizer
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is out of its range or has no meaning beside another, or
            ``X`` is not finite numbers in one of the three layouts.
        """
        if self.variance_floor > 0 and self.scale != "std":
            raise ValueError(
                f"variance_floor={self.variance_floor} belongs to scale='std'; got "
                f"scale={self.scale!r}. Set variance_floor=0.0 or scale='std'."
            )
        if self.whitening_epsilon is not None and self.center is None:
            raise ValueError(
                f"whitening_epsilon={self.whitening_epsilon} needs centred pixels; got "
                f"center=None. Set center='pixel' or whitening_epsilon=None."
            )
        if self.center == "channel":
            images = validate_images(self, X, reset=True)
            rows, columns = images.reshape(len(images), -1), images.shape[3]
        else:
            rows = validate_rows(self, X, reset=True)
            columns = rows.shape[1]
        values = rows.reshape(-1, columns)  # a column for each channel or each pixel
        mean = _mean(values)
        center = np.zeros(columns) if self.center is None else mean
        scale = self._fit_scale(values, mean, center)
        scale[scale == 0] = 1
        repeats = rows.shape[1] // columns
        center, scale = np.tile(center, repeats), np.tile(scale, repeats)
        whitening = unwhitening = None
        if self.whitening_epsilon is not None:
            whitening, unwhitening = self._fit_whitening(rows, center, scale)
        self.center_, self.scale_ = center, scale
        self.whitening_, self._unwhitening = whitening, unwhitening
        return self

    def _fit_scale(self, values, mean, center):
        if self.scale is None:
            return np.ones(len(mean))
        constant = _is_constant(values)
        if self.scale == "range":
            return np.where(constant & (center != 0), 0, _largest(values, center))
        variance = np.where(constant, 0, _variance(values, mean))
        return np.sqrt(variance + self.variance_floor * variance.mean())

    def _fit_whitening(self, rows, center, scale):
        """Return the whitening matrix and its inverse."""
        second_moment = np.zeros((len(center), len(center)))
        total = np.zeros(len(center))
        for block in _blocks(rows):
            block = (block - center) / scale
            second_moment += block.T @ block
            total += block.sum(axis=0)
        mean = total / len(rows)
        covariance = second_moment / len(rows) - np.outer(mean, mean)
        eigenvalues, vectors = np.linalg.eigh(covariance)
        deviations = np.sqrt(np.maximum(eigenvalues, 0) + self.whitening_epsilon)
        return (vectors / deviations) @ vectors.T, (vectors * deviations) @ vectors.T

    def transform(self, X):
        """Centre, scale and whiten pictures.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.

        Returns
        -------
        X : ndarray of the shape of ``X``
            float64 for float64 pictures, else float32.

        Raises
        ------
        ValueError
            If ``X`` is not like the pictures seen in ``fit``.
        """
        check_is_fitted(self, "center_")
        rows = validate_rows(self, X, reset=False)
        dtype = np.float64 if rows.dtype == np.float64 else np.float32
        result = np.subtract(rows, self.center_.astype(dtype), dtype=dtype)
        result /= np.maximum(self.scale_.astype(dtype), np.finfo(dtype).tiny)
        if self.whitening_ is not None:
            result = result @ self.whitening_.astype(dtype)
        return result.reshape(as_array(X).shape)

    def inverse_transform(self, X):
        """Undo `transform`.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            What `transform` returned.

        Returns
        -------
        X : ndarray of the shape of ``X``
            Pictures as they were, to rounding, as float64 for float64, else float32.

        Raises
        ------
        ValueError
            If ``X`` is not like the pictures seen in ``fit``.
        """
        check_is_fitted(self, "center_")
        rows = validate_rows(self, X, reset=False)
        dtype = np.float64 if rows.dtype == np.float64 else np.float32
        result = rows.astype(dtype)
        if self.whitening_ is not None:
            result = result @ self._unwhitening.astype(dtype)
        result *= self.scale_.astype(dtype)
        result += self.center_.astype(dtype)
        return result.reshape(as_array(X).shape)

    def get_feature_names_out(self, input_features=None):
        """Name the columns of flat rows, or the pixels of pictures.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names to use where ``fit`` saw flat rows without names.

        Returns
        -------
        names : ndarray of shape (n_features_in_,) of str objects
            The names of the columns or, where ``fit`` saw pictures, ``pixel_y0_x3_c1``
            for the second channel of the fourth pixel of the first row.
        """
        check_is_fitted(self, "center_")
        names = check_feature_names_in(self, input_features)
        if self.image_shape_ is None or hasattr(self, "feature_names_in_"):
            return names
        return np.array(
            [f"pixel_y{y}_x{x}_c{c}" for y, x, c in np.ndindex(*self.image_shape_)],
            dtype=object,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
