"""Mini-batch solvers and learning rate schedules from the parameters of estimators."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from skvision._contract.schedule import Schedule
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._training import optimizers, schedules

PLANNED = ("cosine", "one_cycle")  # schedules that are planned for max_iter epochs

BATCH_CONSTRAINTS = {
    "batch_size": [Interval(Integral, 1, None, closed="left")],
    "learning_rate": [
        StrOptions(
            {
                "constant",
                "step",
                "exponential",
                "cosine",
                "one_cycle",
                "invscaling",
                "adaptive",
            }
        ),
        Schedule,
        callable,
    ],
    "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "nesterovs_momentum": ["boolean"],
    "shuffle": ["boolean"],
    "average": [Interval(Integral, 1, None, closed="left"), "boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
}


def make_optimizer(estimator: Any, n_weights: int) -> Any:
    """Return the optimizer named by ``solver``, which is Adam for ``"auto"``."""
    make: dict[str, Callable[[], Any]] = {
        "sgd": lambda: optimizers.sgd(estimator.momentum, estimator.nesterovs_momentum),
        "adagrad": optimizers.adagrad,
        "rmsprop": optimizers.rmsprop,
        "adam": optimizers.adam,
        "adamw": lambda: optimizers.adamw(
            estimator.alpha * (1 - estimator.l1_ratio), n_weights
        ),
    }
    return make["adam" if estimator.solver == "auto" else estimator.solver]()


def make_schedule(estimator: Any) -> Any:
    """Return the schedule given by ``learning_rate``."""
    given, n = estimator.learning_rate, estimator.max_iter
    rate = float(estimator.learning_rate_init)
    if isinstance(given, Schedule):
        return given.starting_at(rate)
    if callable(given):
        return schedules.called(given)
    patience = max(1, estimator.n_iter_no_change // 3)
    make = {
        "constant": lambda: schedules.constant(rate),
        "step": lambda: schedules.step(rate, max(1, -(-n // 3))),
        "exponential": lambda: schedules.exponential(rate, 0.01 ** (1 / n)),
        "cosine": lambda: schedules.cosine(rate, n),
        "one_cycle": lambda: schedules.one_cycle(rate, n),
        "invscaling": lambda: schedules.inverse_scaling(rate),
        "adaptive": lambda: schedules.on_plateau(rate, patience, tol=estimator.tol),
    }
    return make[given]()


def refuse_ended_plan(estimator: Any, n_done: int) -> None:
    """Raise an error if a schedule planned for ``max_iter`` epochs has ended."""
    if estimator.learning_rate in PLANNED and n_done >= estimator.max_iter:
        raise ValueError(
            f"learning_rate={estimator.learning_rate!r} falls to 0 after "
            f"max_iter={estimator.max_iter} epochs, and {n_done} were completed: "
            f'increase max_iter, or set learning_rate="constant".'
        )
