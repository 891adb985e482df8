"""The parameters of networks: their constraints, and which exclude each other."""

from collections import defaultdict
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._contract.solvers import BATCH_CONSTRAINTS
from skvision._layers.activations import ACTIVATIONS

NETWORK_CONSTRAINTS = {
    **{
        name: BATCH_CONSTRAINTS[name]
        for name in (
            "learning_rate",
            "learning_rate_init",
            "momentum",
            "nesterovs_momentum",
            "shuffle",
            "n_iter_no_change",
        )
    },
    "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [StrOptions(set(ACTIVATIONS)), "array-like"],
    "dropout": [Real, "array-like"],
    "batch_norm": ["boolean"],
    "standardize": ["boolean"],
    "augmentation": [callable, None],
    "tta": ["boolean"],
    "solver": [StrOptions({"adam", "adamw", "sgd", "rmsprop", "adagrad", "lbfgs"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "max_gradient_norm": [Interval(Real, 0, None, closed="neither"), None],
    "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "class_weight": [dict, StrOptions({"balanced"}), None],
    "warm_start": ["boolean"],
    "image_shape": ["array-like", None],
    "random_state": ["random_state"],
}


def check_together(
    parameters: Mapping[str, Any], *, has_images: bool, has_validation: bool
) -> None:
    """Raise an error if parameters of a network are incompatible.

    ``has_images`` tells whether the training data has the layout of images, and
    ``has_validation`` whether validation data was passed.
    """
    given = defaultdict(lambda: None, parameters)  # not all networks have all of them
    if has_validation and not given["early_stopping"]:
        raise ValueError(
            "X_val and y_val are not used with early_stopping=False: set "
            "early_stopping=True, and n_iter_no_change=max_iter to only monitor the "
            "validation score, or do not pass them."
        )
    if given["early_stopping"] and given["average_last"]:
        raise ValueError(
            "early_stopping keeps the best epoch, and average_last keeps the mean of "
            "the last epochs: set only one of them."
        )
    asked = [name for name in ("augmentation", "tta") if given[name]]
    if asked and not has_images:
        raise ValueError(
            f"{asked[0]} requires images, and X is flat rows: pass an array of shape "
            f"(n, H, W[, C]), or set image_shape=(H, W[, C])."
        )
    if given["batch_norm"] and given["batch_size"] == 1:
        raise ValueError("batch_norm requires a batch_size of at least 2; got 1.")
    if given["solver"] != "lbfgs":
        return
    given["dropout"] = np.any(given["dropout"])
    given["l1_ratio"] = given["l1_ratio"] and given["alpha"]
    noise = ("dropout", "batch_norm", "augmentation", "l1_ratio")
    epochs = ("early_stopping", "average_last", "max_norm", "max_gradient_norm")
    for why, names in (
        ("requires a smooth, deterministic objective", noise),
        ("has no epochs or mini-batch steps", epochs),
    ):
        asked = [name for name in names if given[name]]
        if asked:
            raise ValueError(
                f'solver="lbfgs" {why}, and does not support '
                f'{" and ".join(asked)}: use another solver, such as "adam", or the '
                f"default."
            )
