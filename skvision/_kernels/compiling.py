"""When kernels are compiled, which the first run on a machine does."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from numba.core import event

_COMPILE = "numba:compile"  # begins when the cache does not have what is needed


class CompileListener(event.Listener):
    """A listener that is told when numba compiles, and not when it loads from a cache.

    Parameters
    ----------
    tell : callable
        Called without arguments when a compilation begins for the first time.

    Attributes
    ----------
    seconds : float
        How long all compilations took.
    """

    def __init__(self, tell: Callable[[], None]) -> None:
        self.seconds = 0.0
        self._tell = tell
        self._depth = 0  # a function is compiled within the one that calls it
        self._started = 0.0

    def __enter__(self) -> Self:
        event.register(_COMPILE, self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        event.unregister(_COMPILE, self)

    def on_start(self, event: Any) -> None:
        """Note that a function begins to be compiled."""
        if self._depth == 0:
            self._started = time.perf_counter()
            if self.seconds == 0:
                self._tell()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """Note that a function has been compiled."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._started
