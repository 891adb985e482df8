"""What a search does by its best estimator."""

from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted


def _best_has(name):
    """Tell whether the best estimator has a method, or will have it."""

    def check(search):
        if not search.refit:
            raise AttributeError(f"{name} needs a search with refit; refit=False.")
        getattr(getattr(search, "best_estimator_", search.estimator), name)
        return True

    return check


class BestEstimatorMethods:
    """The methods of ``best_estimator_``, where it has them; part of a search."""

    @property
    def classes_(self):
        """The classes, of a classifier that was fitted."""
        return self._of_best("classes_")

    @property
    def n_features_in_(self):
        """How many columns the best estimator was fitted with."""
        return self._of_best("n_features_in_")

    def _of_best(self, name):
        if not hasattr(self, "best_estimator_"):
            raise AttributeError(f"{type(self).__name__} has no {name} before a refit.")
        return getattr(self.best_estimator_, name)

    @available_if(_best_has("predict"))
    def predict(self, X):
        """Predict with the best estimator.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            As in ``fit``.

        Returns
        -------
        y : ndarray of shape (n,) or (n, n_outputs)
            What it predicts.
        """
        return self._call_best("predict", X)

    @available_if(_best_has("predict_proba"))
    def predict_proba(self, X):
        """Return the probabilities that the best estimator gives.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            As in ``fit``.

        Returns
        -------
        probabilities : ndarray of shape (n, n_classes)
            From 0 to 1, in the order of ``classes_``.
        """
        return self._call_best("predict_proba", X)

    @available_if(_best_has("predict_log_proba"))
    def predict_log_proba(self, X):
        """Return the logarithms of the probabilities that the best estimator gives.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            As in ``fit``.

        Returns
        -------
        log_probabilities : ndarray of shape (n, n_classes)
            Up to 0, in the order of ``classes_``.
        """
        return self._call_best("predict_log_proba", X)

    @available_if(_best_has("decision_function"))
    def decision_function(self, X):
        """Return the scores that the best estimator gives.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            As in ``fit``.

        Returns
        -------
        scores : ndarray of shape (n,) or (n, n_classes)
            Of the second of two classes, or of each in the order of ``classes_``.
        """
        return self._call_best("decision_function", X)

    @available_if(_best_has("score_samples"))
    def score_samples(self, X):
        """Return how likely the best estimator finds each row.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            As in ``fit``.

        Returns
        -------
        scores : ndarray of shape (n,)
            In its own unit.
        """
        return self._call_best("score_samples", X)

    @available_if(_best_has("transform"))
    def transform(self, X):
        """Transform with the best estimator.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            As in ``fit``.

        Returns
        -------
        transformed : ndarray of shape (n, n_components)
            What it makes of the rows.
        """
        return self._call_best("transform", X)

    @available_if(_best_has("inverse_transform"))
    def inverse_transform(self, X):
        """Undo ``transform`` with the best estimator.

        Parameters
        ----------
        X : array-like of shape (n, n_components)
            As from ``transform``.

        Returns
        -------
        restored : ndarray of shape (n, ...)
            Rows as in ``fit``.
        """
        return self._call_best("inverse_transform", X)

    def _call_best(self, name, X):
        check_is_fitted(self)
        return getattr(self.best_estimator_, name)(X)
