"""What rates a number of tries can tell."""

import warnings


def warn_unresolved(name, rate, n_tries, of_what):
    """Warn where so many tries cannot tell a rate from none."""
    if rate * n_tries < 1:
        warnings.warn(
            f"A {name} of {rate:g} cannot be told from 0 by {n_tries} {of_what}: the "
            f"smallest that can is {1 / n_tries:.2g}. Take more pictures, or ask for a "
            f"larger rate.",
            UserWarning,
            stacklevel=3,
        )
