"""Training of networks, from the parameters of an estimator."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skvision._contract.divergence import (
    advice_on_divergence,
    advice_on_extremes,
    largest_value,
)
from skvision._contract.labeled_rows import LabeledRows
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._contract.solvers import (
    BATCH_CONSTRAINTS,
    PLANNED,
    make_optimizer,
    make_schedule,
)
from skvision._contract.warn import warn
from skvision._layers.activations import ACTIVATIONS
from skvision._training.lbfgs import minimize_lbfgs
from skvision._training.minimize import FitResult, batches, minimize
from skvision._training.moments import learn_standard
from skvision._training.network import (
    batch_objective,
    learn_statistics,
    whole_objective,
)
from skvision._training.optimizers import adam, clipped, projected, resumed
from skvision._training.parallel import one_thread_for_blas
from skvision._training.penalties import elastic_net, l2_value, max_norm
from skvision._training.schedules import NO_HISTORY
from skvision._training.sources import Augmented, Source, Standardized

SMALL = 2**23  # multiply-adds per batch below which one thread is fastest
RISEN = 10  # factor by which noise alone does not increase the loss

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
    estimator: Any, rates: tuple[float, ...], has_validation: bool
) -> None:
    """Raise an error if parameters are incompatible.

    ``rates`` are the rates of dropout, and ``has_validation`` tells whether validation
    data was passed.
    """
    if has_validation and not estimator.early_stopping:
        raise ValueError(
            "X_val and y_val are not used with early_stopping=False: set "
            "early_stopping=True, and n_iter_no_change=max_iter to only monitor the "
            "validation score, or do not pass them."
        )
    if estimator.early_stopping and estimator.average_last:
        raise ValueError(
            "early_stopping keeps the best epoch, and average_last keeps the mean of "
            "the last epochs: set only one of them."
        )
    for_images = {"augmentation": estimator.augmentation, "tta": estimator.tta}
    asked = [name for name in for_images if for_images[name]]
    if asked and estimator.image_shape_ is None:
        raise ValueError(
            f"{asked[0]} requires images, and X is flat rows: pass an array of shape "
            f"(n, H, W[, C]), or set image_shape=(H, W[, C])."
        )
    if estimator.batch_norm and estimator.batch_size == 1:
        raise ValueError("batch_norm requires a batch_size of at least 2; got 1.")
    if estimator.solver != "lbfgs":
        return
    noise = {
        "dropout": any(rates),
        "batch_norm": estimator.batch_norm,
        "augmentation": estimator.augmentation is not None,
        "l1_ratio": estimator.l1_ratio * estimator.alpha > 0,
    }
    epochs = {
        "early_stopping": estimator.early_stopping,
        "average_last": estimator.average_last,
        "max_norm": estimator.max_norm,
        "max_gradient_norm": estimator.max_gradient_norm,
    }
    for why, names in (
        ("requires a smooth, deterministic objective", noise),
        ("has no epochs or mini-batch steps", epochs),
    ):
        asked = [name for name in names if names[name]]
        if asked:
            raise ValueError(
                f'solver="lbfgs" {why}, and does not support '
                f'{" and ".join(asked)}: use another solver, such as "adam", or the '
                f"default."
            )


def standard_of(estimator: Any, source: Source, sample_weight: np.ndarray) -> Any:
    """Return the means and standard deviations, or None if ``standardize=False``."""
    if not estimator.standardize:
        return None
    n_channels = None if estimator.image_shape_ is None else estimator.image_shape_[2]
    return learn_standard(source, sample_weight, n_channels)


def augmented(estimator: Any, source: Source, rng: np.random.Generator) -> Source:
    """Return a source of augmented rows, or the source itself without augmentation."""
    if estimator.augmentation is None:
        return source
    height, width, channels = estimator.image_shape_

    def augment(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images = rows.reshape(-1, height, width, channels)
        changed = np.asarray(estimator.augmentation(images, rng))
        if changed.shape != images.shape or changed.dtype != images.dtype:
            raise ValueError(
                f"augmentation must return images of the same dtype and shape, "
                f"{images.dtype} of shape {images.shape}; it returned {changed.dtype} "
                f"of shape {changed.shape}."
            )
        return changed.reshape(rows.shape)

    return Augmented(source, augment, rng)


def fit_in_batches(
    estimator: Any,
    net: Any,
    start: tuple[np.ndarray, np.ndarray],
    inputs: Any,
    problem: LabeledRows,
    learning: np.ndarray,
    *,
    loss: Callable[..., Any],
    state: Any,
    rng: np.random.Generator,
    n_epochs: int,
    before: Mapping[str, Any] = NO_HISTORY,
    score: Callable[..., Any] | None = None,
    on_epoch: Callable[..., Any] = lambda params, statistics: False,
) -> FitResult:
    """Train a network on mini-batches and return a `FitResult`.

    ``start`` is the pair (params, statistics), ``learning`` the indices of the training
    rows, ``state`` the state of the optimizer or None, and ``before`` the history of
    the previous epochs. ``score`` and ``on_epoch`` are called with (params,
    statistics).
    """
    if net.n_statistics and len(learning) < 2:
        raise ValueError("batch_norm requires at least two training samples; got one.")
    params, statistics = (np.array(part, inputs.dtype) for part in start)
    batch_size = estimator.batch_size
    if batch_size == "auto":
        batch_size = min(200, len(learning))
    weights = problem.weights / problem.weights[learning].mean()
    optimizer, penalty = _optimizer_and_penalty(estimator, net)
    state = resumed(state, optimizer.init(params))
    averaged = estimator.average_last
    until_end = averaged or estimator.learning_rate in PLANNED
    with threads_for(net, batch_size), np.errstate(over="ignore", invalid="ignore"):
        result = minimize(
            batch_objective(
                net,
                statistics,
                inputs,
                problem.labels,
                weights,
                loss=loss,
                penalty=penalty,
                rng=rng,
            ),
            params,
            learning,
            optimizer=optimizer,
            state=state,
            schedule=make_schedule(estimator),
            batch_size=batch_size,
            max_iter=n_epochs,
            tol=estimator.tol,
            n_iter_no_change=n_epochs + 1 if until_end else estimator.n_iter_no_change,
            rng=rng if estimator.shuffle else None,
            average_from=max(0, n_epochs - averaged) * len(learning)
            if averaged
            else None,
            score=None if score is None else lambda now: score(now, statistics),
            on_epoch=lambda now: on_epoch(now, statistics),
            before=before,
            statistics=statistics,
            parts=[slot.place for slot in net.weights],
        )
    if averaged and net.n_statistics and len(result.loss_curve) > n_epochs - averaged:
        order = rng.permutation(learning) if estimator.shuffle else learning
        parts = batches(order, batch_size)
        learn = partial(
            learn_statistics, net, result.params, inputs, weights, parts, rng
        )
        try:
            result.statistics = learn()
        except KeyboardInterrupt:  # the average is unusable without its statistics
            result.interrupted, result.statistics = True, learn()
    _warn(estimator, result, problem.source, inputs)
    return result


def threads_for(net: Any, batch_size: int) -> Any:
    """Return a context that limits small matrix products to one thread."""
    small = batch_size * net.n_weights < SMALL
    return one_thread_for_blas if small else nullcontext()


def _optimizer_and_penalty(estimator: Any, net: Any) -> tuple[Any, Callable[..., Any]]:
    alpha, l1_ratio = estimator.alpha, estimator.l1_ratio
    optimizer = make_optimizer(estimator, net.n_weights)
    penalty = elastic_net(alpha, l1_ratio)
    if estimator.solver == "adamw":  # the L2 part is applied as weight decay
        penalty = elastic_net(alpha * l1_ratio, 1.0)
    elif (
        estimator.solver == "adam"
        and l1_ratio == 0
        and estimator.max_gradient_norm is None
    ):  # one pass over the parameters instead of three
        optimizer = adam(l2=alpha, n_weights=net.n_weights)
        penalty = l2_value(alpha)
    if estimator.max_gradient_norm is not None:
        optimizer = clipped(optimizer, estimator.max_gradient_norm)
    if estimator.max_norm is None:
        return optimizer, penalty

    def shorten(params: Any) -> None:
        for slot in net.weights:
            max_norm(slot.parameter.by_unit(slot.of(params)), estimator.max_norm)

    return projected(optimizer, shorten), penalty


def _warn(
    estimator: Any, result: FitResult, source: Source, inputs: Standardized
) -> None:
    done = len(result.loss_curve)
    first, last = (result.loss_curve or [0.0])[0], (result.loss_curve or [0.0])[-1]
    rose = last > RISEN * max(first, 1)
    if not (result.diverged or rose):
        return
    scaled = inputs.standard is not None
    advice = advice_on_divergence(estimator, source, inputs.dtype, scaled=scaled)
    if result.diverged:
        before = getattr(estimator, "n_iter_", 0)  # epochs of earlier fits
        kept = f"after epoch {before + done}" if before + done else "at the start"
        if done and result.validation_scores:
            kept = "of the best epoch"
        message = (
            f"The loss became infinite or NaN in epoch {before + done + 1}. The fit "
            f"keeps the weights {kept}. {advice}"
        )
    else:
        message = f"The loss rose from {first:.3g} to {last:.3g}. {advice}"
    warn(message, ConvergenceWarning)


def fit_whole(
    estimator: Any,
    net: Any,
    start: tuple[np.ndarray, np.ndarray],
    inputs: Any,
    problem: LabeledRows,
    *,
    loss: Callable[..., Any],
    on_epoch: Callable[..., Any],
) -> FitResult:
    """Train a network by L-BFGS and return a `FitResult`.

    ``start`` is the pair (params, statistics), with which ``on_epoch`` is called.
    """
    params, statistics = start
    objective: Any = whole_objective(
        net,
        statistics,
        inputs,
        problem.labels,
        problem.normalized_weights,
        loss=loss,
        penalty=elastic_net(estimator.alpha, estimator.l1_ratio),
    )
    with (
        threads_for(net, len(problem.source)),
        np.errstate(over="ignore", invalid="ignore"),
    ):
        minimum = minimize_lbfgs(
            objective,
            params.astype(np.float64),
            max_iter=estimator.max_iter,
            tol=estimator.tol,
            rounding=float(np.finfo(inputs.dtype).eps),
            on_iteration=lambda params: on_epoch(params, statistics),
        )
    result = FitResult(minimum.params.astype(inputs.dtype), statistics)
    result.loss_curve = minimum.loss_curve[1:]
    result.converged = minimum.error <= estimator.tol
    result.learning_rates = [np.nan] * minimum.n_iter
    result.update_ratios = [[np.nan] * len(net.weights)] * minimum.n_iter
    if not np.isfinite([minimum.error, *minimum.params]).all():
        scaled = inputs.standard is not None
        largest = 1.0 if scaled else largest_value(problem.source)
        advice = advice_on_extremes(estimator, largest, inputs.dtype)
        raise ValueError(f"The loss became infinite or NaN. {advice}")
    if not result.converged and minimum.n_iter >= estimator.max_iter:
        warn(
            f"L-BFGS stopped after max_iter={estimator.max_iter} iterations with a "
            f"gradient of {minimum.error:.2g}, above tol={estimator.tol:g}: increase "
            f"max_iter or tol.",
            ConvergenceWarning,
        )
    return result
