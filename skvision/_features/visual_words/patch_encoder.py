"""Encoding of the patches of an image, pooled over cells."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skvision._features.visual_words.patches import (
    Positions,
    Shape,
    cut_patches,
    patch_positions,
    scale_image,
)

Array = NDArray[np.float32]

MAX_PATCHES = 1024  # that are cut together
RESPONSES = 2**18  # that are computed together: they take 1 MiB
MIN_PATCHES = 32  # that are encoded together: matrix products of fewer are slow
ENCODINGS = ("threshold", "triangle", "hard")  # in the kernel's order


class Cells(NamedTuple):
    """Positions of patches, and the cells that contain them.

    Attributes
    ----------
    tops, lefts : ndarray of shape (n_patches,), int
        Positions of patches in pixels, row by row.
    n_columns : int
        Number of patches in a row.
    rows, columns : ndarray of shape (n_cells, 2), int
        Start and stop of each row and each column of cells, in patches.
    """

    tops: Positions
    lefts: Positions
    n_columns: int
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    @property
    def sizes(self) -> NDArray[np.intp]:
        """Number of patches in each cell, (n_cell_rows, n_cell_columns)."""
        return np.outer(np.diff(self.rows), np.diff(self.columns))


def lay_out_cells(
    image_shape: Shape, patch_shape: Shape, stride: int, grid: tuple[int, int]
) -> Cells:
    """Return the positions of patches and their division into a grid of cells.

    If the grid does not divide the patches evenly, neighboring cells overlap, so that
    the grid is symmetric. There are at most as many cells as patches.
    """
    tops, lefts, shape = patch_positions(image_shape, patch_shape, stride)
    rows, columns = map(_cell_bounds, shape, grid)
    return Cells(tops, lefts, shape[1], rows, columns)


def _cell_bounds(n_patches: int, n_cells: int) -> NDArray[np.intp]:
    n_cells = min(n_cells, n_patches)
    cell = np.arange(n_cells)
    stops = -(-(cell + 1) * n_patches // n_cells)
    return np.column_stack([cell * n_patches // n_cells, stops])


class PatchEncoder:
    """Encoder that maps an image to the pooled codes of its patches.

    Patches are cut, whitened, encoded and pooled a few at a time.

    Parameters
    ----------
    cells : Cells
        Positions and cells of the patches.
    patch_shape : (int, int, int)
        Height, width and channels of a patch.
    value_range, contrast_epsilon
        As in `scale_image` and `cut_patches`.
    mean, whitening : ndarray of shape (n_pixels,) and (n_pixels, n_components)
        Mean patch, and matrix from patches less the mean to whitened coordinates.
    words : ndarray of shape (n_words, n_components), float32
        Words, including mirror images.
    n_symmetric : int or None
        Number of symmetric coordinates, or None for words without mirror images.
    encoding : {"threshold", "triangle", "hard"}
        Encoding of the patches.
    threshold : float
        Threshold of ``encoding="threshold"``.
    """

    def __init__(
        self,
        cells: Cells,
        *,
        patch_shape: Shape,
        value_range: tuple[float, float],
        contrast_epsilon: float,
        mean: Array,
        whitening: Array,
        words: Array,
        n_symmetric: int | None,
        encoding: str,
        threshold: float,
    ) -> None:
        self.cells = cells
        self.patch_shape = patch_shape
        self.value_range = value_range
        self.contrast_epsilon = contrast_epsilon
        self.whitening, self.offset = whitening, mean @ whitening
        self.words, self.n_words = words, len(words)
        self.n_symmetric, self.encoding = n_symmetric, encoding
        self.n_pairs = len(words) if n_symmetric is None else len(words) // 2
        # symmetric and antisymmetric coordinates
        self.halves = slice(None, n_symmetric), slice(n_symmetric, None)
        self.filters = np.ascontiguousarray(words[: self.n_pairs].T)
        self.squares = (words * words).sum(axis=1)
        self.threshold = np.float32(threshold)
        self.shape = (*cells.sizes.shape, 1 + (encoding == "threshold"), self.n_pairs)
        at_a_time = max(RESPONSES // self.n_words, MIN_PATCHES)
        if at_a_time > cells.n_columns:  # whole rows
            at_a_time -= at_a_time % cells.n_columns
        self.at_a_time = at_a_time

    def __call__(self, image: NDArray[Any]) -> Array:
        """Return the features of an image (H, W, C), of shape ``self.shape``."""
        scaled = scale_image(image, self.value_range)
        pooled = np.zeros((*self.shape[:3], self.n_words), np.float32)
        for start in range(0, len(self.cells.tops), MAX_PATCHES):
            places = slice(start, start + MAX_PATCHES)
            patches = cut_patches(
                scaled,
                self.cells.tops[places],
                self.cells.lefts[places],
                self.patch_shape,
                self.contrast_epsilon,
            )
            patches = patches @ self.whitening
            patches -= self.offset
            self._add(patches, start, pooled)
        return self._fold(pooled)

    def _add(self, patches: Array, start: int, pooled: Array) -> None:
        """Add the codes of whitened patches, the first of which is ``start``."""
        from skvision._kernels import encoding as kernel
        from skvision._kernels import read_only

        mirror = self.n_symmetric is not None
        coding = kernel.Coding(
            read_only(self.words),
            self.squares,
            mirror,
            ENCODINGS.index(self.encoding),
            self.threshold,
        )
        cells = kernel.Cells(self.cells.n_columns, self.cells.rows, self.cells.columns)
        sums = np.empty(pooled.shape[1:], np.float32)
        responses_buffer = np.empty(self.at_a_time * self.n_words, np.float32)
        products_buffer = np.empty(responses_buffer.size if mirror else 0, np.float32)
        for i in range(0, len(patches), self.at_a_time):
            some = patches[i : i + self.at_a_time]
            n = len(some)
            responses = responses_buffer[: n * self.n_words].reshape(n, -1)
            products = products_buffer[: n * self.n_words].reshape(2, -1, self.n_pairs)
            if mirror:
                for half, part in zip(self.halves, products, strict=True):
                    np.matmul(some[:, half], self.filters[half], out=part)
            else:
                np.matmul(some, self.filters, out=responses)
            kernel.encode_and_pool(
                products, responses, some, start + i, coding, cells, sums, pooled
            )

    def _fold(self, pooled: Array) -> Array:
        """Compute means over cells, and combine words with their mirror images."""
        if self.encoding != "hard":
            pooled /= self.cells.sizes[:, :, None, None].astype(np.float32)
        if self.n_symmetric is None:
            return pooled
        words, mirror_images = pooled[..., : self.n_pairs], pooled[..., self.n_pairs :]
        both: Array = words + mirror_images[:, ::-1]
        if self.encoding != "hard":
            both /= 2
        return both
