"""Labels that are missing."""

from typing import Any

import numpy as np
import pandas as pd
import sklearn.base


def refuse_missing(labels: Any, name: str) -> None:
    """Raise where labels are missing: NaN, None, pandas.NA, NaT or masked.

    Sorted, all of them would be one class, or one person.

    Parameters
    ----------
    labels : array-like or None
        The labels as the user gave them: made an array of strings, None and NaN are
        words like others.
    name : str
        The name of the argument.

    Raises
    ------
    ValueError
        With the number of labels that are missing.
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
            f"them in, or leave these rows out."
        )


class ClassifierMixin(sklearn.base.ClassifierMixin):
    """scikit-learn's class of this name, whose ``score`` refuses missing labels."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Compute the accuracy of `predict`.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Images or features like those of ``fit``.
        y : array-like of shape (n,)
            The true classes.
        sample_weight : array-like of shape (n,), default=None
            What each image counts; None counts all the same.

        Returns
        -------
        accuracy : float
            From 0 to 1.

        Raises
        ------
        ValueError
            If labels are missing, or ``X`` is not like the images seen in ``fit``.
        """
        refuse_missing(y, "y")
        accuracy: float = super().score(X, y, sample_weight)
        return accuracy
