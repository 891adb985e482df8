"""Mistakes that the user of the command line can mend, apart from those of the code."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """A mistake of the user's, to be told in one line and without a traceback."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Take the errors that a step raises over its input for mistakes of the user's."""
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError) and error.filename is None:
            raise  # nobody reads what was printed
        named = error.filename is not None and error.strerror
        what = f"{error.filename!r}: {error.strerror}" if named else str(error)
        raise UserError(what) from error
    except ValueError as error:
        raise UserError(str(error)) from error


def visible(text: str) -> str:
    """Return a name or a message in one line, with whatever is no print escaped."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )
