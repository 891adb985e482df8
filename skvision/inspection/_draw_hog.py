"""Drawings of histograms of oriented gradients."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, check_scalar

from skvision._contract.models import EdgeHistograms, answers
from skvision._contract.public import public

SMALLEST_CELL = 16  # pixels of a drawing in which nine lines can be distinguished
LINES_PER_CELL = 12  # number of adjacent lines that would fill a cell


@public("skvision.inspection")
def draw_hog(
    hog: EdgeHistograms, features: ArrayLike, *, scale: int | None = None
) -> NDArray[np.float32]:
    r"""Draw the features of `HOG` as lines along the edges of the image.

    Each cell becomes a star with one line through its center for each bin. The line is
    bright if the bin has a large value. Bin :math:`k` of :math:`K` contains gradients
    around the angle

    .. math:: \theta_k = (k + \tfrac12) \frac{\pi}{K},

    and its line is perpendicular to the gradients, as the edge is: it has the direction
    :math:`(x, y) = (-\sin \theta_k, \cos \theta_k)`, where :math:`y` increases
    downwards. If the HOG is ``signed``, :math:`\pi` is replaced by :math:`2 \pi`, and
    lines are half lines from the center in this direction, with the brighter side of
    the edge on their left.

    The brightness of a line is the mean of its feature over all blocks that contain the
    cell, divided by the largest such mean of the image. The brightest line is drawn at
    crossings.

    Parameters
    ----------
    hog : HOG
        Fitted transformer that computed ``features``.
    features : array-like of shape (n, n_features_out) or (n_features_out,)
        Result of its ``transform``, or a row of it, which must not be negative. For the
        weights of a linear model, draw positive and negative weights separately.
    scale : int, default=None
        Number of pixels of the drawing for each pixel of the image along each axis, at
        least 1. None means the smallest number with cells of at least 16 x 16 pixels.

    Returns
    -------
    drawings : ndarray of shape (n, scale * H, scale * W) or (scale * H, scale * W)
        Drawings, float32, from 0 to 1, the value of the brightest line of each drawing.
        Rows of zeros give zeros. Cells are at their positions in the image, and pixels
        to the right of and below the last whole cell are 0. A one-dimensional input
        gives a single drawing.

    Raises
    ------
    TypeError
        If ``hog`` is not a `HOG`, or ``scale`` is not an integer.
    NotFittedError
        If ``hog`` is not fitted.
    ValueError
        If the number of features does not match ``hog``, if features are negative,
        infinite or NaN, or if ``scale`` is less than 1.

    References
    ----------
    N. Dalal and B. Triggs, "Histograms of Oriented Gradients for Human Detection",
    IEEE Conference on Computer Vision and Pattern Recognition, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skvision import HOG
    >>> from skvision.inspection import draw_hog
    >>> image = np.zeros((1, 24, 24), np.uint8)
    >>> image[:, 12:] = 255  # its edge lies in the cells of the second row
    >>> hog = HOG(orientations=8).fit(image)
    >>> drawing = draw_hog(hog, hog.transform(image))[0]
    >>> drawing.shape, drawing.dtype
    ((48, 48), dtype('float32'))
    >>> drawing.reshape(3, 16, 48).max(axis=(1, 2))
    array([0., 1., 0.], dtype=float32)
    """
    if not answers(hog, EdgeHistograms):
        raise TypeError(
            f"hog must be a fitted HOG; got {type(hog).__name__}. If it is a step of a "
            f"pipeline, pass this step."
        )
    hog.check_fitted()  # also its parameters, as transform does
    values = mean_over_blocks(hog, _check_features(hog, features))
    peaks = values.max(axis=(1, 2, 3), keepdims=True)
    values /= np.where(peaks > 0, peaks, 1)

    grid = hog.grid_
    if scale is None:
        scale = -(-SMALLEST_CELL // min(grid.cell_shape))
    check_scalar(scale, "scale", Integral, min_val=1)
    cell_height, cell_width = (scale * size for size in grid.cell_shape)
    star = _star(cell_height, cell_width, hog.orientations, hog.signed)

    height, width, _ = hog.image_shape_
    drawings = np.zeros((len(values), scale * height, scale * width), np.float32)
    n_y, n_x = grid.n_cells
    for drawing, bins in zip(drawings, np.moveaxis(values, -1, 1), strict=True):
        cells = drawing[: n_y * cell_height, : n_x * cell_width]  # view of whole cells
        cells = cells.reshape(n_y, cell_height, n_x, cell_width)
        for line, brightness in zip(star, bins, strict=True):
            np.maximum(
                cells, brightness[:, None, :, None] * line[:, None, :], out=cells
            )
    return drawings[0] if np.ndim(features) == 1 else drawings


def _check_features(hog: EdgeHistograms, features: ArrayLike) -> NDArray[np.float32]:
    """Return features as validated rows."""
    if np.ndim(features) == 1:
        features = np.asarray(features)[None]
    rows: NDArray[np.float32] = check_array(
        features, dtype=np.float32, input_name="features"
    )
    grid = hog.grid_
    n_features = np.prod([*grid.n_blocks, *grid.block_shape, hog.orientations])
    if rows.shape[1] != n_features:
        raise ValueError(
            f"features have {rows.shape[1]} columns, but this HOG, fitted to images "
            f"of shape {hog.image_shape_}, has {n_features} features. Pass the result "
            f"of its transform with all columns."
        )
    if rows.min() < 0:
        raise ValueError(
            f"features must not be negative; got {rows.min():.6g}. Draw weights as "
            f"np.maximum(features, 0) and np.maximum(-features, 0)."
        )
    return rows


def mean_over_blocks(
    hog: EdgeHistograms, features: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the mean histogram of each cell, (n, n_rows, n_columns, n_bins)."""
    grid = hog.grid_
    blocks_y, blocks_x = grid.n_blocks
    blocks = features.reshape(-1, *grid.n_blocks, *grid.block_shape, hog.orientations)
    totals = np.zeros((len(blocks), *grid.n_cells, hog.orientations), np.float32)
    counts = np.zeros((*grid.n_cells, 1), np.float32)
    for y, x in np.ndindex(*grid.block_shape):
        totals[:, y : y + blocks_y, x : x + blocks_x] += blocks[:, :, :, y, x]
        counts[y : y + blocks_y, x : x + blocks_x] += 1
    totals /= counts
    return totals


def _star(height: int, width: int, n_bins: int, signed: bool) -> Any:
    """Draw the line of each bin, (n_bins, height, width), with brightness 1."""
    thickness = max(1, min(height, width) / LINES_PER_CELL)
    radius = (min(height, width) - thickness) / 2
    angles = (np.arange(n_bins) + 0.5) * (2 if signed else 1) * np.pi / n_bins
    along_x, along_y = -np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    y = (np.arange(height) + 0.5 - height / 2)[:, None]  # centers of pixels
    x = np.arange(width) + 0.5 - width / 2
    nearest = np.clip(x * along_x + y * along_y, 0 if signed else -radius, radius)
    distance = np.hypot(x - nearest * along_x, y - nearest * along_y)
    # The fraction of a pixel that the line covers. The distance is rounded so that a
    # pixel that the line only touches is exactly 0.
    lines = np.clip(np.round((thickness + 1) / 2 - distance, 9), 0, 1)
    lines /= lines.max(axis=(1, 2), keepdims=True)
    return lines.astype(np.float32)
