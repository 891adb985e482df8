"""What rates a number of tries can tell."""

import math

from skvision._contract.warn import warn


def warn_unresolved(name: str, rate: float, n_tries: int, of_what: str) -> None:
    """Warn where so many tries cannot tell a rate from none; 0 asks for none."""
    if 0 < rate * n_tries < 1 - 1e-9:
        digits = math.ceil(math.log10(n_tries)) + 1
        smallest = math.ceil(10**digits / n_tries) / 10**digits
        warn(
            f"A {name} of {rate:g} cannot be told from 0 by {n_tries} {of_what}: the "
            f"smallest that can is {smallest:g}. Take more images, or ask for a "
            f"larger rate.",
            UserWarning,
        )
