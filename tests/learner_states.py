"""What a fitted learner consists of, and interrupts at any point of a fit."""

import signal
import sys
from pathlib import Path

import joblib
import numpy as np

import skvision

PACKAGE = str(Path(skvision.__file__).parent)


def state(estimator, *, without=(), chance=True):
    """Return a hash of all that an estimator has, with or without random numbers."""
    generators = np.random.Generator | np.random.RandomState
    kept = {
        name: value
        for name, value in vars(estimator).items()
        if name not in without and (chance or not isinstance(value, generators))
    }
    return joblib.hash(kept)


def nothing_fitted(model):
    """Return whether an estimator has its parameters and nothing else."""
    return vars(model).keys() == model.get_params(deep=False).keys()


def interrupt():
    """Interrupt, also in a process that was started to ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


class Interrupting:
    """An augmentation that changes nothing, and interrupts its n-th call."""

    def __init__(self, n):
        self.n, self.n_calls = n, 0

    def __call__(self, images, rng):
        self.n_calls += 1
        if self.n_calls == self.n:
            interrupt()
        return images


class Events:
    """Counts where Python could handle a signal in skvision, and interrupts the n-th.

    That is where a function is entered and where a call of C code has returned; but for
    the end of a context, at whose very first instruction nothing can be done any more.
    """

    def __init__(self, n=None):
        self.n, self.n_seen = n, 0

    def __call__(self, frame, event, _):
        code = frame.f_code
        ours = code.co_filename.startswith(PACKAGE) and code.co_name != "__exit__"
        if ours and event in ("call", "c_return"):
            self.n_seen += 1
            if self.n_seen == self.n:
                interrupt()

    def watch(self, call):
        """Call; return the interrupt of that, if there was one."""
        before = sys.getprofile()
        sys.setprofile(self)
        try:
            call()
        except KeyboardInterrupt as error:
            return error
        finally:
            sys.setprofile(before)
        return None
