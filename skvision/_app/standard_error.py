"""The standard error, on which the command says in one line what went wrong."""

import sys
from contextlib import suppress

from skvision._contract.user_error import visible


def tell(message: str) -> None:
    """Print a message in one line on the standard error."""
    line = " ".join(map(str.strip, message.splitlines()))
    with suppress(OSError):  # of the standard error, where nothing else can be told
        print(f"skvision: {visible(line)}", file=sys.stderr, flush=True)
