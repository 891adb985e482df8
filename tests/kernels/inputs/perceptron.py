"""Inputs of the steps of the perceptron."""

import numpy as np
from kernels.cases import Case, read_only, strided

from skvision._kernels.perceptron import EpochWeights


def _with_all_steps(returned, arguments):
    """Return what is compared, with sums to which no steps are missing."""
    kept = dict(arguments)
    params, sums, since, _, _ = kept.pop("epoch")
    n_steps = kept["n_steps"] + len(kept["index"])
    missing = (n_steps - since)[:, np.newaxis] * params
    sums = sums + missing if sums.size else sums
    return {"returned": returned, **kept, "params": params, "sums": sums}


def _arguments(rng, X, n_classes, dtype, biases=1, average=True, labels=None):
    n, d = X.shape
    n_rows = n_classes if n_classes > 2 else 1
    params = rng.integers(-2, 3, (n_rows, d + 1)).astype(dtype)
    row = np.full(d + 1, biases, dtype)
    sums = np.zeros(params.shape if average else (0, 0), dtype)
    labels = rng.integers(0, n_classes, n) if labels is None else labels
    weights, index = rng.integers(1, 4, n).astype(float), rng.permutation(n)
    index = index[: n - n // 4]
    n_steps = int(rng.integers(0, 9))
    scores, since = np.empty(n_classes, dtype), rng.integers(0, n_steps + 1, n_rows)
    epoch = EpochWeights(params, sums, since, row, scores)
    data = read_only(X), index, labels[index], weights[index]
    return *data, 2.0, epoch, n_steps


def make_steps(rng):
    for of_rows, dtype in [("u1", "f4"), ("u1", "f8"), ("f4", "f4"), ("f8", "f8")]:
        largest = 255 if dtype == "f8" else 3  # whole numbers whose sums are exact
        sizes = [(30, 5, 2), (30, 70, 4), (1, 1, 3), (0, 3, 2)]
        sizes += [tuple(rng.integers((0, 1, 2), (31, 71, 6))) for _ in range(20)]
        for n, d, n_classes in sizes:
            for biases, average, strict in [(1, True, False), (0, False, True)]:
                X = rng.choice([0, 1, 2, largest], (n, d)).astype(of_rows)
                arguments = _arguments(rng, X, n_classes, dtype, biases, average)
                yield Case((*arguments, strict), outputs=_with_all_steps)
    for layout in (np.ascontiguousarray, np.asfortranarray, strided):
        for n_classes in (2, 3):
            X = layout(rng.normal(size=(40, 12)))
            labels = np.arange(40) % n_classes
            arguments = _arguments(rng, X, n_classes, "f8", labels=labels)
            tolerance = {"rtol": 1e-10, "atol": 1e-10}
            yield Case((*arguments, False), outputs=_with_all_steps, **tolerance)
    for n_classes in (2, 3):  # the first of equal scores wins
        labels = np.zeros(3, int)
        arguments = _arguments(rng, np.zeros((3, 2)), n_classes, "f8", 0, True, labels)
        yield Case((*arguments, False), outputs=_with_all_steps)


def add_missing_steps(rng):
    for dtype in ("f4", "f8"):
        for shape in ((1, 4), (3, 71), (2, 1)):
            sums, params = (rng.integers(-3, 4, shape).astype(dtype) for _ in range(2))
            since, row = rng.integers(0, 9, shape[0]), np.ones(shape[1], dtype)
            yield Case((EpochWeights(params, sums, since, row, np.ones(2, dtype)), 9))
