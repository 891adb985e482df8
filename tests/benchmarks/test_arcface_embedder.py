"""An epoch of ArcFace against torch with pytorch-metric-learning.

The same rows, network (1024-256-128, batch norm after each layer), batches and AdamW,
of which torch has two builds; as many threads as there are cores.
"""

import math

import numpy as np
import pytest
import torch
from pytorch_metric_learning.losses import ArcFaceLoss
from torch import nn

from skvision import ArcFaceEmbedder

N, N_INPUTS, BATCH, N_EPOCHS, DECAY = 20_000, 1024, 128, 2, 0.01


def ours(X, y, n_classes):
    model = ArcFaceEmbedder(
        128,
        hidden_layer_sizes=(256,),
        batch_size=BATCH,
        max_iter=N_EPOCHS,
        alpha=DECAY,
        standardize=False,
        learning_rate="constant",
        n_iter_no_change=N_EPOCHS,
        random_state=0,
    ).fit(X, y)
    return model.loss_curve_


def torchs(X, y, n_classes, fused=False):
    net = nn.Sequential(
        nn.Linear(N_INPUTS, 256, bias=False),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Linear(256, 128, bias=False),
        nn.BatchNorm1d(128),
    )
    head = ArcFaceLoss(n_classes, 128, margin=math.degrees(0.5), scale=16)
    params = [*net.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(params, 1e-3, weight_decay=DECAY, fused=fused)
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    curve = []
    for _ in range(N_EPOCHS):
        total = 0.0
        for index in torch.randperm(N).split(BATCH):
            optimizer.zero_grad()
            loss = head(net(X[index]), y[index])
            loss.backward()
            optimizer.step()
            total += len(index) * loss.item()
        curve.append(total / N)
    return curve


PEERS = {
    "skvision": ours,
    "pytorch-metric-learning": torchs,
    "pytorch-metric-learning, fused": lambda *of: torchs(*of, fused=True),
}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("n_classes", [40, 10_000])
def test_epoch(benchmark, n_classes, peer):
    rng = np.random.default_rng(0)
    y = np.arange(N) % n_classes
    centers = rng.normal(size=(n_classes, N_INPUTS)).astype(np.float32)
    X = centers[y] + rng.normal(size=(N, N_INPUTS)).astype(np.float32)
    benchmark.group = f"an epoch of ArcFace, 1024-256-128, {n_classes} classes"
    benchmark.extra_info.update(name=peer, n=N_EPOCHS)
    curve = benchmark.pedantic(
        PEERS[peer], (X, y, n_classes), rounds=3, warmup_rounds=1
    )
    benchmark.extra_info["loss"] = curve[-1]
    assert curve[-1] < curve[0]
