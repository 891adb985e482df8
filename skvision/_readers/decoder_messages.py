"""What decoders say while they decode, kept for the file that it is about.

Pillow warns, and logs, without the name of a file, and libtiff writes to the standard
error by itself. Here both are collected. Warnings and logging belong to the whole
process, so that what several threads read shares one collector, which goes by threads;
the standard error has no threads, so that what libtiff says is only certain where one
file is read alone.
"""

import logging
import os
import re
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Messages = list[tuple[type[Warning], str]]

_LIBTIFF = re.compile(rb"^[A-Za-z_][\w.]*: [^\x1b]*\.$")  # as it writes its errors
_of_this_thread = threading.local()


class _Collector(logging.Handler):
    """Collects what Pillow says, as long as anybody reads.

    What comes from elsewhere, or from threads that do not read, goes its usual way.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._users = 0
        self._users_lock = threading.Lock()
        self._warnings = warnings.catch_warnings()
        self._show: Any = None

    def __enter__(self) -> None:
        with self._users_lock:
            if self._users == 0:
                self._warnings = warnings.catch_warnings()
                self._warnings.__enter__()
                self._show = warnings.showwarning
                warnings.showwarning = self._collect  # type: ignore[assignment]
                warnings.filterwarnings("always", module=r"PIL\.")
                logging.getLogger("PIL").addHandler(self)
            self._users += 1

    def __exit__(self, *error: object) -> None:
        with self._users_lock:
            self._users -= 1
            if self._users == 0:
                logging.getLogger("PIL").removeHandler(self)
                self._warnings.__exit__(None, None, None)

    def _collect(
        self, message: Warning | str, category: type[Warning], *place: Any
    ) -> None:
        heard = getattr(_of_this_thread, "heard", None)
        if heard is None:
            self._show(message, category, *place)
        else:
            heard.append((category, str(message)))

    def emit(self, record: logging.LogRecord) -> None:
        heard = getattr(_of_this_thread, "heard", None)
        if heard is not None:
            heard.append((UserWarning, record.getMessage()))


collector = _Collector()


@contextmanager
def heard_in_this_thread() -> Iterator[Messages]:
    """Give the list that takes what Pillow says in this thread."""
    heard: Messages = []
    _of_this_thread.heard = heard
    try:
        yield heard
    finally:
        _of_this_thread.heard = None


def note(lines: list[str]) -> None:
    """Add lines to what was heard in this thread, as warnings."""
    _of_this_thread.heard += [(UserWarning, line) for line in lines]


class _StandardError:
    """The standard error of the process, diverted while libtiff decodes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = self._n_entered = 0
        self._saved = -1
        self._path: str | None = None

    @contextmanager
    def diverted(self, is_alone: bool) -> Iterator[list[str]]:
        """Give a list that in the end has what libtiff has said meanwhile.

        With ``is_alone`` the list stays empty where another call decoded meanwhile:
        nobody knows which image a message is about.
        """
        said: list[str] = []
        with self._lock:
            if self._users == 0:
                self._divert()
            self._users += 1
            self._n_entered += 1
            was_alone, entered = self._users == 1, self._n_entered
            start = len(self._written())
        try:
            yield said
        finally:
            with self._lock:
                lines = self._written()[start:].splitlines()
                said += [
                    line.decode(errors="replace") for line in lines if _is_its(line)
                ]
                if is_alone and not (was_alone and entered == self._n_entered):
                    said.clear()
                self._users -= 1
                if self._users == 0:
                    self._restore()

    def _divert(self) -> None:
        try:
            descriptor, path = tempfile.mkstemp()
        except OSError:  # there is no place for it: libtiff writes where it does
            return
        try:
            self._saved = os.dup(2)
        except OSError:  # there is no standard error
            os.close(descriptor)
            os.unlink(path)
            return
        self._path = path
        os.dup2(descriptor, 2)
        os.close(descriptor)

    def _written(self) -> bytes:
        return b"" if self._path is None else Path(self._path).read_bytes()

    def _restore(self) -> None:
        if self._path is None:
            return
        os.dup2(self._saved, 2)
        os.close(self._saved)
        lines = self._written().splitlines(keepends=True)
        os.unlink(self._path)
        self._path = None
        # Of other threads, such as a progress bar.
        os.write(2, b"".join(line for line in lines if not _is_its(line)))


def _is_its(line: bytes) -> bool:
    return _LIBTIFF.match(line) is not None


standard_error = _StandardError()
