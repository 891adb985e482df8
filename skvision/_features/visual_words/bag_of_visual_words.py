"""Bags of visual words."""

import math
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skvision._contract.images import check_pair, learn_value_range, validate_images
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
from skvision._features.visual_words.patches import draw_patches
from skvision._training.parallel import for_each_block, one_thread_for_blas

ENCODINGS = {"omp": ("threshold",), "kmeans": ("hard", "triangle")}
PICTURES_PER_TASK = 16


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, Integral) else tuple(size)


def _count_components(n_components: Any, n_pixels: int) -> Any:
    if isinstance(n_components, Integral):
        return min(n_components, n_pixels)
    return max(1, round(n_components * n_pixels))


@public("skvision")
class BagOfVisualWords(TransformerMixin, Estimator):
    r"""Histograms of visual words: which small patches an image is made of, and where.

    The words are learned from random patches of the training images. An image is
    then described by how strongly each word responds to the patches in each cell of a
    coarse grid.

    1. Patches p, at every ``stride`` pixels, have their mean taken away and are divided
       by their contrast, :math:`\sqrt{\operatorname{var}(p) + c}`, with c the
       ``contrast_epsilon``.
    2. They are whitened: less the mean patch, along the leading eigenvectors of their
       covariance, each coordinate divided by :math:`\sqrt{\lambda + \varepsilon}`, with
       :math:`\varepsilon` the ``whitening_epsilon``.
    3. Each whitened patch x is encoded by the words :math:`d_k`:

       - ``"threshold"``: two codes a word, :math:`\max(0, d_k^\top x - t)` and
         :math:`\max(0, -d_k^\top x - t)`, with t the ``threshold``;
       - ``"triangle"``: :math:`\max(0, \bar z - z_k)`, where
         :math:`z_k = \|x - d_k\|` and :math:`\bar z` is their mean over all words;
       - ``"hard"``: 1 for the nearest word, 0 for others.
    4. The codes in each cell are averaged (``"hard"``: counted).

    Parameters
    ----------
    patch_size : int or (int, int), default=6
        Side of a patch in pixels, or height and width. A patch larger than the image
        shrinks to it.

    stride : int, default=1
        Distance from one patch to the next in pixels. Pixels that are left over are cut
        off evenly on both sides.

    n_words : int, default=1600
        Number of words, mirror images included. There are fewer, with a warning, where
        there are fewer patches to learn them from.

    n_patches : int, default=100_000
        Number of random training patches to learn from.

    n_components : float or int, default=0.5
        How many directions are kept in whitening: a share of the pixels of a patch, at
        most 1.0, or a number, of which those that there are are kept.

    codebook : {"omp", "kmeans"}, default="omp"
        How words are learned. ``"omp"`` is gain-shape k-means: words are directions,
        unit vectors, and a patch belongs to the word with the largest
        :math:`|d_k^\top x|` (orthogonal matching pursuit with one atom). ``"kmeans"``:
        words are means of the patches that are nearest to them.

    encoding : {"threshold", "triangle", "hard"}, default="threshold"
        See above. ``"threshold"`` goes with ``codebook="omp"``, the others, which are
        about distances, with ``"kmeans"``.

    threshold : float, default=0.25
        Of ``encoding="threshold"``.

    mirror : bool, default=True
        Whether left and right are alike. The words then come in pairs, each with its
        mirror image, and a word in a cell counts together with its mirror image in the
        mirrored cell: features are the mean (``"hard"``: the sum) over the image and
        its mirror image, in half the number, at the price of one of the two.

    grid : (int, int), default=(2, 2)
        Rows and columns of cells. Where they do not divide the patches evenly, they
        overlap by a row or column of patches. A grid finer than the patches shrinks.

    contrast_epsilon : float, default=10.0
        Added to the variance of the pixels of a patch, on a scale of 0 to 255, so that
        noise in flat places is not blown up. A patch without contrast is all zeros.

    whitening_epsilon : float, default=0.1
        Added to the eigenvalues of the covariance.

    value_range : (float, float), default=None
        Values of black and white, which become 0 and 255; what lies beyond is cut off.
        None is (0, 255) for uint8, and the least and the largest value of the training
        images for floats.

    image_shape : (int, int) or (int, int, int), default=None
        Height, width and channels of images that come as flat rows. Where it is None,
        a number of features that is a perfect square is taken for gray images, three
        times a perfect square for RGB, any other for gray strips one pixel high, with
        an `ImageShapeWarning`.

    random_state : int, RandomState instance or None, default=None
        Draws the patches, and those that words start from. Pass an int for the same
        words in each fit.

    n_jobs : int, default=None
        Number of threads. None is 1 unless in a :obj:`joblib.parallel_config` context,
        -1 is all cores. The result does not depend on it.

    Attributes
    ----------
    codebook_ : ndarray of shape (n_words, n_components), float32
        Words in whitened coordinates; with ``mirror``, the second half are the mirror
        images of the first.

    whitening_ : ndarray of shape (patch_height * patch_width * channels, n_components)
        float32. What normalized patches less ``patch_mean_`` are multiplied by. With
        ``mirror``, symmetric directions come first, then antisymmetric ones.

    patch_mean_ : ndarray of shape (patch_height * patch_width * channels,), float32
        Mean of normalized patches.

    patch_shape_ : (int, int, int)
        Height, width and channels of a patch.

    value_range_ : (float, float)
        Values of black and white.

    image_shape_ : (int, int, int)
        Height, width and channels of the images seen in ``fit``.

    n_features_in_ : int
        Their product.

    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns seen in ``fit``, where it was given a table.

    See Also
    --------
    HOG : Histograms of oriented gradients.
    PixelNormalizer : With ``variance_floor=0.01``, brings the features to one scale for
        a linear classifier.

    Notes
    -----
    The arithmetic is in float32. Patches are encoded a few at a time while their codes
    are in cache: memory hardly grows with the number of images. With ``mirror``,
    whitened coordinates are symmetric or antisymmetric, so that the response to a word
    is the sum of two halves and that to its mirror image their difference: words cost
    half.

    The features are the same for an image and its mirror image if ``mirror`` is set
    and the patches fit the width evenly.

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
        """Learn the words.

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
            If a parameter is out of its range or has no meaning beside another, or
            ``X`` is not images of one channel or three, or not of ``image_shape``.
        """
        self._check_parameters()
        images = validate_images(self, X, reset=True)
        random_state = check_random_state(self.random_state)
        sizes = zip(_pair(self.patch_size), images.shape[1:3], strict=True)
        self.patch_shape_ = (*(int(min(pair)) for pair in sizes), images.shape[3])
        self.value_range_ = learn_value_range(self.value_range, images)
        patches = draw_patches(
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
        check_pair("patch_size", _pair(self.patch_size))
        if self.encoding not in ENCODINGS[self.codebook]:
            (other,) = (name for name in ENCODINGS if self.encoding in ENCODINGS[name])
            raise ValueError(
                f"encoding={self.encoding!r} has no meaning with the words of "
                f"codebook={self.codebook!r}: set codebook={other!r}, or encoding to "
                f"{' or '.join(map(repr, ENCODINGS[self.codebook]))}."
            )
        if self.mirror and self.n_words % 2:
            raise ValueError(
                f"n_words={self.n_words} cannot be pairs of mirror images: set an even "
                f"number, or mirror=False."
            )

    def _count_words(self, n_patches: int) -> int:
        """Return the number of words to learn, without mirror images."""
        n_words = self.n_words // 2 if self.mirror else self.n_words
        if n_words <= n_patches:
            return n_words
        most = n_patches * 2 if self.mirror else n_patches
        warn(
            f"There are {n_patches} patches, too few for n_words={self.n_words}: "
            f"learned {most} words. Set n_words to no more than that, or n_patches "
            f"higher, or give more or larger images.",
        )
        return n_patches

    def transform(self, X: Any) -> Any:
        """Describe images by words.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, 1), (n, H, W, 3) or (n, n_features)
            Images of the shape seen in ``fit``.

        Returns
        -------
        features : ndarray of shape (n, n_features_out)
            float64 for float64 images, else float32; not negative. The order is that
            of `get_feature_names_out`: row and column of the cell, sign (for
            ``encoding="threshold"``), word.

        Raises
        ------
        ValueError
            If the images are not of the shape seen in ``fit``, or a parameter is out
            of its range.
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
            for_each_block(encode_some, len(images), PICTURES_PER_TASK, self.n_jobs)
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
    def _n_features_out(self) -> Any:
        return math.prod(self._encoder().shape)

    def inverse_codebook(self) -> np.ndarray:
        r"""Return the words as patches that one can look at.

        Whitening is undone: :math:`\sum_j c_j \sqrt{\lambda_j + \varepsilon} \, v_j`
        for a word c and eigenvectors v; the mean patch is added to the words of
        ``codebook="kmeans"``, which are places, not directions.

        Returns
        -------
        patches : ndarray of shape (n_words, patch_height, patch_width, channels)
            float32, in units of the contrast of a patch; about 0.
        """
        check_is_fitted(self, "codebook_")
        unwhitening = self.whitening_ / (self.whitening_**2).sum(axis=0)
        patches = self.codebook_ @ unwhitening.T
        if self.codebook == "kmeans":
            patches += self.patch_mean_
        words: np.ndarray = patches.reshape(-1, *self.patch_shape_)
        return words

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Name the features by word, cell and sign.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Checked against the names seen in ``fit``, otherwise unused.

        Returns
        -------
        names : ndarray of shape (n_features_out,) of str objects
            ``word_0123_y0_x1_neg`` is how far word 123 of ``codebook_`` falls below the
            negative threshold in the second cell of the first row; where words have
            mirror images, together with its mirror image in the mirrored cell.
        """
        check_is_fitted(self, "codebook_")
        self._check_parameters()
        check_feature_names_in(self, input_features)
        n_rows, n_columns, n_signs, n_words = self._encoder().shape
        digits = len(str(n_words - 1))
        signs = ("_pos", "_neg") if n_signs == 2 else ("",)
        return np.array(
            [
                f"word_{word:0{digits}}_y{y}_x{x}{signs[sign]}"
                for y, x, sign, word in np.ndindex(n_rows, n_columns, n_signs, n_words)
            ],
            dtype=object,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
