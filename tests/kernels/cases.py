"""Inputs of kernels, and helpers to make them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skvision._kernels import read_only

FLOATS = [np.float32, np.float64]
DTYPES = [np.uint8, *FLOATS]


@dataclass(frozen=True)
class Case:
    """The arguments of one call, and how its outputs are compared.

    Attributes
    ----------
    arguments : tuple
        Those of the kernel and of its reference.
    rtol, atol : float
        The tolerance. Outputs are equal by default.
    scratch : tuple of str
        Names of arguments whose values after the call do not matter.
    outputs : callable or None
        Makes of the returned value and of the dict of arguments what is compared. None
        compares the returned value and all arguments that are not scratch.
    """

    arguments: tuple
    rtol: float = 0.0
    atol: float = 0.0
    scratch: tuple[str, ...] = ()
    outputs: Callable[[Any, dict], Any] | None = None


def close(dtype, n=16):
    """Return tolerances of ``n`` roundings of numbers of about one."""
    eps = n * float(np.finfo(dtype).eps)
    return {"rtol": eps, "atol": eps}


def strided(array):
    """Return an equal array whose columns are not neighbors in memory."""
    return np.repeat(array, 2, axis=-1)[..., ::2]


def some_bytes(rng, shape):
    """Return bytes, a third of which are 0 or 255."""
    return np.clip(rng.integers(-64, 320, shape), 0, 255).astype(np.uint8)


def norms_of(rows):
    """Return one over the length of each row."""
    return read_only(1 / np.linalg.norm(rows.astype(float), axis=1))
