"""Patches of images, normalized, and their codes, pooled over cells.

The rows of an array of patches are in the order of their places in the image. A matrix
product of normalized patches and words gives the responses, and a block of responses is
encoded and pooled while it is in cache.
"""

from typing import NamedTuple

import numpy as np

from skvision._kernels import jit

THRESHOLD, TRIANGLE, HARD = range(3)


class Cells(NamedTuple):
    """The cells of a grid of patches.

    Attributes
    ----------
    n_columns : int
        The number of patches in a row of the image.
    rows, columns : ndarray of shape (n, 2), int
        The first patch of each row or column of cells, and the one after the last.
        Cells may overlap.
    """

    n_columns: int
    rows: np.ndarray
    columns: np.ndarray


class Coding(NamedTuple):
    """How codes are made of responses.

    Attributes
    ----------
    words : ndarray of shape (n_words, n_components), float32
    squares : ndarray of shape (n_words,), float32
        The squared lengths of the words.
    mirrored : bool
        Whether the second half of the words are mirror images of the first half.
    encoding : {THRESHOLD, TRIANGLE, HARD}
    threshold : float32
        Not negative; for THRESHOLD.
    """

    words: np.ndarray
    squares: np.ndarray
    mirrored: bool
    encoding: int
    threshold: np.float32


@jit
def scale_pixels(image, low, factor, scaled):
    """Compute ``(image - low) * factor``, clipped to 0 to 255, as float32."""
    black, white = np.float64(0), np.float64(255)
    for i in range(image.size):
        value = (np.float64(image[i]) - low) * factor
        value = value if value > black else black
        scaled[i] = np.float32(value if value < white else white)


@jit
def _is_flat(scaled, top, left, height, width):
    """Tell whether all values of a patch are equal."""
    for r in range(height):
        for j in range(width):
            if scaled[top + r, left + j] != scaled[top, left]:
                return False
    return True


@jit(fastmath={"reassoc"})
def normalize_patches(scaled, tops, lefts, width, epsilon, patches):
    """Cut patches from an image, subtract their mean and divide by their contrast.

    The contrast is the square root of the variance plus ``epsilon``. A patch without
    contrast becomes zero. ``scaled`` is (H, W * C); ``lefts`` and ``width`` count its
    columns. Sums are taken in any order, which changes their last digit at most.
    """
    height = patches.shape[1] // width
    one, zero = np.float32(1), np.float32(0)
    share = one / np.float32(patches.shape[1])
    for i in range(len(patches)):
        patch = patches[i]
        total = zero
        for r in range(height):
            row = scaled[tops[i] + r, lefts[i] : lefts[i] + width]
            for j in range(width):
                patch[r * width + j] = row[j]
                total += row[j]
        mean = total * share
        squares = zero
        for j in range(patch.size):
            patch[j] -= mean
            squares += patch[j] * patch[j]
        variance = squares * share + epsilon
        factor = one / np.sqrt(variance) if variance > zero else zero
        if epsilon == zero and _is_flat(scaled, tops[i], lefts[i], height, width):
            factor = zero  # the variance is a rounding error
        for j in range(patch.size):
            patch[j] *= factor


@jit
def unfold(products, responses):
    """Compute the responses to words and to their mirror images.

    A word is the sum of a symmetric and an antisymmetric half, and its mirror image is
    their difference. ``products`` (2, n, n_words) are the responses to the halves.
    """
    n_words = products.shape[2]
    for i in range(len(responses)):
        symmetric, antisymmetric = products[0, i], products[1, i]
        words, mirror_images = responses[i, :n_words], responses[i, n_words:]
        for k in range(n_words):
            words[k] = symmetric[k] + antisymmetric[k]
        for k in range(n_words):
            mirror_images[k] = symmetric[k] - antisymmetric[k]


@jit(fastmath={"reassoc", "nnan", "nsz"})
def triangle(responses, patches, words, squares):
    """Replace responses by ``max(mean distance - distance, 0)`` for each word.

    The mean is over all words, and ``squares`` are the squared lengths of words.
    Distances are summed in any order, which changes the last digit of their mean at
    most. None of them is NaN.
    """
    zero, two, cancels = np.float32(0), np.float32(2), np.float32(1e-3)
    share = np.float32(1) / np.float32(responses.shape[1])
    for i in range(len(responses)):
        row, patch = responses[i], patches[i]
        square = zero
        for j in range(patch.size):
            square += patch[j] * patch[j]
        smallest = square
        for k in range(row.size):
            row[k] = square + squares[k] - two * row[k]
            smallest = min(smallest, row[k])
        if smallest < cancels * square:  # the difference has lost its digits
            for k in range(row.size):
                if row[k] < cancels * square:
                    row[k] = zero
                    for j in range(patch.size):
                        row[k] += (patch[j] - words[k, j]) ** 2
        total = zero
        for k in range(row.size):
            row[k] = np.sqrt(row[k])
            total += row[k]
        mean = total * share
        for k in range(row.size):
            nearer = mean - row[k]
            row[k] = nearer if nearer > zero else zero


