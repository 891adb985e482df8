"""Training on mini-batches, from the parts of a recipe."""

import numpy as np

from skvision._layers.dense import Dense
from skvision._layers.network import Network
from skvision._training.epochs import BestEpoch
from skvision._training.minimize import MiniBatches, Start, minimize
from skvision._training.network import batch_objective
from skvision._training.recipe import Recipe, Stopping
from skvision._training.schedules import NO_HISTORY

NO_STATISTICS = np.empty(0)


def minimize_in_batches(
    objective,
    params,
    rows,
    *,
    optimizer,
    schedule,
    batch_size,
    max_iter,
    tol=0.0,
    n_iter_no_change=1000,
    rng=None,
    state=None,
    statistics=NO_STATISTICS,
    average_from=None,
    value_of=None,
    score=None,
    on_epoch=lambda params: False,
    before=NO_HISTORY,
    parts=(),
):
    stopping = Stopping(max_iter, n_iter_no_change)
    recipe = Recipe(None, None, optimizer, schedule, stopping, batch_size, average_from)
    state = optimizer.init(params) if state is None else state
    start = Start(params, statistics, state)
    epochs = MiniBatches(objective, start, rows, recipe, rng, parts)
    judge = BestEpoch(tol, score, value_of)
    return minimize(epochs, judge, stopping, on_epoch=on_epoch, before=before)


def linear_batches(rows, labels, weights, *, loss, penalty):
    """Return the objective of a dense layer, by W (n_outputs, d), followed by b."""
    has_bias, d = rows.center is not None, rows.n_features

    def objective(params, index):
        k = len(params) // (d + has_bias)
        net = Network(Dense(k, has_bias), (d,))
        of_batch = batch_objective(
            net,
            NO_STATISTICS,
            rows,
            labels,
            weights,
            loss=loss,
            penalty=penalty,
            rng=None,
        )
        value, gradient = of_batch(turned(params, (k, d)), index)
        return value, turned(gradient, (d, k))

    return objective


def turned(params, shape):
    """Transpose the matrix of this shape with which a vector starts."""
    n = shape[0] * shape[1]
    W = params[:n].reshape(shape)
    return np.concatenate([W.T.ravel(), params[n:]])
