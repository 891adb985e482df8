"""A linear model as a network of one dense layer, which is trained on mini-batches."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from skvision._contract.labeled_rows import LabeledRows
from skvision._layers.dense import Dense
from skvision._layers.network import Network
from skvision._training.minimize import BatchObjective
from skvision._training.network import batch_objective, network_outputs
from skvision._training.recipe import Recipe
from skvision._training.sources import Centered, Source

NO_STATISTICS = np.empty(0)


@dataclass(frozen=True)
class DenseModel:
    """A linear model for centered rows.

    Its parameters are W (n_features, n_outputs) in C order, followed by b (n_outputs,)
    if the rows have a center. Elsewhere in linear models, W is transposed.

    Attributes
    ----------
    rows : Centered
        The rows that the model is trained on.
    problem : LabeledRows
        Their labels and weights.
    learning : ndarray of int
        Indices of the rows to train on.
    """

    rows: Centered
    problem: LabeledRows
    learning: np.ndarray

    @cached_property
    def net(self) -> Network:
        layer = Dense(self.problem.n_outputs, bias=self.rows.center is not None)
        return Network(layer, (self.rows.n_features,))

    def to_dense(self, params: np.ndarray) -> np.ndarray:
        """Return parameters of the model, in its dtype, from transposed ones."""
        shape = self.problem.n_outputs, self.rows.n_features
        return _transposed(params, shape).astype(self.rows.dtype)

    def from_dense(self, params: np.ndarray) -> np.ndarray:
        """Undo `to_dense`."""
        return _transposed(params, (self.rows.n_features, self.problem.n_outputs))

    def objective(self, recipe: Recipe) -> BatchObjective:
        """Return ``(params, index) -> (value, gradient)`` of a batch."""
        weights = self.problem.weights
        return batch_objective(
            self.net,
            NO_STATISTICS,
            self.rows,
            self.problem.labels,
            weights / weights[self.learning].mean(),
            loss=recipe.loss,
            penalty=recipe.penalty,
            rng=None,
        )

    def value_of(self, recipe: Recipe) -> Callable[[np.ndarray], float]:
        """Return ``params -> objective`` of all rows to train on."""
        labels = self.problem.labels[self.learning]
        weights = self.problem.weights[self.learning]
        n_weights = self.net.n_weights

        def value_of(params: np.ndarray) -> float:
            scores = network_outputs(self.net, params, NO_STATISTICS, self.rows)
            exact = scores[self.learning].astype(np.float64)
            value, _ = recipe.loss(exact, labels, weights / weights.sum())
            unused = np.zeros(n_weights)
            return value + recipe.penalty(params[:n_weights], unused)

        return value_of

    def scores(self, params: np.ndarray, source: Source) -> np.ndarray:
        """Return the scores of other rows."""
        rows = Centered(source, self.rows.center)
        return network_outputs(self.net, params, NO_STATISTICS, rows)


def _transposed(params: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Transpose the matrix of this shape with which a vector starts."""
    n_weights = shape[0] * shape[1]
    W = params[:n_weights].reshape(shape)
    return np.concatenate([W.T.reshape(-1), params[n_weights:]])
