"""Mean loss plus penalty of linear scores: what has an optimum, and how it is found."""

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skvision._linear_classifier import LinearClassifier
from skvision._sklearn_compat import Interval, Progress, StrOptions, whole_fit
from skvision._training import optimizers, schedules
from skvision._training.linear import linear_scores, minimize_linear
from skvision._training.minimize import minimize
from skvision._training.objective import (
    linear_batches,
    linear_objective,
    split_linear,
)
from skvision._training.penalties import elastic_net
from skvision._training.rows import Rows, weighted_mean


class RegularizedLinearClassifier(LinearClassifier):
    """A linear classifier that minimises mean loss plus penalty.

    A subclass says what the loss is, ``_loss``, and its ``_curvature``; or, for the
    hinge, which is not smooth, ``_hinge_of`` and ``margin``.
    """

    _parameter_constraints = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "fit_intercept": ["boolean"],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "solver": [StrOptions({"auto", "sgd", "adagrad", "rmsprop", "adam", "adamw"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [
            StrOptions(
                {"constant", "step", "exponential", "cosine", "invscaling", "adaptive"}
            )
        ],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "nesterovs_momentum": ["boolean"],
        "shuffle": ["boolean"],
        "average": [Interval(Integral, 1, None, closed="left"), "boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def _hinge_of(self, n_outputs):
        """Return the violations that the hinge loss is taken of, None for a loss."""
        return None

    @whole_fit
    def fit(self, X, y, sample_weight=None):
        """Fit the weights.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features. Bytes are computed with as float32, a block of rows at
            a time.
        y : array-like of shape (n,)
            Classes, at least two.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative. With ``solver="auto"``, a row of weight 2
            is the same as that row twice.

        Returns
        -------
        self : estimator
            The fitted classifier.

        Raises
        ------
        ValueError
            If a parameter is out of its range, ``X`` is not finite numbers in one of
            the three layouts, ``y`` has one class only, or ``warm_start`` is set and
            the last fit was of other classes or features.

        Warns
        -----
        ConvergenceWarning
            If the tolerance was not reached in ``max_iter`` iterations or epochs, or a
            mini-batch fit was interrupted: it then keeps the last whole epoch.
        """
        goes_on = self.warm_start and hasattr(self, "coef_")
        problem = self._see(X, y, sample_weight, reset=not goes_on)
        if goes_on and not np.array_equal(problem.classes, self.classes_):
            raise ValueError(
                f"warm_start goes on from a fit of the classes "
                f"{self.classes_.tolist()}; got the classes "
                f"{problem.classes.tolist()}. Set warm_start=False."
            )
        rows = Rows(problem.X, None)
        if self.fit_intercept:
            rows = Rows(problem.X, weighted_mean(rows, problem.shares))
        start = self._start(problem, rows, goes_on)
        with Progress(self, X, y, sample_weight, self.max_iter) as progress:

            def told(params):
                return progress.step(lambda: self._attributes(params, problem, rows))

            fit = self._fit_exactly if self.solver == "auto" else self._fit_in_batches
            params = fit(problem, rows, start, told)
            vars(self).update(self._attributes(params, problem, rows))
        return self

    @whole_fit
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Make one epoch of mini-batches over some pictures, from where it stands.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features, like those before.
        y : array-like of shape (n,)
            Their classes.
        classes : array-like of shape (n_classes,), default=None
            All classes there will be; needed in the first call, and then the same or
            left out.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative. Their mean counts as one.

        Returns
        -------
        self : estimator
            The classifier, a little better fitted.

        Raises
        ------
        ValueError
            If the first call does not name ``classes``, or a later one other classes or
            pictures of another shape; or with ``class_weight="balanced"``, for which
            all labels would have to be known.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                'class_weight="balanced" needs all labels, which partial_fit does not '
                "have: give the weights as a dict, or as sample_weight."
            )
        first = not hasattr(self, "coef_")
        problem = self._see(
            X, y, sample_weight, classes=self._announced(classes), reset=first
        )
        rows = Rows(problem.X, None)
        if first or not hasattr(self, "_batch_state"):
            center = weighted_mean(rows, problem.shares) if self.fit_intercept else None
            self._center, self._batch_state, self.n_iter_ = center, None, 0
            self.loss_curve_, self.validation_scores_ = [], []
        rows = Rows(problem.X, self._center)
        params = self._start(problem, rows, not first).astype(rows.dtype)
        optimizer = self._optimizer(params, rows)
        if self._batch_state is None:
            self._batch_state = optimizer.init(params)
        learning = np.flatnonzero(problem.weights)
        course = minimize(
            self._batch_objective(problem, rows, learning),
            params,
            learning,
            optimizer=optimizer,
            state=self._batch_state,
            schedule=self._schedule(),
            batch_size=self.batch_size,
            max_iter=1,
            tol=0,
            n_iter_no_change=1,
            rng=check_random_state(self.random_state) if self.shuffle else None,
            first_epoch=self.n_iter_,
        )
        curve = [*self.loss_curve_, *course.loss_curve]
        vars(self).update(self._attributes(course.params, problem, rows))
        self.n_iter_, self.loss_curve_ = self.n_iter_ + 1, curve
        return self

    def loss_and_gradient(self, X, y, sample_weight=None):
        """Compute the objective and its gradient at the fitted weights.

        Parameters
        ----------
        X : array-like of shape (n, H, W), (n, H, W, C) or (n, n_features)
            Pictures or features like those of ``fit``.
        y : array-like of shape (n,)
            Elements of ``classes_``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows, not negative.

        Returns
        -------
        value : float
            Mean loss plus penalty.
        gradient : dict of str to ndarray
            Of ``coef_`` and, with ``fit_intercept``, of ``intercept_``, float64. At a
            kink a subgradient.
        """
        check_is_fitted(self, "coef_")
        problem = self._see(X, y, sample_weight, classes=self.classes_, reset=False)
        X = (
            problem.X
            if problem.X.dtype == np.uint8
            else problem.X.astype(self.coef_.dtype, copy=False)
        )
        center = np.zeros(X.shape[1]) if self.fit_intercept else None
        rows = Rows(X.astype(np.float64), center)
        value, gradient = linear_objective(
            rows,
            problem.labels,
            problem.shares,
            loss=self._loss(problem.n_outputs),
            penalty=elastic_net(self.alpha, self.l1_ratio),
        )(self._start(problem, rows, True))
        d_W, d_b = split_linear(gradient, X.shape[1], self.fit_intercept)
        parts = {"coef_": d_W, "intercept_": d_b}
        return value, parts if self.fit_intercept else {"coef_": d_W}

    def _announced(self, classes):
        """Return all classes there will be, as the calls of partial_fit name them."""
        if classes is not None:
            classes = np.unique(classes)
        if not hasattr(self, "coef_"):
            if classes is None:
                raise ValueError(
                    "The first call of partial_fit must name all classes there will "
                    "be: pass classes=np.unique(all labels)."
                )
            return classes
        if classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes={classes.tolist()} is not the same as on the last call of "
                f"partial_fit, {self.classes_.tolist()}: leave it out."
            )
        return self.classes_

    def _start(self, problem, rows, goes_on):
        """Return zeros, or the weights there are in coordinates around the centre."""
        n_features = rows.n_features
        start = np.zeros(problem.n_outputs * (n_features + int(self.fit_intercept)))
        if goes_on:
            W, b = split_linear(start, n_features, self.fit_intercept)
            W[:] = self.coef_
            if self.fit_intercept:
                b[:] = self.intercept_ + W @ rows.center
        return start

    def _attributes(self, params, problem, rows):
        """Return the fitted attributes that make predictions."""
        W, b = split_linear(params, rows.n_features, self.fit_intercept)
        b = b - W @ rows.center if self.fit_intercept else np.zeros(len(W))
        return {
            "classes_": problem.classes,
            "coef_": W.astype(rows.dtype),
            "intercept_": b.astype(rows.dtype),
        }

    def _fit_exactly(self, problem, rows, start, told):
        hinge_of = self._hinge_of(problem.n_outputs)
        with np.errstate(over="ignore", invalid="ignore"):
            minimum = minimize_linear(
                rows,
                problem.labels,
                problem.shares,
                start,
                loss=self._loss(problem.n_outputs),
                curvature=self._curvature(problem.n_outputs),
                hinge_of=hinge_of,
                margin=getattr(self, "margin", 1.0),
                alpha=self.alpha,
                l1_ratio=self.l1_ratio,
                max_iter=self.max_iter,
                tol=self.tol,
                on_iteration=told,
            )
        stuck = minimum.n_iter == 0 and minimum.error > self.tol and not start.any()
        if stuck or not np.isfinite([*minimum.params, minimum.error]).all():
            self._refuse_large(rows)
        if minimum.n_iter >= self.max_iter and minimum.error > self.tol:
            what = "gradient" if hinge_of is None else "relative duality gap"
            warnings.warn(
                f"The fit stopped after max_iter={self.max_iter} iterations with a "
                f"{what} of {minimum.error:.2g}, above tol={self.tol:g}: raise "
                f"max_iter, give the features about unit variance, or raise alpha or "
                f"tol.",
                ConvergenceWarning,
                stacklevel=5,
            )
        self.n_iter_, self.loss_curve_ = minimum.n_iter, minimum.loss_curve
        self.validation_scores_ = []
        self.optimality_ = minimum.error
        return minimum.params

    def _refuse_large(self, rows):
        raise ValueError(
            f"X has values up to {np.abs(rows.X).max():.3g}, too large to compute with "
            f"in {rows.dtype}: scale them, with PixelNormalizer() for instance."
        )

    def _fit_in_batches(self, problem, rows, start, told):
        rng = check_random_state(self.random_state)
        learning = np.flatnonzero(problem.weights)
        score = None
        if self.early_stopping:
            from sklearn.model_selection import train_test_split

            learning, held_out = train_test_split(
                learning,
                test_size=self.validation_fraction,
                stratify=problem.labels[learning],
                random_state=rng,
            )
            score = self._scorer(problem, rows, held_out)
        params = start.astype(rows.dtype)
        optimizer = self._optimizer(params, rows)
        everything = linear_objective(
            rows,
            problem.labels,
            problem.shares,
            loss=self._loss(problem.n_outputs),
            penalty=elastic_net(self.alpha, self.l1_ratio),
        )
        first_value = everything(start)[0]
        with np.errstate(over="ignore", invalid="ignore"):
            course = minimize(
                self._batch_objective(problem, rows, learning),
                params,
                learning,
                optimizer=optimizer,
                state=optimizer.init(params),
                schedule=self._schedule(),
                batch_size=self.batch_size,
                max_iter=self.max_iter,
                tol=self.tol,
                n_iter_no_change=self.n_iter_no_change,
                rng=rng if self.shuffle else None,
                average_from=self.average - 1 if self.average else None,
                score=score,
                on_epoch=told,
            )
        if not np.isfinite([first_value, *course.loss_curve, *course.params]).all():
            raise ValueError(
                f"The loss became {course.loss_curve[-1]:.3g} at "
                f"learning_rate_init={self.learning_rate_init:g} and values of X up to "
                f"{np.abs(rows.X).max():.3g}: lower the one, or scale the other, with "
                f"PixelNormalizer() for instance."
            )
        if course.loss_curve[-1] > first_value:
            warnings.warn(
                f"The loss rose from {first_value:.3g} to {course.loss_curve[-1]:.3g}: "
                f"lower learning_rate_init={self.learning_rate_init:g}.",
                ConvergenceWarning,
                stacklevel=5,
            )
        elif course.interrupted or not course.converged:
            reason = "was interrupted" if course.interrupted else "did not settle"
            warnings.warn(
                f"The fit {reason} and keeps the result of "
                f"{len(course.loss_curve)} of max_iter={self.max_iter} epochs.",
                ConvergenceWarning,
                stacklevel=5,
            )
        self.n_iter_ = len(course.loss_curve)
        self.loss_curve_ = [first_value, *course.loss_curve]
        self.validation_scores_ = course.validation_scores
        return course.params

    def _batch_objective(self, problem, rows, learning):
        decoupled = self.solver == "adamw"  # decays weights outside the gradient
        l1 = self.alpha * self.l1_ratio
        return linear_batches(
            rows,
            problem.labels,
            problem.weights / problem.weights[learning].mean(),
            loss=self._loss(problem.n_outputs),
            penalty=elastic_net(l1, 1.0)
            if decoupled
            else elastic_net(self.alpha, self.l1_ratio),
        )

    def _scorer(self, problem, rows, index):
        """Return ``params -> accuracy`` on the rows ``index``."""
        held_out = Rows(problem.X[index], rows.center)
        labels, weights = problem.labels[index], problem.weights[index]

        def score(params):
            scores = linear_scores(held_out, params)
            best = scores.argmax(1) if scores.shape[1] > 1 else scores[:, 0] > 0
            return float(np.average(best == labels, weights=weights))

        return score

    def _optimizer(self, params, rows):
        n_outputs = len(params) // (rows.n_features + int(self.fit_intercept))
        make = {
            "sgd": lambda: optimizers.sgd(self.momentum, self.nesterovs_momentum),
            "adagrad": optimizers.adagrad,
            "rmsprop": optimizers.rmsprop,
            "adam": optimizers.adam,
            "adamw": lambda: optimizers.adamw(
                self.alpha * (1 - self.l1_ratio), n_outputs * rows.n_features
            ),
        }
        return make["adam" if self.solver == "auto" else self.solver]()

    def _schedule(self):
        rate, n = float(self.learning_rate_init), self.max_iter
        patience = max(1, self.n_iter_no_change // 3)
        make = {
            "constant": lambda: schedules.constant(rate),
            "step": lambda: schedules.step(rate, max(1, -(-n // 3))),
            "exponential": lambda: schedules.exponential(rate, 0.01 ** (1 / n)),
            "cosine": lambda: schedules.cosine(rate, n),
            "invscaling": lambda: schedules.inverse_scaling(rate),
            "adaptive": lambda: schedules.on_plateau(rate, patience, tol=self.tol),
        }
        return make[self.learning_rate]()
