"""Rows of bytes or floats made standard floats, in one pass."""

from skvision._kernels import jit_without_allocation as jit


@jit
def standardize_rows(X, index, mean, scale, out):
    """Do ``out = (X[index] - mean) * scale``, in the dtype of ``out``.

    ``X`` is (n, d), ``index`` (k,), ``out`` (k, d), ``mean`` and ``scale`` (d,), the
    last three of one dtype.
    """
    dtype = out.dtype.type
    for i in range(index.shape[0]):
        row = index[i]
        for j in range(X.shape[1]):
            out[i, j] = (dtype(X[row, j]) - mean[j]) * scale[j]
