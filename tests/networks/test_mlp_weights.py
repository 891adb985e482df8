"""MLPBackprop: weights of rows and of classes."""

import numpy as np
from network_training import (
    ALL_EPOCHS,
    first_arrays,
    make_torch_optimizer,
    module_of,
    train_torch,
)
from torch.nn import functional as F

from skvision import MLPBackprop


def test_weights_in_batches_as_torch(few, rng):
    """Each batch counts by its rows, and each row of it by its weight."""
    X, y = few
    weights, biases = first_arrays(rng, 5, 4, 3)
    counts = rng.random(60)
    counts /= counts.mean()
    model = MLPBackprop(
        4,
        "tanh",
        weight_init=weights,
        bias_init=biases,
        standardize=False,
        alpha=0,
        batch_size=16,
        max_iter=10,
        **ALL_EPOCHS,
    ).fit(X, y, counts)
    module = module_of(weights, biases)
    optimizer = make_torch_optimizer("adam", module, 0.001, 0)
    both = np.c_[y, counts]

    def loss(scores, rows):
        each = F.cross_entropy(scores, rows[:, 0].long(), reduction="none")
        return (rows[:, 1] * each).mean()

    curve = train_torch(
        module, X, both, optimizer, batch_size=16, n_epochs=10, loss=loss
    )
    np.testing.assert_allclose(model.loss_curve_, curve, rtol=1e-10)
