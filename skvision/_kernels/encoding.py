"""Patches of pictures, normalised, and their codes, pooled.

Patches stand in rows, in the order of their places in the picture. Between the two
steps lie matrix products, which make of patches their responses to words; a block of
responses is encoded and pooled while it is in cache.
"""

import numpy as np

from skvision._kernels import jit

THRESHOLD, TRIANGLE, HARD = range(3)


@jit
def scale_pixels(image, low, factor, scaled):
    """Bring pixels to 0 to 255, cutting off what lies beyond, as float32."""
    black, white = np.float64(0), np.float64(255)
    for i in range(image.size):
        value = (np.float64(image[i]) - low) * factor
        value = value if value > black else black
        scaled[i] = np.float32(value if value < white else white)


@jit
def _is_flat(scaled, top, left, height, width):
    """Tell whether a patch has one value only."""
    for r in range(height):
        for j in range(width):
            if scaled[top + r, left + j] != scaled[top, left]:
                return False
    return True


@jit(fastmath={"reassoc"})
def normalize_patches(scaled, tops, lefts, width, epsilon, patches):
    """Cut patches from a picture, take their mean away and divide by their contrast.

    ``scaled`` is (H, W * C), ``lefts`` and ``width`` count its columns. Sums are taken
    in any order, which changes their last digit at most.
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
            factor = zero  # rounding is no contrast
        for j in range(patch.size):
            patch[j] *= factor


@jit
def unfold(products, responses):
    """Make responses to words and to their mirror images of those to their halves.

    A word is the sum of a symmetric part and an antisymmetric one, of which
    ``products`` (2, n, n_words) has the responses; its mirror image is their
    difference.
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
    """Replace responses by how much nearer each word is than words are on average.

    ``squares`` are squared lengths of words. Distances are added up in any order, which
    changes the last digit of their mean at most; none is NaN.
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
    """Replace responses by 1 for the nearest word, the first of several, 0 for others.

    ``squares`` are squared lengths of words.
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
    """Add up codes of the rows from ``start`` to ``stop``, four at a time."""
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
    """Add up what exceeds the threshold, of either sign, four rows at a time."""
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
def pool(codes, first, n_columns, rows, columns, threshold, sums, pooled):
    """Add codes to the cells that their places lie in.

    Parameters
    ----------
    codes : ndarray of shape (n, n_words), float32
        Codes, or responses where ``threshold`` makes two codes of each.
    first : int
        Place of the first of them; places count along ``n_columns`` columns.
    rows, columns : ndarray of shape (n_cells, 2), int
        Where each row and column of cells starts and stops; they may overlap.
    threshold : float32
        Not below 0 for soft thresholding; -1 for codes that are to be added up.
    sums : ndarray of shape (n_cells, n_signs, n_words), float32
        For the cells of a row.
    pooled : ndarray of shape (n_cells, n_cells, n_signs, n_words), float32
        What they are added to.
    """
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
def encode_and_pool(
    products,
    responses,
    patches,
    words,
    squares,
    mirror,
    encoding,
    threshold,
    first,
    n_columns,
    rows,
    columns,
    sums,
    pooled,
):
    """Make codes of responses of patches to words, and add them to their cells.

    One call for all: between short ones, threads would wait for each other.
    ``responses`` are the products or, where ``mirror`` is set, room for them, and
    ``products`` (2, n, n_words / 2) those with the halves of words. ``squares`` are
    squared lengths of words.
    """
    if mirror:
        unfold(products, responses)
    if encoding == TRIANGLE:
        triangle(responses, patches, words, squares)
    elif encoding == HARD:
        one_hot(responses, squares)
    threshold = threshold if encoding == THRESHOLD else np.float32(-1)
    pool(responses, first, n_columns, rows, columns, threshold, sums, pooled)
