"""Compiled loops, and the only package that imports numba.

A kernel takes arrays and scalars, or named tuples of them, whose dtypes its caller has
checked. It validates nothing, allocates little and imports nothing else from skvision.
`reference` defines each public kernel in plain NumPy, and a test compares both.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile ``function`` when it is first called, and cache it on disk if possible.

    Division by zero gives infinity or NaN, as in NumPy. The ``options`` are those of
    `numba.njit`.
    """
    if function is None:
        return partial(jit, **options)
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy", **options)(
            function
        )
    except RuntimeError:  # numba found no writable folder
        return numba.njit(nogil=True, error_model="numpy", **options)(function)


def read_only(array: np.ndarray) -> np.ndarray:
    """Return a view of an array that cannot be written to.

    A kernel is compiled for each type of its arguments, and an array that cannot be
    written to has another type. Callers pass a view of what a kernel only reads and may
    be of either kind, such as data and fitted attributes: joblib passes both to its
    processes as memory maps. The kernel is then compiled once.
    """
    view = array.view()
    view.flags.writeable = False
    return view


# For kernels that allocate no arrays: without this option, numba counts references to
# arrays that one function passes to another, which takes longer than a short distance.
jit_without_allocation = partial(jit, _nrt=False)
