"""Private and version-dependent API of scikit-learn, which only this file uses."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib.util import find_spec
from inspect import isfunction
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._available_if import _AvailableIfDescriptor
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_method_params as check_method_params
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

from skvision._contract.images import as_array

# NumPy's defaults: underflow is ignored, and other floating-point errors warn.
FLOATING_POINT: dict[str, Any] = {
    "divide": "warn",
    "over": "warn",
    "under": "ignore",
    "invalid": "warn",
}


class Estimator(BaseEstimator):
    """Base class of all estimators, with fixed floating-point settings.

    The public methods do not depend on `numpy.seterr` of the caller. Otherwise a
    harmless underflow could raise a FloatingPointError.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        for name, method in list(vars(cls).items()):
            if isfunction(method) and not name.startswith("_"):
                setattr(cls, name, _as_numpy_does(method))
            elif isinstance(method, _AvailableIfDescriptor):
                method.fn = _as_numpy_does(method.fn)
        super().__init_subclass__(**kwargs)


def _as_numpy_does(method: Callable[..., Any]) -> Callable[..., Any]:
    """Run a method with NumPy's default error settings, as `whole_fit` already does."""
    if hasattr(method, "undoes_failures"):
        return method

    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        with np.errstate(**FLOATING_POINT):
            return method(*args, **kwargs)

    return call


class CallbackSupportMixin:
    """scikit-learn's mixin of the same name, imported only when it is used.

    The import loads rich. scikit-learn before 1.9 has no callbacks.
    """

    if find_spec("sklearn.callback"):

        def set_callbacks(self, *callbacks: Any) -> Any:
            """Set the callbacks of ``fit``, replacing those set before.

            Parameters
            ----------
            *callbacks : scikit-learn callbacks
                Callbacks such as ``sklearn.callback.ProgressBar()``. Without arguments,
                all callbacks are removed.

            Returns
            -------
            self : estimator
                The estimator itself.
            """
            from sklearn.callback import CallbackSupportMixin

            return CallbackSupportMixin.set_callbacks(self, *callbacks)

        def _init_callback_context(self, **parameters: Any) -> Any:
            from sklearn.callback import CallbackSupportMixin

            return CallbackSupportMixin._init_callback_context(self, **parameters)


__all__ = [
    "CallbackSupportMixin",
    "Estimator",
    "Interval",
    "Progress",
    "RealNotInt",
    "StrOptions",
    "all_fits_failed",
    "check_feature_names_in",
    "check_method_params",
    "check_parameters",
    "check_sample_weight",
    "end_fit",
    "safe_indexing",
    "task_of",
    "whole_fit",
    "wrap_only_rows",
]


def check_parameters(estimator: Any) -> None:
    """Raise an error if a parameter violates ``_parameter_constraints``, if any."""
    if hasattr(type(estimator), "_parameter_constraints"):
        estimator._validate_params()


def whole_fit(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a fit to check parameters first and to undo a fit that fails.

    An interrupted fit is not undone if it has set ``interrupted_``. This is the last
    thing that `end_fit` does, after the last completed epoch has been stored.
    """
    # also check nested parameters, such as those of an embedder fitted inside
    checked = _fit_context(prefer_skip_nested_validation=False)(fit)

    @wraps(checked)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = vars(self).copy()
        try:
            vars(self).pop("interrupted_", None)
            with np.errstate(**FLOATING_POINT):
                return checked(self, *args, **kwargs)
        except BaseException as error:
            interrupted = isinstance(error, KeyboardInterrupt)
            if not (interrupted and vars(self).get("interrupted_")):
                self.__dict__ = (
                    before  # a single assignment, in case of another interrupt
                )
            raise

    vars(call)["undoes_failures"] = True
    return call


def end_fit(estimator: Any, interrupted: bool, kept: str) -> None:
    """Set ``interrupted_``, and raise an interrupt again, naming what is ``kept``."""
    estimator.interrupted_ = interrupted
    if interrupted:
        raise KeyboardInterrupt(f"The fit was interrupted and keeps {kept}.")


def wrap_only_rows(transformer: type) -> type:
    """Decorate a transformer so that `set_output` applies to flat rows only.

    scikit-learn wraps all outputs of ``transform`` and ``fit_transform``. With this
    class decorator, outputs are converted to tables if the input is flat rows, and not
    if it is images with a height and a width.
    """
    for name in ("transform", "fit_transform"):
        setattr(transformer, name, _wrap_only_rows(getattr(transformer, name)))
    return transformer


def _wrap_only_rows(method: Any) -> Callable[..., Any]:
    @wraps(method)
    def call(self: Any, X: Any, *args: Any, **kwargs: Any) -> Any:
        X = as_array(X)
        chosen = method.__wrapped__ if getattr(X, "ndim", 2) > 2 else method
        return chosen(self, X, *args, **kwargs)

    return call


@contextmanager
def task_of(parent: Any, estimator: Any, name: str, **sizes: Any) -> Iterator[Any]:
    """Notify callbacks of the start and end of a subtask; yield its context.

    ``parent`` is the context of the enclosing task, and ``sizes`` is the number of
    subtasks, as keyword arguments. Before scikit-learn 1.9 there are no contexts, and
    None is yielded.
    """
    if parent is None:
        yield None
        return
    context = parent.subcontext(task_name=name, **sizes)
    yield context.call_on_fit_task_begin(estimator=estimator)
    context.call_on_fit_task_end(estimator=estimator)


def all_fits_failed(error: Any) -> bool:
    """Return whether an error of a scikit-learn search means that all fits failed.

    The error is a plain ValueError, which only its message identifies.
    """
    return re.match(r"\s*All the \d+ fits failed\.", str(error)) is not None


class Progress:
    """Notifies scikit-learn's callbacks of each iteration or epoch of a fit.

    It is a context manager around the fit. Without callbacks, or before scikit-learn
    1.9, it does nothing.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, max_iter: int
    ) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._data = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._n_left = self._max_iter = max_iter
        self._fit: Any = None
        self._iteration: Any = None

    def __enter__(self) -> Self:
        estimator = self._data["estimator"]
        if hasattr(estimator, "_skl_callbacks") or hasattr(
            estimator, "_parent_callback_ctx"
        ):
            self._fit = estimator._init_callback_context(max_subtasks=self._max_iter)
            self._fit.call_on_fit_task_begin(**self._data)
            if hasattr(estimator, "_skl_callbacks"):
                self._begin()
        return self

    def _begin(self, attributes: Callable[..., Any] | None = None) -> None:
        if not self._n_left:
            self._iteration = None
            return
        self._n_left -= 1
        self._iteration = self._fit.subcontext(task_name="iteration")
        self._iteration.call_on_fit_task_begin(
            **self._data, reconstruction_attributes=attributes
        )

    def step(self, attributes: Callable[..., Any]) -> bool:
        """End an iteration and return whether a callback requests to stop.

        ``attributes`` is a callable that returns the fitted attributes by name.
        """
        if self._iteration is None:
            return False
        ended, self._iteration = self._iteration, None
        stop = ended.call_on_fit_task_end(
            **self._data, reconstruction_attributes=attributes
        )
        self._begin(attributes)
        return bool(stop)

    def __exit__(self, kind: type | None, error: Any, traceback: Any) -> None:
        if self._iteration is not None:  # it was started but not completed
            self._iteration.call_on_fit_task_end(estimator=self._data["estimator"])
        if self._fit is not None and kind is None:
            self._fit.call_on_fit_task_end(**self._data, reconstruction_attributes={})
