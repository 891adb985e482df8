"""Inputs of the steps of optimizers."""

import numpy as np
from kernels.cases import FLOATS, Case, close

from skvision._kernels.updates import AdamConstants


def _vectors(rng):
    """Draw parameters, gradients and two states, the last of which is positive."""
    for dtype in FLOATS:
        for n in (0, 1, 37):
            p, g, v, s = rng.normal(size=(4, n)).astype(dtype)
            yield p, g, v, s * s, close(dtype)


def sgd(rng):
    for p, g, _, _, tolerance in _vectors(rng):
        yield Case((p, g, 0.1), **tolerance)


def sgd_with_momentum(rng):
    for nesterov in (False, True):
        for p, g, v, _, tolerance in _vectors(rng):
            yield Case((p, g, v, 0.1, 0.9, nesterov), **tolerance)
    p, g, v = np.ones((3, 3))  # scalars may be whole numbers
    yield Case((p, g, v, 1, 0, False))


def adagrad(rng):
    for p, g, _, s, tolerance in _vectors(rng):
        yield Case((p, g, s, 0.1, 0.01), **tolerance)


def rmsprop(rng):
    for p, g, _, s, tolerance in _vectors(rng):
        yield Case((p, g, s, 0.1, 0.99, 0.01), **tolerance)


def adam(rng):
    for t in (1, 10, 10**6):
        for weight_decay, l2 in [(0.5, 0.0), (0.0, 0.3), (0.0, 0.0)]:
            for p, g, m, s, tolerance in _vectors(rng):
                n_weights = min(20, p.size)
                constants = AdamConstants(0.9, 0.999, 0.01, weight_decay, l2, n_weights)
                tolerance["rtol"] *= 4  # beta_2 is close to one
                yield Case((p, g, m, s, t, 0.1, constants), **tolerance)


def add_to_average(rng):
    for t in (1, 2, 9):
        for p, g, _, _, tolerance in _vectors(rng):
            yield Case((p, g, t), **tolerance)
