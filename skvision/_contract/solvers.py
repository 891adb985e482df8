"""Mini-batch solvers and learning rate schedules from the parameters of estimators."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

from skvision._contract.schedule import Schedule
from skvision._contract.sklearn_compat import Interval, StrOptions
from skvision._layers.network import Network
from skvision._training import optimizers, schedules
from skvision._training.penalties import Penalty, elastic_net, l2_value, max_norm

_PLAIN: dict[str, Callable[[], optimizers.Optimizer]] = {
    "adam": optimizers.adam,
    "adagrad": optimizers.adagrad,
    "rmsprop": optimizers.rmsprop,
}
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


class Regularization(NamedTuple):
    """What keeps weights and steps small; None means no limit."""

    alpha: float
    l1_ratio: float = 0.0
    max_norm: float | None = None
    max_gradient_norm: float | None = None

    def penalty(self) -> Penalty:
        """Return the elastic net."""
        return elastic_net(self.alpha, self.l1_ratio)


def make_optimizer(
    net: Network,
    solver: str,
    momentum: float,
    nesterovs_momentum: bool,
    regularization: Regularization,
) -> tuple[optimizers.Optimizer, Penalty]:
    """Return the optimizer that ``solver`` names, and the penalty to use with it.

    AdamW applies the L2 part of the penalty as weight decay. Adam adds its gradient in
    the same pass over the parameters, unless gradients are clipped.
    """
    alpha, l1_ratio, norm, gradient_norm = regularization
    penalty = regularization.penalty()
    if solver == "adamw":
        optimizer = optimizers.adamw(alpha * (1 - l1_ratio), net.n_weights)
        penalty = elastic_net(alpha * l1_ratio, 1.0)
    elif solver == "adam" and l1_ratio == 0 and gradient_norm is None:
        optimizer = optimizers.adam(l2=alpha, n_weights=net.n_weights)
        penalty = l2_value(alpha)
    elif solver == "sgd":
        optimizer = optimizers.sgd(momentum, nesterovs_momentum)
    else:
        optimizer = _PLAIN[solver]()
    if gradient_norm is not None:
        optimizer = optimizers.clipped(optimizer, gradient_norm)
    if norm is None:
        return optimizer, penalty

    def shorten(params: Any) -> None:
        for slot in net.weights:
            max_norm(slot.parameter.by_unit(slot.of(params)), norm)

    return optimizers.projected(optimizer, shorten), penalty


def make_schedule(
    learning_rate: Any,
    first: float,
    *,
    max_iter: int,
    n_iter_no_change: int,
    tol: float,
) -> schedules.Schedule:
    """Return the schedule given by ``learning_rate``; ``first`` is the first rate."""
    first = float(first)
    if isinstance(learning_rate, Schedule):
        schedule: schedules.Schedule = learning_rate.starting_at(first)
        return schedule
    if callable(learning_rate):
        return schedules.called(learning_rate)
    patience = max(1, n_iter_no_change // 3)
    make: dict[str, Callable[[], schedules.Schedule]] = {
        "constant": lambda: schedules.constant(first),
        "step": lambda: schedules.step(first, max(1, -(-max_iter // 3))),
        "exponential": lambda: schedules.exponential(first, 0.01 ** (1 / max_iter)),
        "cosine": lambda: schedules.cosine(first, max_iter),
        "one_cycle": lambda: schedules.one_cycle(first, max_iter),
        "invscaling": lambda: schedules.inverse_scaling(first),
        "adaptive": lambda: schedules.on_plateau(first, patience, tol=tol),
    }
    return make[learning_rate]()


def refuse_ended_plan(learning_rate: Any, max_iter: int, n_done: int) -> None:
    """Raise an error if a schedule planned for ``max_iter`` epochs has ended."""
    if learning_rate in PLANNED and n_done >= max_iter:
        raise ValueError(
            f"learning_rate={learning_rate!r} falls to 0 after "
            f"max_iter={max_iter} epochs, and {n_done} were completed: "
            f'increase max_iter, or set learning_rate="constant".'
        )
