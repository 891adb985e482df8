"""Visual words: whitened coordinates of patches, and the directions or centers in them.

Mirroring a patch left to right leaves the statistics of photos as they are. The
coordinates respect that: each is symmetric, the same for a patch and its mirror image,
or antisymmetric, of the opposite sign. The mirror image of a word then has the same
coordinates but for those signs.
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
    """Coordinates in which the covariance of patches is the identity, nearly.

    Attributes
    ----------
    mean : ndarray of shape (n_pixels,), float32
        Mean patch.
    matrix : ndarray of shape (n_pixels, n_components), float32
        What patches less the mean are multiplied by.
    n_symmetric : int or None
        How many of the coordinates, the first, are symmetric; the others are
        antisymmetric. None where mirroring has no part.
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
        How many of the eigenvectors of the covariance to keep.
    epsilon : float
        Added to its eigenvalues.
    mirrored_shape : (int, int, int) or None
        Height, width and channels of a patch, to mirror it; None is not to.
    """
    n_pixels = patches.shape[1]
    mirrored = mirrored_shape is not None
    bases = _mirror_bases(mirrored_shape) if mirrored_shape else [np.eye(n_pixels)]
    mean = patches.mean(axis=0, dtype=np.float64)
    mean = bases[0] @ (bases[0].T @ mean)  # of patches and mirror images
    covariance = (patches.T @ patches).astype(np.float64) / len(patches)
    covariance -= np.outer(mean, mean)  # small: patches have a mean of zero each
    # between symmetric and antisymmetric patches, mirror images have no covariance
    spectra = [np.linalg.eigh(base.T @ covariance @ base) for base in bases]
    eigenvalues = np.concatenate([values for values, _ in spectra])
    axes = np.hstack([base @ v for base, (_, v) in zip(bases, spectra, strict=True)])
    kept = np.sort(np.argsort(-eigenvalues, kind="stable")[:n_components])
    deviations = np.sqrt(np.maximum(eigenvalues[kept], 0) + epsilon)
    rounding = n_pixels * np.finfo(np.float32).eps * max(eigenvalues.max(), 0)
    nothing = eigenvalues[kept] + epsilon <= rounding  # along it, and of no deviation
    deviations[nothing] = 1
    matrix = _with_signs(axes[:, kept]) / deviations
    n_symmetric = int(np.sum(kept < bases[0].shape[1])) if mirrored else None
    return Whitening(mean.astype(np.float32), matrix.astype(np.float32), n_symmetric)


def _with_signs(axes: Array) -> Array:
    """Make the largest element of each column positive: eigenvectors have no sign."""
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

    A patch x belongs to the word c that is the nearest or, where words are unit
    vectors, to that of the largest :math:`|c^\top x|`. A word becomes the mean of its
    patches or the unit vector along their sum, each with its sign. Where words have
    mirror images, a patch may belong to one of those: then its own mirror image counts
    for the word.

    Parameters
    ----------
    patches : ndarray of shape (n_patches, n_components), float32
        Patches in whitened coordinates, not fewer than words.
    n_words : int
        How many, not counting mirror images.
    n_symmetric : int or None
        Of `Whitening`; None is for no mirror images.
    unit : bool
        Whether words are unit vectors.
    random_state : RandomState
        Picks the patches to start from.
    n_jobs : int or None
        Threads.

    Returns
    -------
    words : ndarray of shape (n_words, n_components), float32
        Without their mirror images.
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
    """Return words, followed by their mirror images where there are any."""
    if n_symmetric is None:
        return words
    mirrored = words.copy()
    mirrored[:, n_symmetric:] *= -1
    return np.concatenate([words, mirrored])


def _unit(words: Array, random_state: np.random.RandomState) -> Array:
    """Return words of length one, in any direction where they have none."""
    lengths = np.linalg.norm(words, axis=1)
    flat = lengths == 0
    words[flat] = random_state.standard_normal((flat.sum(), words.shape[1]))
    lengths[flat] = np.linalg.norm(words[flat], axis=1)
    unit: Array = words / lengths[:, None]
    return unit


def _assign(
    patches: Array, words: Array, unit: bool, n_jobs: int | None
) -> tuple[NDArray[np.intp], Array]:
    """Return the word of each patch, and its sign."""
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
