"""The perceptron rule written out, and fits of a number of epochs."""

import numpy as np

from skvision import Perceptron

BATCH_SIZES = [1, 8, None]


def steps(X, y, *, n_epochs, batch_size=1, eta0=1.0, weights=None, biases=True):
    """Return mistakes by epoch, and W and b after each step of the rule."""
    n_rows = y.max() + 1 if y.max() > 1 else 1
    W, b = np.zeros((n_rows, X.shape[1])), np.zeros(n_rows)
    weights = np.ones(len(X)) if weights is None else weights
    n_mistakes, Ws, bs = np.zeros(n_epochs, int), [], []
    for epoch in range(n_epochs):
        for start in range(0, len(X), batch_size or len(X)):
            d_W, d_b = np.zeros_like(W), np.zeros_like(b)
            for i in range(start, min(start + (batch_size or len(X)), len(X))):
                scores = W @ X[i] + b
                winner = scores.argmax() if n_rows > 1 else int(scores[0] > 0)
                n_mistakes[epoch] += winner != y[i]
                if n_rows == 1:
                    step = eta0 * weights[i] * (y[i] - winner)
                    d_W[0], d_b[0] = d_W[0] + step * X[i], d_b[0] + step
                elif winner != y[i]:
                    for c, step in ((y[i], 1), (winner, -1)):
                        d_W[c] += step * eta0 * weights[i] * X[i]
                        d_b[c] += step * eta0 * weights[i]
            W, b = W + d_W, b + d_b * biases
            Ws.append(W)
            bs.append(b)
    return n_mistakes.tolist(), np.array(Ws), np.array(bs)


def fit_epochs(n_epochs, X, y, sample_weight=None, **parameters):
    """Make epochs of partial_fit, which keeps the weights of the last step."""
    model = Perceptron(shuffle=False, **parameters)
    for _ in range(n_epochs):
        model.partial_fit(X, y, classes=np.unique(y), sample_weight=sample_weight)
    return model
