"""Streams: values that a thread makes ahead of their use."""

from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """Values of an iterator, which a thread takes a few of before they are needed.

    The thread is a daemon, so that one that waits for its input, such as for a line
    from a terminal, does not keep the process from ending.

    Parameters
    ----------
    values : iterator
        Used in the thread alone. Its errors are raised where its values are taken.
    most : int
        How many values are held.
    """

    def __init__(self, values: Iterator[T], most: int) -> None:
        self._values = values
        self._made: Queue[tuple[T] | BaseException] = Queue(most)
        self._stopped = Event()
        self._end: BaseException | None = None

    def __enter__(self) -> Self:
        Thread(target=self._make, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        with suppress(Empty):  # the thread may be waiting for room
            while True:
                self._made.get_nowait()

    def take(self, seconds: float | None = None) -> T:
        """Return the next value.

        Raises
        ------
        Empty
            If there is none within a time.
        StopIteration
            If there are no more values.
        """
        if self._end is None:
            made = self._made.get(timeout=seconds)
            if isinstance(made, tuple):
                return made[0]
            self._end = made
        raise self._end

    def _make(self) -> None:
        try:
            while not self._stopped.is_set():
                self._made.put((next(self._values),))
        except BaseException as error:  # StopIteration is the end
            if not self._stopped.is_set():
                self._made.put(error)


def in_blocks(
    values: Ahead[T], first: int, most: int, seconds: float
) -> Iterator[list[T]]:
    """Yield lists of values, the first one short, so that it is there soon.

    Parameters
    ----------
    values : Ahead
        What the lists are made of.
    first, most : int
        The length of the first list, and of the others.
    seconds : float
        After this time, a list is yielded that has fewer values, but one or more.
    """
    size, ended = first, False
    while not ended:
        block: list[T] = []
        try:
            block.append(values.take())
            end = monotonic() + seconds
            with suppress(Empty):  # no more values in time
                while len(block) < size:
                    block.append(values.take(max(0.0, end - monotonic())))
        except StopIteration:
            ended = True
        if block:
            yield block
        size = most
