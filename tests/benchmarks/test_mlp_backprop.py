"""An epoch of a network, Adam, batches of 200, against scikit-learn and torch.

All take the same 10,000 rows of floats as they are, in random order, with an L2 penalty
on weights (torch: on all parameters), and as many threads as there are cores. torch's
Adam comes in two builds, of which "fused" is the faster.
"""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier
from torch import nn

from skvision import MLPBackprop

N, BATCH, N_EPOCHS, ALPHA = 10_000, 200, 5, 1e-4
SHAPES = {"3072-512-10": (3072, 512, 10), "784-256-128-10": (784, 256, 128, 10)}


def ours(X, y, hidden, **parameters):
    return MLPBackprop(
        hidden, alpha=ALPHA, batch_size=BATCH, max_iter=N_EPOCHS, **parameters
    ).fit(X, y)


def scikit_learns(X, y, hidden):
    model = MLPClassifier(
        hidden, alpha=ALPHA * N, batch_size=BATCH, max_iter=N_EPOCHS, tol=0.0
    )
    return model.fit(X, y)


class Torchs:
    def __init__(self, X, y, hidden, fused):
        widths = (X.shape[1], *hidden)
        layers = []
        for n_inputs, n_outputs in pairwise(widths):
            layers += [nn.Linear(n_inputs, n_outputs), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.Linear(widths[-1], 10))
        optimizer = torch.optim.Adam(
            self.net.parameters(), lr=1e-3, weight_decay=ALPHA, fused=fused
        )
        X, y = torch.from_numpy(X), torch.from_numpy(y)
        for _ in range(N_EPOCHS):
            for index in torch.randperm(N).split(BATCH):
                optimizer.zero_grad()
                nn.functional.cross_entropy(self.net(X[index]), y[index]).backward()
                optimizer.step()

    def score(self, X, y):
        with torch.no_grad():
            right = self.net(torch.from_numpy(X)).argmax(1) == torch.from_numpy(y)
        return float(right.float().mean())


PEERS = {
    "skvision": lambda X, y, hidden: ours(X, y, hidden, standardize=False),
    "skvision, bytes, standardized": ours,
    "scikit-learn": scikit_learns,
    "torch": lambda X, y, hidden: Torchs(X, y, hidden, fused=False),
    "torch, fused": lambda X, y, hidden: Torchs(X, y, hidden, fused=True),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_epoch(benchmark, cifar, shape, peer):
    n_inputs, *hidden, _ = SHAPES[shape]
    rows = cifar.images[:N].reshape(N, -1)[:, :n_inputs]
    X = np.ascontiguousarray(rows) if "bytes" in peer else rows / np.float32(255)
    y = cifar.labels[:N].astype(np.int64)
    benchmark.group = f"an epoch of {shape}, 10,000 rows, batches of {BATCH}, Adam"
    benchmark.extra_info.update(name=peer, n=N_EPOCHS)
    model = benchmark.pedantic(
        PEERS[peer], (X, y, tuple(hidden)), rounds=5, warmup_rounds=1
    )
    accuracy = model.score(X, y)  # on what it learned from
    benchmark.extra_info["accuracy"] = accuracy
    assert accuracy > 0.2
