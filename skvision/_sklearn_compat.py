"""The only file that names a private or version-dependent scikit-learn API."""

from functools import wraps

from sklearn.base import _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

from skvision._images import as_array

__all__ = [
    "Interval",
    "StrOptions",
    "check_feature_names_in",
    "check_parameters",
    "check_sample_weight",
    "whole_fit",
    "wrap_only_rows",
]


def check_parameters(estimator):
    """Raise where a parameter is not as ``_parameter_constraints`` has it."""
    estimator._validate_params()


def whole_fit(fit):
    """Check the parameters before a fit, and undo a fit that fails; a decorator."""
    checked = _fit_context(prefer_skip_nested_validation=True)(fit)

    @wraps(checked)
    def call(self, *args, **kwargs):
        before = vars(self).copy()
        try:
            return checked(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return call


def wrap_only_rows(transformer):
    """Keep `set_output` from making tables of pictures; a class decorator.

    scikit-learn wraps whatever ``transform`` and ``fit_transform`` return. Here they
    are wrapped where they are given flat rows, which are a table, and not where they
    are given pictures with a height and a width.
    """
    for name in ("transform", "fit_transform"):
        setattr(transformer, name, _wrap_only_rows(getattr(transformer, name)))
    return transformer


def _wrap_only_rows(method):
    @wraps(method)
    def call(self, X, *args, **kwargs):
        X = as_array(X)
        chosen = method.__wrapped__ if getattr(X, "ndim", 2) > 2 else method
        return chosen(self, X, *args, **kwargs)

    return call
