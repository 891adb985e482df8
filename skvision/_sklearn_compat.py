"""The only file that names a private or version-dependent scikit-learn API."""

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils._set_output import _wrap_data_with_container

__all__ = ["Interval", "Options", "StrOptions", "fit_context", "wrap_rows"]


def wrap_rows(estimator, rows, X):
    """Turn transformed ``rows`` into the container that ``set_output`` asks for.

    Transformers whose output may be pictures opt out of scikit-learn's automatic
    wrapping, which makes a table of everything, and call this for rows alone.
    """
    return _wrap_data_with_container("transform", rows, X, estimator)
