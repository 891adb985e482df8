"""The progress bar on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Show progress on a terminal, and leave the standard output alone."""
    is_terminal = sys.stderr.isatty()
    with Progress(
        # rich 13.7 ends even a display that is disabled with an empty line.
        console=Console(stderr=True, quiet=not is_terminal),
        transient=True,
        disable=not is_terminal,
        redirect_stdout=False,
    ) as progress:
        yield progress
