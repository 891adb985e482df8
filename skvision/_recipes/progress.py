"""Progress of a choice and of a fit, for whoever wants to show it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Advance = Callable[[], None]
Listener = Callable[[str, int], AbstractContextManager[Advance]]

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def announce(stage: str, n_steps: int) -> AbstractContextManager[Advance]:
    """Begin a stage of a number of steps; the result is called after each step."""
    listener = _listener.get()
    return nullcontext(_ignore) if listener is None else listener(stage, n_steps)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Pass stages to a listener."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def _ignore() -> None:
    pass
