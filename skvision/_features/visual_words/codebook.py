"""Whitening of patches, and learning of words in whitened coordinates.

Mirroring patches left to right hardly changes the statistics of photos. Whitened
coordinates are therefore either symmetric, with the same value for a patch and its
mirror image, or antisymmetric, with the opposite sign. The mirror image of a word has
the same symmetric coordinates and the antisymmetric ones with the opposite sign.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from skvision._training.parallel import for_each_block, one_thread_for_blas

Array = NDArray[np.floating[Any]]

N_ITER = 10
ROWS_PER_TASK = 1024


class Whitening(NamedTuple):
    """Coordinates in which the covariance of patches is nearly the identity.

    Attributes
    ----------
    mean : ndarray of shape (n_pixels,), float32
        Mean patch.
    matrix : ndarray of shape (n_pixels, n_components), float32
        Matrix that patches less the mean are multiplied by.
    n_symmetric : int or None
        Number of symmetric coordinates, which come first; the others are antisymmetric.
        None without mirroring.
    """

    mean: Array
    matrix: Array
    n_symmetric: int | None


def learn_whitening(
    patches: Array,
    *,
    n_components: int,
    epsilon: float,
    mirrored_shape: tuple[int, int, int] | None,
) -> Whitening:
    """Return the whitening of patches, or of patches and their mirror images.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, n_pixels), float32
        Patches.
    n_components : int
        Number of eigenvectors of the covariance to keep.
    epsilon : float
        Constant that is added to its eigenvalues.
    mirrored_shape : (int, int, int) or None
        Height, width and channels of a patch, or None for no mirroring.
    """
    n_pixels = patches.shape[1]
    mirrored = mirrored_shape is not None
    bases = _mirror_bases(mirrored_shape) if mirrored_shape else [np.eye(n_pixels)]
    mean = patches.mean(axis=0, dtype=np.float64)
    mean = bases[0] @ (bases[0].T @ mean)  # of patches and mirror images
    covariance = (patches.T @ patches).astype(np.float64) / len(patches)
    covariance -= np.outer(mean, mean)  # small: patches have a mean of zero each
    # symmetric and antisymmetric patches are uncorrelated
    spectra = [np.linalg.eigh(base.T @ covariance @ base) for base in bases]
    eigenvalues = np.concatenate([values for values, _ in spectra])
    axes = np.hstack([base @ v for base, (_, v) in zip(bases, spectra, strict=True)])
    kept = np.sort(np.argsort(-eigenvalues, kind="stable")[:n_components])
    deviations = np.sqrt(np.maximum(eigenvalues[kept], 0) + epsilon)
    rounding = n_pixels * np.finfo(np.float32).eps * max(eigenvalues.max(), 0)
    constant = eigenvalues[kept] + epsilon <= rounding  # up to rounding
    deviations[constant] = 1
    matrix = _fix_signs(axes[:, kept]) / deviations
    n_symmetric = int(np.sum(kept < bases[0].shape[1])) if mirrored else None
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32), n_symmetric)


def _fix_signs(axes: Array) -> Array:
    """Make the largest element of each column positive, to fix its sign."""
    largest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[largest, np.arange(axes.shape[1])])
    signed: Array = axes * signs
    return signed


def _mirror_bases(shape: tuple[int, int, int]) -> list[Array]:
    """Return orthonormal bases of symmetric patches and of antisymmetric ones."""
    n_pixels = int(np.prod(shape))
    unit = np.eye(n_pixels)
    mirrored = unit.reshape(n_pixels, *shape)[:, :, ::-1].reshape(n_pixels, n_pixels)
    partner = mirrored.argmax(axis=1)
    pixels = np.arange(n_pixels)
    left, middle = pixels[pixels < partner], pixels[pixels == partner]
    half = np.sqrt(0.5)
    symmetric = half * (unit[:, left] + unit[:, partner[left]])
    antisymmetric = half * (unit[:, left] - unit[:, partner[left]])
    return [np.hstack([symmetric, unit[:, middle]]), antisymmetric]


def learn_words(
    patches: Array,
    n_words: int,
    n_symmetric: int | None,
    *,
    unit: bool,
    random_state: np.random.RandomState,
    n_jobs: int | None,
) -> Array:
    r"""Return words for patches, by k-means or gain-shape k-means.

    A patch x belongs to the nearest word c or, if words are unit vectors, to the word
    with the largest :math:`|c^\top x|`. Each word is updated to the mean of its patches
    or, if words are unit vectors, to the unit vector along the sum of its patches times
    the signs of :math:`c^\top x`. If words have mirror images and a patch belongs to
    one of these, the mirror image of the patch is used to update the word.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, n_components), float32
        Patches in whitened coordinates, at least as many as words.
    n_words : int
        Number of words, without mirror images.
    n_symmetric : int or None
        Number of symmetric coordinates, or None for words without mirror images.
    unit : bool
        Whether words are unit vectors.
    random_state : RandomState
        Random number generator that chooses the initial words.
    n_jobs : int or None
        Number of threads.

    Returns
    -------
    words : ndarray of shape (n_words, n_components), float32
        Words, without mirror images.
    """
    words = patches[random_state.permutation(len(patches))[:n_words]]
    for _ in range(N_ITER):
        words = _unit(words, random_state) if unit else words
        all_words = with_mirror_images(words, n_symmetric)
        nearest, sign = _assign(patches, all_words, unit, n_jobs)
        own = nearest % n_words
        alike = patches.copy()
        if n_symmetric is not None:
            alike[nearest >= n_words, n_symmetric:] *= -1
        shape = n_words, len(patches)
        words = csr_array((sign, (own, np.arange(len(patches)))), shape) @ alike
        counts = np.bincount(own, minlength=n_words)
        if not unit:
            words /= np.maximum(counts, 1).astype(np.float32)[:, None]
        idle = counts == 0
        words[idle] = patches[random_state.choice(len(patches), idle.sum())]
    return _unit(words, random_state) if unit else words


def with_mirror_images(words: Array, n_symmetric: int | None) -> Array:
    """Return the words, followed by their mirror images if they have any."""
    if n_symmetric is None:
        return words
    mirrored = words.copy()
    mirrored[:, n_symmetric:] *= -1
    return np.concatenate([words, mirrored])


def _unit(words: Array, random_state: np.random.RandomState) -> Array:
    """Normalize words to unit length, and replace zero vectors by random directions."""
    lengths = np.linalg.norm(words, axis=1)
    flat = lengths == 0
    words[flat] = random_state.standard_normal((flat.sum(), words.shape[1]))
    lengths[flat] = np.linalg.norm(words[flat], axis=1)
    unit: Array = words / lengths[:, None]
    return unit


def _assign(
    patches: Array, words: Array, unit: bool, n_jobs: int | None
) -> tuple[NDArray[np.intp], Array]:
    """Return the index of the word of each patch, and the sign of its response."""
    nearest = np.empty(len(patches), np.intp)
    sign = np.ones(len(patches), np.float32)
    half_squares = (words * words).sum(axis=1) / 2

    def assign(rows: slice) -> None:
        closeness = patches[rows] @ words.T
        if not unit:
            closeness -= half_squares
            closeness.argmax(axis=1, out=nearest[rows])
            return
        np.abs(closeness).argmax(axis=1, out=nearest[rows])
        at = np.arange(len(closeness)), nearest[rows]
        sign[rows] = np.where(closeness[at] < 0, -1, 1)

    with one_thread_for_blas:
        for_each_block(assign, len(patches), ROWS_PER_TASK, n_jobs)
    return nearest, sign
