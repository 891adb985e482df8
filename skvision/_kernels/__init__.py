"""Compiled loops: the only package that imports numba.

A kernel takes arrays and scalars of the dtypes that its caller has seen to, checks
nothing and allocates little. The public function that validates, documents and casts
stands in the file of the estimator that uses the kernel.
"""

from collections.abc import Callable
from typing import Any

import numba


def jit(function: Callable[..., Any]) -> Any:
    """Compile ``function`` when first called; cache it where a folder is writable."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba found no folder that it may write to
        return numba.njit(nogil=True)(function)
