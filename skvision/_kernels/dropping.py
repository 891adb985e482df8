"""Dropout: elements that are set to zero at random, while the others are scaled."""

from skvision._kernels import jit_without_allocation as jit


@jit
def drop(x, drawn, threshold, scale, out):
    """Do ``out = x * scale`` where ``drawn >= threshold``, and 0 elsewhere.

    All arrays are flat and of one length. ``scale`` is cast to the dtype of ``x``.
    """
    scale = x.dtype.type(scale)
    zero = x.dtype.type(0)
    for i in range(x.size):
        out[i] = x[i] * scale if drawn[i] >= threshold else zero
