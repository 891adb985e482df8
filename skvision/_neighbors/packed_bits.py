"""Rows of packed bits as words of 32 bits, between which distances are fast."""

import numpy as np

MOST_BITS = 2**24  # up to which counts are exact in float32


class PackedBits:
    """Numbers of differing bits, which are used as bounds.

    The class has the methods of the sketches in `skvision._neighbors.sketches`.

    Parameters
    ----------
    n_features : int
        Number of bytes in a row.
    """

    power, scale = 1, 1.0

    def __init__(self, n_features: int) -> None:
        self.code_bytes = -(-n_features // 4) * 4
        self.error = 0.0 if 8 * n_features <= MOST_BITS else np.inf

    def codes(
        self,
        rows: np.ndarray,
        inverse_norms: np.ndarray,
        n_jobs: int | None,
        *,
        of_queries: bool = False,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return words of 32 bits: queries as rows of the result, others as columns."""
        padded = np.zeros((len(rows), self.code_bytes), np.uint8)
        padded[:, : rows.shape[1]] = rows
        words = padded.view(np.uint32)
        codes = words if of_queries else np.ascontiguousarray(words.T)
        return codes, np.full(len(rows), self.error)

    def bounds(self, query_codes: np.ndarray, row_codes: np.ndarray) -> np.ndarray:
        """Return the numbers of bits that differ."""
        from skvision._kernels.byte_blocks import count_differing_bits_of_words

        out = np.empty((len(query_codes), row_codes.shape[1]), np.float32)
        count_differing_bits_of_words(query_codes, row_codes, out)
        return out

    def gap(self, query_codes: np.ndarray, row_codes: np.ndarray) -> np.ndarray:
        """Return the difference of `bounds` from distances, for each query."""
        return np.zeros(len(query_codes))
