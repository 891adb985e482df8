"""Compiled loops: the only package that imports numba.

A kernel takes arrays and scalars of the dtypes that its caller has seen to, checks
nothing and allocates little. The public function that validates, documents and casts
stands in the file of the estimator that uses the kernel.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numba


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile ``function`` when first called; cache it where a folder is writable.

    Division by zero gives infinity or NaN, as in NumPy. ``options`` are numba's.
    """
    if function is None:
        return partial(jit, **options)
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(
            function
        )
    except RuntimeError:  # numba found no folder that it may write to
        return numba.njit(nogil=True, error_model="numpy", **options)(function)


# For kernels that make no arrays. Otherwise numba counts references to arrays that one
# function hands to another, which takes longer than a short distance does.
jit_without_allocation = partial(jit, _nrt=False)
