"""Bags of visual words."""

import math
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import check_random_state
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
    RealNotInt,
    StrOptions,
    check_feature_names_in,
    check_parameters,
    whole_fit,
)
from skvision._contract.warn import warn
from skvision._features.visual_words.codebook import (
    learn_whitening,
    learn_words,
    with_mirror_images,
)
from skvision._features.visual_words.patch_encoder import PatchEncoder, lay_out_cells
from skvision._features.visual_words.patches import sample_patches
from skvision._training.parallel import for_each_block, one_thread_for_blas

ENCODINGS = {"omp": ("threshold",), "kmeans": ("hard", "triangle")}
IMAGES_PER_TASK = 16


def _as_pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, Integral) else tuple(size)


def _count_components(n_components: Any, n_pixels: int) -> Any:
    if isinstance(n_components, Integral):
        return min(n_components, n_pixels)
    return max(1, round(n_components * n_pixels))


def _length(array: np.ndarray) -> float:
    """Return the norm of an array in float64, in which its squares are finite."""
    return float(np.linalg.norm(array.astype(np.float64)))


@public("skvision")
class BagOfVisualWords(TransformerMixin, Estimator):
    r"""Histograms of visual words, which are typical small patches of images.

    The words are learned from random patches of the training images. The features of an
    image are the average responses of each word to the patches in each cell of a coarse
    grid. They describe textures and parts of objects, and on natural images a linear
    classifier often reaches a higher accuracy with them than with `HOG` or
    `ColorHistogram`, at a higher computational cost.

    1. Patches p are cut at every ``stride`` pixels. Their mean is subtracted, and they
       are divided by their contrast, :math:`\sqrt{\operatorname{var}(p) + c}`, where c
       is ``contrast_epsilon``.
    2. The patches are whitened: the mean patch is subtracted, they are projected on the
       leading eigenvectors of their covariance, and each coordinate is divided by
       :math:`\sqrt{\lambda + \varepsilon}`, where :math:`\lambda` is the eigenvalue and
       :math:`\varepsilon` is ``whitening_epsilon``.
    3. Each whitened patch x is encoded by the words :math:`d_k`:

       - ``"threshold"``: two codes for each word, :math:`\max(0, d_k^\top x - t)` and
         :math:`\max(0, -d_k^\top x - t)`, where t is ``threshold``;
       - ``"triangle"``: :math:`\max(0, \bar z - z_k)`, where
         :math:`z_k = \|x - d_k\|` and :math:`\bar z` is their mean over all words;
       - ``"hard"``: 1 for the nearest word, 0 for the others.
    4. The codes in each cell are averaged or, with ``"hard"``, counted.

    Parameters
    ----------
    patch_size : int or (int, int), default=6
        Side length of a patch in pixels, or its height and width. Patches are at most
        as large as the image.

    stride : int, default=1
        Distance between neighboring patches in pixels. If the patches do not reach the
        edges of the image, the margin is divided evenly between both sides.

    n_words : int, default=1600
        Number of words, including mirror images. If there are fewer training patches,
        fewer words are learned, with a warning.

    n_patches : int, default=100_000
        Number of random training patches to learn from.

    n_components : float or int, default=0.5
        Number of directions that are kept in whitening. A float is a fraction of the
        number of values of a patch, at most 1.0. An int is the number itself; a number
        larger than that of the values of a patch keeps all.

    codebook : {"omp", "kmeans"}, default="omp"
        Algorithm that learns the words. ``"omp"`` is gain-shape k-means: the words are
        unit vectors, and a patch belongs to the word with the largest :math:`|d_k^\top
        x|` (orthogonal matching pursuit with one atom). ``"kmeans"`` is k-means: each
        word is the mean of the patches that are nearest to it.

    encoding : {"threshold", "triangle", "hard"}, default="threshold"
        Encoding of patches, as defined above. ``"threshold"`` requires
        ``codebook="omp"``, and the others, which use distances, require
        ``codebook="kmeans"``.

    threshold : float, default=0.25
        Threshold t of ``encoding="threshold"``.

    mirror : bool, default=True
        Whether the features are the same for an image and its mirror image. If True,
        the words are pairs of mirror images, and the response of a word in a cell is
        added to that of its mirror image in the mirrored cell. The features are then
        the mean (with ``"hard"``, the sum) over the image and its mirror image. There
        are half as many, and they take the time of one image.

    grid : (int, int), default=(2, 2)
        Number of rows and columns of cells. Cells overlap by a row or column of patches
        if the grid does not divide the patches evenly. There are at most as many cells
        as patches.

    contrast_epsilon : float, default=10.0
        Constant that is added to the variance of a patch, with pixels from 0 to 255, so
        that noise in uniform regions is not amplified. A patch without contrast becomes
        zero.

    whitening_epsilon : float, default=0.1
        Constant that is added to the eigenvalues of the covariance.

    value_range : (float, float), default=None
        Values of black and white, which are mapped to 0 and 255. Values outside are
        clipped. None means (0, 255) for uint8 images, and the smallest and largest
        value of the training images for others.

    image_shape : (int, int) or (int, int, int), default=None
        Height, width and channels of images that are passed as flat rows. If None, the
        shape is guessed from the number of features, with an `ImageShapeWarning`: a
        perfect square means gray images, three times a perfect square RGB images, and
        any other number gray strips one pixel high.

    random_state : int, RandomState instance or None, default=None
        Determines the choice of training patches and of the initial words. Pass an int
        for reproducible output across multiple calls of ``fit``.

    n_jobs : int, default=None
        Number of threads. None means 1 unless in a :obj:`joblib.parallel_config`
        context, and -1 means all cores. The result does not depend on it.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_words, n_components), float32
        Words in whitened coordinates. With ``mirror=True``, the second half contains
        the mirror images of the first half.

    whitening_ : ndarray of shape (patch_height * patch_width * channels, n_components)
        Whitening matrix, float32. Normalized patches less ``patch_mean_`` are
        multiplied by it. With ``mirror=True``, its columns are the symmetric
        directions, followed by the antisymmetric ones.

    patch_mean_ : ndarray of shape (patch_height * patch_width * channels,), float32
        Mean of the normalized patches.

    patch_shape_ : (int, int, int)
        Height, width and channels of a patch.

    features_shape_ : (int, int, int, int)
        Numbers of rows and columns of cells, of signs and of words, into which the
        features of an image can be reshaped.

    n_features_out_ : int
        Number of features of an image.

    value_range_ : (float, float)
        Values of black and white.

    image_shape_ : (int, int, int)
        Height, width and channels of the images seen during ``fit``.

    n_features_in_ : int
        Number of features seen during ``fit``: the product of ``image_shape_``.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during ``fit``. Defined only when ``X`` has feature names
        that are all strings.

    See Also
    --------
    HOG : Histograms of oriented gradients.
    PixelNormalizer : Standardization of the features for a linear classifier, with
        ``variance_floor=0.01``.

    Notes
    -----
    Features are computed in float32. Patches are encoded a few at a time, while their
    codes are in the cache, so that memory hardly grows with the number of images. With
    ``mirror=True``, whitened coordinates are symmetric or antisymmetric. The response
    of a word is then the sum of two halves and that of its mirror image their
    difference, which halves the number of multiplications.

    With ``mirror=True``, the features of an image and its mirror image are equal if the
    patches fit the width evenly.

    References
    ----------
    G. Csurka, C. Dance, L. Fan, J. Willamowski and C. Bray, "Visual categorization with
    bags of keypoints", ECCV Workshop on Statistical Learning in Computer Vision, 2004.
    A. Coates, H. Lee and A. Y. Ng, "An analysis of single-layer networks in
    unsupervised feature learning", International Conference on Artificial Intelligence
    and Statistics, 2011.
    A. Coates and A. Y. Ng, "The importance of encoding versus training with sparse
    coding and vector quantization", International Conference on Machine Learning, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision import BagOfVisualWords
    >>> stripes = np.zeros((2, 16, 16), np.uint8)
    >>> stripes[0, ::4], stripes[1, :, ::4] = 255, 255
    >>> words = BagOfVisualWords(patch_size=4, n_words=4, random_state=0).fit(stripes)
    >>> words.codebook_.shape, words.transform(stripes).shape
    ((4, 8), (2, 16))
    >>> words.get_feature_names_out()[:2]
    array(['word_0_y0_x0_pos', 'word_1_y0_x0_pos'], dtype=object)
    """

    _parameter_constraints = {
        "patch_size": [Interval(Integral, 1, None, closed="left"), tuple, list],
        "stride": [Interval(Integral, 1, None, closed="left")],
        "n_words": [Interval(Integral, 1, None, closed="left")],
        "n_patches": [Interval(Integral, 1, None, closed="left")],
        "n_components": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0, 1, closed="right"),
        ],
        "codebook": [StrOptions({"omp", "kmeans"})],
        "encoding": [StrOptions({"threshold", "triangle", "hard"})],
        "threshold": [Interval(Real, 0, None, closed="left")],
        "mirror": ["boolean"],
        "grid": [tuple, list],
        "contrast_epsilon": [Interval(Real, 0, None, closed="left")],
        "whitening_epsilon": [Interval(Real, 0, None, closed="left")],
        "value_range": [tuple, list, None],
        "image_shape": [tuple, list, None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        patch_size: Any = 6,
        stride: int = 1,
        n_words: int = 1600,
        n_patches: int = 100_000,
        n_components: float = 0.5,
        codebook: str = "omp",
        encoding: str = "threshold",
        threshold: float = 0.25,
        mirror: bool = True,
        grid: Any = (2, 2),
        contrast_epsilon: float = 10.0,
        whitening_epsilon: float = 0.1,
        value_range: Any = None,
        image_shape: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.patch_size = patch_size
        self.stride = stride
        self.n_words = n_words
        self.n_patches = n_patches
        self.n_components = n_components
        self.codebook = codebook
        self.encoding = encoding
        self.threshold = threshold
        self.mirror = mirror
        self.grid = grid
        self.contrast_epsilon = contrast_epsilon
        self.whitening_epsilon = whitening_epsilon
        self.value_range = value_range
        self.image_shape = image_shape
        self.random_state = random_state
        self.n_jobs = n_jobs

    @whole_fit
    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the whitening and the words.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, 1), (n, H, W, 3) or (n, n_features)
            Images.
        y : None
            Ignored.

        Returns
        -------
        self : BagOfVisualWords
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is out of its range or cannot be combined with another one,
            or if ``X`` does not contain images of one or three channels and of the
            shape ``image_shape``.
        """
        self._check_parameters()
        images = validate_images(self, X, reset=True)
        random_state = check_random_state(self.random_state)
        sizes = zip(_as_pair(self.patch_size), images.shape[1:3], strict=True)
        self.patch_shape_ = (*(int(min(pair)) for pair in sizes), images.shape[3])
        self.value_range_ = learn_value_range(self.value_range, images)
        patches = sample_patches(
            images,
            self.n_patches,
            self.patch_shape_,
            self.value_range_,
            self.contrast_epsilon,
            random_state,
        )
        whitening = learn_whitening(
            patches,
            n_components=_count_components(self.n_components, patches.shape[1]),
            epsilon=self.whitening_epsilon,
            mirrored_shape=self.patch_shape_ if self.mirror else None,
        )
        whitened = patches @ whitening.matrix
        whitened -= whitening.mean @ whitening.matrix
        words = learn_words(
            whitened,
            self._count_words(len(patches)),
            whitening.n_symmetric,
            unit=self.codebook == "omp",
            random_state=random_state,
            n_jobs=self.n_jobs,
        )
        self.patch_mean_, self.whitening_, self._n_symmetric = whitening
        self.codebook_ = with_mirror_images(words, whitening.n_symmetric)
        return self

    def _check_parameters(self) -> None:
        check_parameters(self)
        check_pair("grid", self.grid)
        check_pair("patch_size", _as_pair(self.patch_size))
        if self.encoding not in ENCODINGS[self.codebook]:
            (other,) = (name for name in ENCODINGS if self.encoding in ENCODINGS[name])
            raise ValueError(
                f"encoding={self.encoding!r} cannot be combined with "
                f"codebook={self.codebook!r}. Set codebook={other!r}, or set encoding "
                f"to {' or '.join(map(repr, ENCODINGS[self.codebook]))}."
            )
        if self.mirror and self.n_words % 2:
            raise ValueError(
                f"mirror=True requires an even number of words; got "
                f"n_words={self.n_words}. Set n_words to an even number, or set "
                f"mirror=False."
            )

    def _count_words(self, n_patches: int) -> int:
        """Return the number of words to learn, without mirror images."""
        n_words = self.n_words // 2 if self.mirror else self.n_words
        if n_words <= n_patches:
            return n_words
        most = n_patches * 2 if self.mirror else n_patches
        warn(
            f"The number of training patches, {n_patches}, is too small for "
            f"n_words={self.n_words}, so that {most} words are learned. Set n_words to "
            f"at most {most}, increase n_patches, or pass more or larger images.",
        )
        return n_patches

    def transform(self, X: Any) -> Any:
        """Compute the features of images.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, 1), (n, H, W, 3) or (n, n_features)
            Images of the shape seen during ``fit``.

        Returns
        -------
        features : ndarray of shape (n, n_features_out)
            Nonnegative features, float64 for float64 images and float32 otherwise. They
            are ordered as by `get_feature_names_out`: by row and column of the cell,
            sign (for ``encoding="threshold"``) and word.

        Raises
        ------
        ValueError
            If the images do not have the shape seen during ``fit``, or if a parameter
            is out of its range.
        """
        check_is_fitted(self, "codebook_")
        self._check_parameters()
        images = np.ascontiguousarray(validate_images(self, X, reset=False))
        encode = self._encoder()
        features = np.empty(
            (len(images), *encode.shape),
            np.float64 if images.dtype == np.float64 else np.float32,
        )

        def encode_some(rows: slice) -> None:
            for i in range(rows.start, rows.stop):
                features[i] = encode(images[i])

        with one_thread_for_blas:
            for_each_block(encode_some, len(images), IMAGES_PER_TASK, self.n_jobs)
        return features.reshape(len(images), -1)

    def _encoder(self) -> PatchEncoder:
        return PatchEncoder(
            lay_out_cells(self.image_shape_, self.patch_shape_, self.stride, self.grid),
            patch_shape=self.patch_shape_,
            value_range=self.value_range_,
            contrast_epsilon=self.contrast_epsilon,
            mean=self.patch_mean_,
            whitening=self.whitening_,
            words=self.codebook_,
            n_symmetric=self._n_symmetric,
            encoding=self.encoding,
            threshold=self.threshold,
        )

    @property
    def features_shape_(self) -> tuple[int, int, int, int]:
        """The numbers of rows and columns of cells, of signs and of words."""
        check_is_fitted(self, "codebook_")
        return self._encoder().shape

    @property
    def n_features_out_(self) -> int:
        """The number of features of an image."""
        return math.prod(self.features_shape_)

    def inverse_codebook(self) -> np.ndarray:
        r"""Return the words as patches of pixels, for display.

        Whitening is undone: :math:`\sum_j c_j \sqrt{\lambda_j + \varepsilon} \, v_j`
        for a word c and eigenvectors v. The mean patch is added to the words of
        ``codebook="kmeans"``, which are means of patches and not directions.

        Returns
        -------
        patches : ndarray of shape (n_words, patch_height, patch_width, channels)
            Patches around zero, float32, in units of the contrast of a patch.
        """
        check_is_fitted(self, "codebook_")
        unwhitening = self.whitening_ / (self.whitening_**2).sum(axis=0)
        patches = self.codebook_ @ unwhitening.T
        if self.codebook == "kmeans":
            patches += self.patch_mean_
        words: np.ndarray = patches.reshape(-1, *self.patch_shape_)
        return words

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        r"""Name the features by word, cell and sign.

        Parameters
        ----------
        input_features : array-like of str, default=None
            If given, they must be the names seen during ``fit``; they are not used
            otherwise.

        Returns
        -------
        names : ndarray of shape (n_features_out,) of str objects
            For example, ``word_0123_y0_x1_neg`` is the mean code :math:`\max(0,
            -d_k^\top x - t)` of word 123 of ``codebook_`` in the second cell of the
            first row and, with ``mirror=True``, of its mirror image in the mirrored
            cell.
        """
        check_is_fitted(self, "codebook_")
        self._check_parameters()
        check_feature_names_in(self, input_features)
        n_rows, n_columns, n_signs, n_words = self.features_shape_
        digits = len(str(n_words - 1))
        signs = ("_pos", "_neg") if n_signs == 2 else ("",)
        return np.array(
            [
                f"word_{word:0{digits}}_y{y}_x{x}{signs[sign]}"
                for y, x, sign, word in np.ndindex(n_rows, n_columns, n_signs, n_words)
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
            If a parameter is out of its range, or if parameters and fitted attributes
            contradict each other.
        """
        check_is_fitted(self, "codebook_")
        self._check_parameters()
        check_value_range(self.value_range_)
        if not self._fits_together():
            raise ValueError(
                "codebook_, whitening_, patch_mean_, patch_shape_ and image_shape_ "
                "contradict each other"
            )
        n_words, n_components = self.codebook_.shape
        n_patches = math.prod(
            (size - patch) // self.stride + 1
            for size, patch in zip(
                self.image_shape_[:2], self.patch_shape_[:2], strict=True
            )
        )
        n_filters = n_words // 2 if self.mirror else n_words
        n_each = (len(self.patch_mean_) + n_filters) * n_components + n_words
        # The norm of a normalized patch is at most the square root of its size.
        patch = math.sqrt(len(self.patch_mean_)) + _length(self.patch_mean_)
        code = patch * _length(self.whitening_) + _length(self.codebook_)
        largest = n_patches * max(1.0, code) ** 2
        return Bounds(
            n_patches * n_each, np.broadcast_to(largest, self.n_features_out_)
        )

    def _fits_together(self) -> bool:
        """Return whether patches fit into the image, and arrays have their shapes."""
        n_words, n_components = np.shape(self.codebook_)
        n_pixels = math.prod(self.patch_shape_)
        arrays = self.codebook_, self.whitening_, self.patch_mean_
        return (
            len(self.patch_shape_) == len(self.image_shape_) == 3
            and all(
                0 < patch <= size
                for patch, size in zip(
                    self.patch_shape_, self.image_shape_, strict=True
                )
            )
            and self.patch_shape_[2] == self.image_shape_[2]
            and np.shape(self.whitening_) == (n_pixels, n_components)
            and np.shape(self.patch_mean_) == (n_pixels,)
            and (self._n_symmetric is None) == (not self.mirror)
            and 0 <= (self._n_symmetric or 0) <= n_components
            and n_words % (1 + self.mirror) == 0
            and min(n_words, n_components) > 0
            and all(array.dtype == np.float32 for array in arrays)
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
