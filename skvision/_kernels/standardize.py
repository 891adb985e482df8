"""Rows of bytes or floats made standard floats, in one pass."""

from skvision._kernels import jit_without_allocation as jit


@jit
def standardize(rows, mean, scale, out):
    """Do ``out = (rows - mean) * scale``, in the dtype of ``out``.

    ``rows`` and ``out`` are (n, d), ``mean`` and ``scale`` (d,), of the dtype of
    ``out``.
    """
    dtype = out.dtype.type
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            out[i, j] = (dtype(rows[i, j]) - mean[j]) * scale[j]
