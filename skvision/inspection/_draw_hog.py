"""Histograms of oriented gradients as images."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, check_scalar
from sklearn.utils.validation import check_is_fitted

from skvision._contract.public import public
from skvision._features.hog import HOG

SMALLEST_CELL = 16  # pixels of a drawing in which nine lines can be told apart
LINES_PER_CELL = 12  # how many lines, side by side, would fill a cell


@public("skvision.inspection")
def draw_hog(
    hog: HOG, features: ArrayLike, *, scale: int | None = None
) -> NDArray[np.float32]:
    r"""Draw the features of `HOG` as lines along the edges of the image.

    Each cell becomes a star: one line through its center for each bin, bright where
    the bin has many votes. Bin :math:`k` of :math:`K` holds gradients about the angle

    .. math:: \theta_k = (k + \tfrac12) \frac{\pi}{K},

    and its line runs at right angles to that, as the edge does: along :math:`(x, y) =
    (-\sin \theta_k, \cos \theta_k)`, where :math:`y` grows downwards. Where the HOG is
    ``signed``, :math:`2 \pi` takes the place of :math:`\pi`, and lines are half lines
    from the center in that direction: the brighter side of the edge is on the left of
    who walks along it outwards.

    The brightness of a line is the mean of its feature over all blocks that hold the
    cell, divided by the largest such mean of the image. Where lines cross, the
    brightest is seen.

    Parameters
    ----------
    hog : HOG
        Fitted to images of the shape that ``features`` came from.
    features : array-like of shape (n, n_features_out) or (n_features_out,)
        What its ``transform`` returned, or one row of that; not negative. Of weights
        that a linear model gives to the features, draw the two signs apart.
    scale : int, default=None
        Height and width in the drawing of one pixel of the image, at least 1. None
        is the smallest that makes cells 16 pixels or more in height and width.

    Returns
    -------
    drawings : ndarray of shape (n, scale * H, scale * W) or (scale * H, scale * W)
        float32 from 0 to 1, which is the brightest line of each drawing; a row of zeros
        gives zeros. Every cell is where it is in the image, and what is right of and
        below the last whole one is 0. One row as a vector gives one drawing.

    Raises
    ------
    TypeError
        If ``hog`` is no `HOG`, or ``scale`` no whole number.
    NotFittedError
        If ``hog`` is not fitted.
    ValueError
        If there are not as many features as ``hog`` gives, or some are negative,
        infinite or NaN, or ``scale`` is less than 1.

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
    if not isinstance(hog, HOG):
        raise TypeError(
            f"hog must be a fitted HOG; got {type(hog).__name__}. Of a pipeline, pass "
            f"the step that is one."
        )
    check_is_fitted(hog, "image_shape_")
    hog._check_parameters()  # as transform does
    values = mean_over_blocks(hog, _check_features(hog, features))
    peaks = values.max(axis=(1, 2, 3), keepdims=True)
    values /= np.where(peaks > 0, peaks, 1)

    grid = hog._grid()
    if scale is None:
        scale = -(-SMALLEST_CELL // min(grid.cell_shape))
    check_scalar(scale, "scale", Integral, min_val=1)
    cell_height, cell_width = (scale * size for size in grid.cell_shape)
    star = _star(cell_height, cell_width, hog.orientations, hog.signed)

    height, width, _ = hog.image_shape_
    drawings = np.zeros((len(values), scale * height, scale * width), np.float32)
    n_y, n_x = grid.n_cells
    for drawing, bins in zip(drawings, np.moveaxis(values, -1, 1), strict=True):
        cells = drawing[: n_y * cell_height, : n_x * cell_width]  # whole ones, a view
        cells = cells.reshape(n_y, cell_height, n_x, cell_width)
        for line, brightness in zip(star, bins, strict=True):
            np.maximum(
                cells, brightness[:, None, :, None] * line[:, None, :], out=cells
            )
    return drawings[0] if np.ndim(features) == 1 else drawings


def _check_features(hog: HOG, features: ArrayLike) -> NDArray[np.float32]:
    """Return features as rows that `hog` can have made."""
    if np.ndim(features) == 1:
        features = np.asarray(features)[None]
    rows: NDArray[np.float32] = check_array(
        features, dtype=np.float32, input_name="features"
    )
    grid = hog._grid()
    n_features = np.prod([*grid.n_blocks, *grid.block_shape, hog.orientations])
    if rows.shape[1] != n_features:
        raise ValueError(
            f"features have {rows.shape[1]} columns, but this HOG, fitted to images "
            f"of shape {hog.image_shape_}, makes {n_features}: pass what its own "
            f"transform returns, all columns of it."
        )
    if rows.min() < 0:
        raise ValueError(
            f"features go down to {rows.min():.6g}, but those of a HOG are not "
            f"negative: draw np.maximum(features, 0) and np.maximum(-features, 0)."
        )
    return rows


def mean_over_blocks(hog: HOG, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean histogram (n, cells down, across, bins) of each cell."""
    grid = hog._grid()
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
    """Draw the line of each bin, (bins, height, width), as bright as 1."""
    thickness = max(1, min(height, width) / LINES_PER_CELL)
    radius = (min(height, width) - thickness) / 2
    angles = (np.arange(n_bins) + 0.5) * (2 if signed else 1) * np.pi / n_bins
    along_x, along_y = -np.sin(angles)[:, None, None], np.cos(angles)[:, None, None]
    y = (np.arange(height) + 0.5 - height / 2)[:, None]  # of the middles of pixels
    x = np.arange(width) + 0.5 - width / 2
    nearest = np.clip(x * along_x + y * along_y, 0 if signed else -radius, radius)
    distance = np.hypot(x - nearest * along_x, y - nearest * along_y)
    # The part of a pixel that the line fills, without the rounding of its distance:
    # a pixel that the line only touches stays exactly 0.
    lines = np.clip(np.round((thickness + 1) / 2 - distance, 9), 0, 1)
    lines /= lines.max(axis=(1, 2), keepdims=True)
    return lines.astype(np.float32)
