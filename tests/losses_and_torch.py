"""What the tests of losses share."""

import torch

N_ROWS = 11


def true_class(scores, labels):
    if scores.shape[1] == 1:
        return labels[:, None] == 1
    return torch.nn.functional.one_hot(labels, scores.shape[1]) == 1
