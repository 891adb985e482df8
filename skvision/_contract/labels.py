"""Validation of labels: missing labels raise an error."""

from typing import Any

import numpy as np
import pandas as pd
import sklearn.base


def refuse_missing(labels: Any, name: str) -> None:
    """Raise an error if labels are missing: NaN, None, pandas.NA, NaT or masked.

    Otherwise all missing labels would become a single class or person.

    Parameters
    ----------
    labels : array-like or None
        The labels as passed by the user. After a conversion to an array of strings,
        None and NaN could not be distinguished from other words.
    name : str
        Name of the argument in the error message.

    Raises
    ------
    ValueError
        If labels are missing.
    """
    if labels is None:
        return
    values = np.asarray(labels, None if hasattr(labels, "dtype") else object)
    missing = np.atleast_1d(pd.isna(values))
    if np.ma.isMaskedArray(labels):
        missing = missing | np.ma.getmaskarray(labels)
    if missing.any():
        raise ValueError(
            f"{name} has {missing.sum()} of {len(missing)} labels missing (NaN, None, "
            f"pandas.NA or NaT), the first in row {np.argwhere(missing)[0, 0]}: fill "
            f"them in, or remove these rows."
        )


class ClassifierMixin(sklearn.base.ClassifierMixin):
    """scikit-learn's mixin, with a ``score`` that rejects missing labels."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predicted classes.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features of the same shape as in ``fit``.
        y : array-like of shape (n,)
            True class labels.
        sample_weight : array-like of shape (n,), default=None
            Sample weights. None gives all samples the same weight.

        Returns
        -------
        accuracy : float
            The fraction of samples that are classified correctly.

        Raises
        ------
        ValueError
            If labels are missing, or ``X`` has another shape than the images seen in
            ``fit``.
        """
        refuse_missing(y, "y")
        accuracy: float = super().score(X, y, sample_weight)
        return accuracy
