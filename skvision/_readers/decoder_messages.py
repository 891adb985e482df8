"""Messages of decoders, collected with the file that they are about.

Pillow issues warnings and log records without the name of a file, and libtiff writes to
the standard error of the process. This module collects both. Warnings and logging are
global to the process, so one collector sorts the messages by thread. The standard error
cannot be sorted by thread, so a message of libtiff can only be assigned to a file that
is decoded while no other one is.
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
    """Collector of the messages of Pillow while files are read.

    Messages from other sources, and from threads that do not read files, are passed on.
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
    """Yield the list that collects the messages of Pillow in this thread."""
    heard: Messages = []
    _of_this_thread.heard = heard
    try:
        yield heard
    finally:
        _of_this_thread.heard = None


def note(lines: list[str]) -> None:
    """Add lines to the messages of this thread, as warnings."""
    _of_this_thread.heard += [(UserWarning, line) for line in lines]


class _StandardError:
    """Standard error of the process, which is redirected while libtiff decodes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = self._n_entered = 0
        self._saved = -1
        self._path: str | None = None

    @contextmanager
    def diverted(self, is_alone: bool) -> Iterator[list[str]]:
        """Yield a list that contains the messages of libtiff at the end.

        With ``is_alone``, the list stays empty if another call decoded at the same
        time, because the messages cannot be assigned to an image then.
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