@jit
def one_hot(responses, squares):
    """Replace responses by 1 for the nearest word and by 0 for the others.

    The first of equally near words counts as the nearest. ``squares`` are the squared
    lengths of words.
    """
    half = np.float32(0.5)
    for i in range(len(responses)):
        row = responses[i]
        nearest, best = 0, row[0] - half * squares[0]
        for k in range(row.size):
            closeness = row[k] - half * squares[k]
            if closeness > best:
                nearest, best = k, closeness
            row[k] = 0
        row[nearest] = 1


@jit
def _add_codes(codes, start, stop, sums):
    """Sum the codes of the rows from ``start`` to ``stop``, four rows at a time."""
    total = sums[0]
    i = start
    while i + 4 <= stop:
        a, b, c, d = codes[i], codes[i + 1], codes[i + 2], codes[i + 3]
        for k in range(total.size):
            total[k] += (a[k] + b[k]) + (c[k] + d[k])
        i += 4
    for rest in range(i, stop):
        a = codes[rest]
        for k in range(total.size):
            total[k] += a[k]


@jit
def _excess(response, threshold):
    over = response - threshold
    return over if over > np.float32(0) else np.float32(0)


@jit
def _add_thresholds(responses, start, stop, threshold, sums):
    """Sum how far responses of either sign exceed a threshold, four rows at a time."""
    positive, negative = sums[0], sums[1]
    t = threshold
    i = start
    while i + 4 <= stop:
        a, b, c, d = (
            responses[i],
            responses[i + 1],
            responses[i + 2],
            responses[i + 3],
        )
        for k in range(positive.size):
            positive[k] += (_excess(a[k], t) + _excess(b[k], t)) + (
                _excess(c[k], t) + _excess(d[k], t)
            )
            negative[k] += (_excess(-a[k], t) + _excess(-b[k], t)) + (
                _excess(-c[k], t) + _excess(-d[k], t)
            )
        i += 4
    for rest in range(i, stop):
        a = responses[rest]
        for k in range(positive.size):
            positive[k] += _excess(a[k], t)
            negative[k] += _excess(-a[k], t)


@jit
def pool_codes(codes, first, cells, threshold, sums, pooled):
    """Add codes to the cells that contain their patches.

    Parameters
    ----------
    codes : ndarray of shape (n, n_words), float32
        Codes, or responses to words if ``threshold`` is not negative.
    first : int
        The place of the first patch; the places of the others follow.
    cells : Cells
        The cells.
    threshold : float32
        If not negative, two codes are made of each response: by how much it exceeds
        the threshold, and by how much its negative does.
    sums : ndarray of shape (n_cell_columns, n_signs, n_words), float32
        Scratch space for the cells of a row.
    pooled : ndarray (n_cell_rows, n_cell_columns, n_signs, n_words), float32
        The sums of the codes in each cell, which are added to.
    """
    n_columns, rows, columns = cells
    done = 0
    while done < len(codes):
        y, x = (first + done) // n_columns, (first + done) % n_columns
        n = min(len(codes) - done, n_columns - x)
        for c in range(len(columns)):
            sums[c] = 0
            start = done + max(columns[c, 0] - x, 0)
            stop = done + min(columns[c, 1] - x, n)
            if threshold < 0:
                _add_codes(codes, start, stop, sums[c])
            else:
                _add_thresholds(codes, start, stop, threshold, sums[c])
        for r in range(len(rows)):
            if rows[r, 0] <= y < rows[r, 1]:
                total, part = pooled[r].ravel(), sums.ravel()
                for k in range(part.size):
                    total[k] += part[k]
        done += n


@jit
def encode_and_pool(products, responses, patches, first, coding, cells, sums, pooled):
    """Make codes of the responses of patches to words, and add them to their cells.

    This is one call, since threads would wait for each other between short ones.

    Parameters
    ----------
    products : ndarray of shape (2, n, n_words / 2), float32
        If the words are mirrored, the responses to their halves; otherwise unused.
    responses : ndarray of shape (n, n_words), float32
        The responses or, if the words are mirrored, scratch space for them.
    patches : ndarray of shape (n, n_components), float32
        The patches, whitened.
    first : int
        The place of the first patch; the places of the others follow.
    coding : Coding
        How codes are made.
    cells, sums, pooled
        As in `pool_codes`.
    """
    words, squares, mirrored, encoding, threshold = coding
    if mirrored:
        unfold(products, responses)
    if encoding == TRIANGLE:
        triangle(responses, patches, words, squares)
    elif encoding == HARD:
        one_hot(responses, squares)
    threshold = threshold if encoding == THRESHOLD else np.float32(-1)
    pool_codes(responses, first, cells, threshold, sums, pooled)
