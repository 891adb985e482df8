"""The first run: kernels are compiled, which takes longer than all else."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any

import numpy as np

from skvision._app.standard_error import print_error
from skvision._app.words import write_seconds
from skvision._readers.decoder_messages import collector


@contextmanager
def tell_of_compiling() -> Iterator[None]:
    """Say when kernels are compiled for the first time, and how long it took."""
    from skvision._kernels.compiling import CompileListener  # numba is slow to import

    with CompileListener(_tell_start) as listener:
        yield
    if listener.seconds > 0:
        _tell_end(listener.seconds)


def _tell_start() -> None:
    print_error("compiling for this processor, which later runs need not do")


def _tell_end(seconds: float) -> None:
    print_error(f"compiling took {write_seconds(seconds)} of this first run")


@contextmanager
def compiling_meanwhile(transformer: Any, size: int) -> Iterator[None]:
    """Compile what a transformer needs while other things are done.

    A thread lets it describe two images of noise. LLVM and the decoders of images both
    release the lock of the interpreter.

    Parameters
    ----------
    transformer : transformer
        It is fitted to the noise, so it should not be used for anything else.
    size : int
        Side of the square images, in pixels.
    """
    noise = np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)
    thread = Thread(target=_fit, args=(transformer, noise), daemon=True)
    # The collector changes how all threads warn, so it is entered in this one alone.
    with collector:
        thread.start()
        yield
        thread.join()  # not after an interrupt, which should be told at once


def _fit(transformer: Any, images: np.ndarray) -> None:
    with suppress(BaseException):  # the user's images raise it where it can be told
        transformer.fit_transform(images)
