"""Smallest rate that a number of samples can estimate."""

import math

from skvision._contract.warn import warn


def warn_unresolved(name: str, rate: float, n_samples: int, samples: str) -> None:
    """Warn if ``n_samples`` samples cannot distinguish a positive rate from 0."""
    if 0 < rate * n_samples < 1 - 1e-9:
        digits = math.ceil(math.log10(n_samples)) + 1
        smallest = math.ceil(10**digits / n_samples) / 10**digits
        warn(
            f"{n_samples} {samples} are too few to distinguish a {name} of {rate:g} "
            f"from 0; the smallest rate that they can estimate is {smallest:g}. Use "
            f"more images, or set a larger rate.",
            UserWarning,
        )
