"""An epoch of the perceptron rule, one thread, against scikit-learn's Perceptron.

scikit-learn has no multiclass perceptron: it fits one machine for each class against
all others. Both go through the same rows as often, in random order; what is compared is
the time per epoch. Accuracies are those on images not learned from.
"""

import numpy as np
import pytest
from sklearn.linear_model import Perceptron as ScikitLearnPerceptron
from sklearn.linear_model import SGDClassifier
from threadpoolctl import threadpool_limits

from skvision import Perceptron

N_EPOCHS = 5
COMMON = {"tol": None, "max_iter": N_EPOCHS, "random_state": 0}
SGD = {"loss": "perceptron", "learning_rate": "constant", "eta0": 1.0, "penalty": None}
ROW_BY_ROW = "10,000 CIFAR-10 images, row by row, per epoch"
AVERAGED = "10,000 CIFAR-10 images, averaged, per epoch"
PEERS = {
    "skvision": (ROW_BY_ROW, np.float32, Perceptron(batch_size=1, **COMMON)),
    "skvision, bytes": (ROW_BY_ROW, np.uint8, Perceptron(batch_size=1, **COMMON)),
    "skvision, batches of 100": (
        ROW_BY_ROW,
        np.float32,
        Perceptron(batch_size=100, **COMMON),
    ),
    "skvision, one batch": (ROW_BY_ROW, np.float32, Perceptron(**COMMON)),
    "scikit-learn": (ROW_BY_ROW, np.float32, ScikitLearnPerceptron(**COMMON)),
    "skvision, averaged": (
        AVERAGED,
        np.float32,
        Perceptron(batch_size=1, average=True, **COMMON),
    ),
    "scikit-learn, averaged": (
        AVERAGED,
        np.float32,
        SGDClassifier(average=True, **SGD, **COMMON),
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("peer", PEERS)
def test_epoch(benchmark, cifar, peer):
    group, dtype, model = PEERS[peer]
    rows = cifar.images[:15_000].reshape(15_000, -1)
    if dtype != np.uint8:
        rows = rows / dtype(255)
    y = cifar.labels[:15_000]
    benchmark.group = group
    name = "skvision" if peer == "skvision, averaged" else peer
    benchmark.extra_info.update(name=name, n=N_EPOCHS)
    with threadpool_limits(1):
        benchmark.pedantic(
            model.fit, (rows[:10_000], y[:10_000]), rounds=2, warmup_rounds=1
        )
    accuracy = model.score(rows[10_000:], y[10_000:])
    benchmark.extra_info["accuracy"] = accuracy
    assert np.max(model.n_iter_) == N_EPOCHS
    assert accuracy > (0.3 if group == AVERAGED else 0.09)
