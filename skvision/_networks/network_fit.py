"""How a network is fitted, by the parameters that estimators of networks share."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skvision._contract.divergence import advice_on_divergence, advice_on_extremes
from skvision._contract.labeled_rows import LabeledRows
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._contract.solvers import (
    BATCH_CONSTRAINTS,
    PLANNED,
    make_optimizer,
    make_schedule,
)
from skvision._contract.warn import warn
from skvision._networks.architecture import ACTIVATIONS
from skvision._training.lbfgs import minimize_lbfgs
from skvision._training.minimize import Course, batches, minimize
from skvision._training.network import (
    batch_objective,
    learn_statistics,
    whole_objective,
)
from skvision._training.optimizers import adam, clipped, projected, resumed
from skvision._training.parallel import one_thread_for_blas
from skvision._training.penalties import elastic_net, l2_value, max_norm
from skvision._training.schedules import NO_HISTORY
from skvision._training.standard import learn_standard

SMALL = 2**23  # multiply-adds of a batch that one thread does as fast as two
RISEN = 10  # times what it was in the first epoch: no noise raises a loss so far

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
    """Raise where parameters do not go with each other.

    ``rates`` are those of dropout, and ``has_validation`` says whether images to
    validate on were given.
    """
    if has_validation and not estimator.early_stopping:
        raise ValueError(
            "X_val and y_val were given, and early_stopping=False would not use them: "
            "set early_stopping=True (and n_iter_no_change as large as max_iter, to "
            "only watch), or leave them out."
        )
    if estimator.early_stopping and estimator.average_last:
        raise ValueError(
            "early_stopping keeps the best epoch and average_last the mean of the last "
            "ones: ask for one of them."
        )
    pictures = {"augmentation": estimator.augmentation, "tta": estimator.tta}
    asked = [name for name in pictures if pictures[name]]
    if asked and estimator.image_shape_ is None:
        raise ValueError(
            f"{asked[0]} needs images, and X are flat rows: pass (n, H, W[, C]) "
            f"arrays, or say image_shape=(H, W[, C])."
        )
    if estimator.batch_norm and estimator.batch_size == 1:
        raise ValueError("batch_norm needs batch_size=2 at least; got 1.")
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
        ("a smooth function without noise", noise),
        ("no steps", epochs),
    ):
        asked = [name for name in names if names[name]]
        if asked:
            needs = "needs" if names is noise else "has"
            other = 'another solver, such as "adam"'
            raise ValueError(
                f'solver="lbfgs" {needs} {why}, and does not go with '
                f"{' and '.join(asked)}: leave that out, or take {other}."
            )


def standard_of(estimator: Any, X: Any, shares: np.ndarray) -> Any:
    """Return what ``standardize`` asks for, None for nothing."""
    if not estimator.standardize:
        return None
    n_channels = None if estimator.image_shape_ is None else estimator.image_shape_[2]
    return learn_standard(X, shares, n_channels)


def augment_of(estimator: Any) -> Any:
    """Return ``(rows, rng) -> rows``, None without augmentation."""
    if estimator.augmentation is None:
        return None
    height, width, channels = estimator.image_shape_

    def augment(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images = rows.reshape(-1, height, width, channels)
        changed = np.asarray(estimator.augmentation(images, rng))
        if changed.shape != images.shape or changed.dtype != images.dtype:
            raise ValueError(
                f"augmentation must return images like those it is given, "
                f"{images.dtype} of shape {images.shape}; it returned {changed.dtype} "
                f"of shape {changed.shape}."
            )
        return changed.reshape(rows.shape)

    return augment


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
    told: Callable[..., Any] = lambda params, statistics: False,
) -> Course:
    """Train a network by mini-batches.

    ``start`` is (params, statistics), ``learning`` the rows to learn from, ``state``
    what the optimizer remembers, None for nothing, and ``before`` the history of the
    epochs before; ``score`` and ``told`` take (params, statistics). Returns a `Course`.
    """
    if net.n_statistics and len(learning) < 2:
        raise ValueError(
            "batch_norm needs two rows to learn from at least, better many; got one."
        )
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
        course = minimize(
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
            on_epoch=lambda now: told(now, statistics),
            before=before,
            statistics=statistics,
            parts=net.weight_slices(),
        )
    if averaged and net.n_statistics and len(course.loss_curve) > n_epochs - averaged:
        order = rng.permutation(learning) if estimator.shuffle else learning
        parts = batches(order, batch_size)
        learn = partial(
            learn_statistics, net, course.params, inputs, weights, parts, rng
        )
        try:
            course.statistics = learn()
        except KeyboardInterrupt:  # the average is of no use without them
            course.interrupted, course.statistics = True, learn()
    _warn(estimator, course, inputs)
    return course


def threads_for(net: Any, batch_size: int) -> Any:
    """Return the context for matrix products: small ones wait longer than they take."""
    small = batch_size * net.n_weights < SMALL
    return one_thread_for_blas if small else nullcontext()


def _optimizer_and_penalty(estimator: Any, net: Any) -> tuple[Any, Callable[..., Any]]:
    alpha, l1_ratio = estimator.alpha, estimator.l1_ratio
    optimizer = make_optimizer(estimator, net.n_weights)
    penalty = elastic_net(alpha, l1_ratio)
    if estimator.solver == "adamw":  # decays weights outside the gradient
        penalty = elastic_net(alpha * l1_ratio, 1.0)
    elif (
        estimator.solver == "adam"
        and l1_ratio == 0
        and estimator.max_gradient_norm is None
    ):  # one pass instead of three
        optimizer = adam(l2=alpha, n_weights=net.n_weights)
        penalty = l2_value(alpha)
    if estimator.max_gradient_norm is not None:
        optimizer = clipped(optimizer, estimator.max_gradient_norm)
    if estimator.max_norm is None:
        return optimizer, penalty

    def shorten(params: Any) -> None:
        for weights in net.views(params)[: len(net.shapes.weights)]:
            max_norm(weights.T, estimator.max_norm)

    return projected(optimizer, shorten), penalty


def _warn(estimator: Any, course: Course, inputs: Any) -> None:
    done = len(course.loss_curve)
    first, last = (course.loss_curve or [0.0])[0], (course.loss_curve or [0.0])[-1]
    rose = last > RISEN * max(first, 1)
    if not (course.diverged or rose):
        return
    scaled = inputs.standard is not None
    advice = advice_on_divergence(estimator, inputs.X, inputs.dtype, scaled=scaled)
    if course.diverged:
        before = getattr(estimator, "n_iter_", 0)  # epochs of earlier fits
        kept = f"after epoch {before + done}" if before + done else "at the start"
        if done and course.validation_scores:
            kept = "of the best epoch"
        message = (
            f"The loss became infinite or NaN in epoch {before + done + 1}; the "
            f"weights kept are those {kept}. {advice}"
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
    told: Callable[..., Any],
) -> Course:
    """Train a network by L-BFGS. ``start`` is (params, statistics); returns a Course.

    ``told`` takes (params, statistics).
    """
    params, statistics = start
    objective: Any = whole_objective(
        net,
        statistics,
        inputs,
        problem.labels,
        problem.shares,
        loss=loss,
        penalty=elastic_net(estimator.alpha, estimator.l1_ratio),
    )
    with (
        threads_for(net, len(problem.X)),
        np.errstate(over="ignore", invalid="ignore"),
    ):
        minimum = minimize_lbfgs(
            objective,
            params.astype(np.float64),
            max_iter=estimator.max_iter,
            tol=estimator.tol,
            rounding=float(np.finfo(inputs.dtype).eps),
            on_iteration=lambda params: told(params, statistics),
        )
    course = Course(minimum.params.astype(inputs.dtype), statistics)
    course.loss_curve = minimum.loss_curve[1:]
    course.converged = minimum.error <= estimator.tol
    course.learning_rates = [np.nan] * minimum.n_iter
    course.update_ratios = [[np.nan] * len(net.shapes.weights)] * minimum.n_iter
    if not np.isfinite([minimum.error, *minimum.params]).all():
        X = inputs.X if inputs.standard is None else np.ones(1)
        advice = advice_on_extremes(estimator, X, inputs.dtype)
        raise ValueError(f"The loss became infinite or NaN. {advice}")
    if not course.converged and minimum.n_iter >= estimator.max_iter:
        warn(
            f"L-BFGS stopped after max_iter={estimator.max_iter} iterations with a "
            f"gradient of {minimum.error:.2g}, above tol={estimator.tol:g}: raise "
            f"max_iter or tol.",
            ConvergenceWarning,
        )
    return course
