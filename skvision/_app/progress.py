"""Progress: how far a command is, on the standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as Display
from rich.progress import TaskID

from skvision._app.standard_error import print_error
from skvision._app.words import write_percent, write_seconds

_SECONDS = 10.0  # between two lines where there is no terminal


class Progress:
    """Stages of a known number of steps, one after the other.

    A terminal shows the stage with a bar, its percentage and the time left. Elsewhere a
    line says the same, at most every ten seconds.
    """

    def __init__(self, display: Display, *, is_terminal: bool) -> None:
        self._display = display
        self._is_terminal = is_terminal
        self._task: TaskID | None = None
        self._started = self._told = time.monotonic()
        self._name, self._n_done, self._total = "", 0.0, 0.0

    def stage(self, name: str, total: float) -> None:
        """Begin a stage of a number of steps; the stage before it is over."""
        if self._task is not None:
            self._display.remove_task(self._task)
        self._task = self._display.add_task(name, total=total)
        self._name, self._n_done, self._total = name, 0.0, total
        self._started = time.monotonic()

    def advance(self, steps: float = 1, *, now: str | None = None) -> None:
        """Count steps as done, and say what is done now, if that is another thing."""
        assert self._task is not None
        self._n_done += steps
        self._display.advance(self._task, steps)
        if now is not None:
            self.say(now)
        if not self._is_terminal and time.monotonic() - self._told >= _SECONDS:
            self._told = time.monotonic()
            print_error(self._line())

    def say(self, now: str) -> None:
        """Say what is being done in this stage."""
        assert self._task is not None
        self._display.update(self._task, description=f"{self._name}: {now}")

    @contextmanager
    def begin(self, name: str, total: int) -> Iterator[Callable[[], None]]:
        """Begin a stage, and pass on what counts its steps."""
        self.stage(name, total)
        yield self.advance

    def print(self, text: str) -> None:
        """Print a line on the standard output, which the bar would be mixed with."""
        self._display.stop()
        print(text)
        self._display.start()

    def _line(self) -> str:
        fraction = min(self._n_done / self._total, 1.0) if self._total else 1.0
        line = f"{self._name}: {write_percent(fraction, 0)}"
        if 0 < fraction < 1:
            left = (time.monotonic() - self._started) * (1 / fraction - 1)
            line += f", about {write_seconds(left)} left"
        return line


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Show progress, and leave the standard output alone."""
    is_terminal = sys.stderr.isatty()
    with Display(
        # rich 13.7 ends even a display that is disabled with an empty line.
        console=Console(stderr=True, quiet=not is_terminal),
        transient=True,
        disable=not is_terminal,
        redirect_stdout=False,
    ) as display:
        yield Progress(display, is_terminal=is_terminal)
