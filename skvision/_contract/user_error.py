"""Errors that the user of the command line can correct."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """An error caused by the user, reported in one line without a traceback."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Convert errors that a step raises because of its input to `UserError`."""
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError) and error.filename is None:
            raise  # the reader of the output has gone
        named = error.filename is not None and error.strerror
        what = f"{error.filename!r}: {error.strerror}" if named else str(error)
        raise UserError(what) from error
    except ValueError as error:
        raise UserError(str(error)) from error


def visible(text: str) -> str:
    """Return a name or message with all non-printable characters escaped."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )
