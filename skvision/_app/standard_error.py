"""The standard error, where the command says in one line what went wrong."""

import sys
from contextlib import suppress

from skvision._contract.user_error import visible


def print_error(message: str) -> None:
    """Print a message in one line on the standard error."""
    line = " ".join(map(str.strip, message.splitlines()))
    with suppress(OSError):  # the standard error fails, and nothing else can be done
        print(f"skvision: {visible(line)}", file=sys.stderr, flush=True)
