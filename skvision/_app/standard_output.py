"""The standard output: all of it is written, or the command fails."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from io import TextIOWrapper
from typing import Any, TextIO

from skvision._contract.user_error import UserError


@contextmanager
def whole_output() -> Iterator[None]:
    """Print to the standard output, and raise an error if that fails."""
    if sys.stdout is None:
        yield
        return
    if isinstance(sys.stdout, TextIOWrapper):
        # A name that the terminal's encoding does not have is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    output = _Output(sys.stdout)
    try:
        with redirect_stdout(output):
            yield
    except SystemExit:  # after --help
        output.flush()
        raise
    except BaseException:  # the message is about this error
        with suppress(UserError, BrokenPipeError):
            output.flush()
        raise
    output.flush()


class _Output:
    """The standard output, whose errors become a `UserError`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._errors():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._errors():
            self._stream.flush()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # Python flushes once more when it ends, and would complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            if isinstance(error, BrokenPipeError):
                raise
            raise UserError(f"the standard output: {error.strerror}") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
