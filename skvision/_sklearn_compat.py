"""The only file that names a private or version-dependent scikit-learn API."""

from functools import wraps

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

from skvision._images import as_array

__all__ = [
    "Interval",
    "Options",
    "StrOptions",
    "check_feature_names_in",
    "check_sample_weight",
    "fit_context",
    "wrap_only_rows",
]


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
        chosen = method.__wrapped__ if X.ndim > 2 else method
        return chosen(self, X, *args, **kwargs)

    return call
