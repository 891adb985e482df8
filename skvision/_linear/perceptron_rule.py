"""The perceptron rule, row by row or in batches."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from skvision._contract.labeled_rows import LabeledRows
from skvision._training.losses import perceptron
from skvision._training.minimize import batches
from skvision._training.parallel import for_each_block, one_thread_for_blas
from skvision._training.rows import Rows

MORE_PATIENCE = 20  # times as much with one batch, of which an epoch is but one step
MAX_CHUNKS = 16  # what threads share, whatever their number; each has a gradient
CHUNK_ELEMENTS = 2**19  # at least so many numbers in one, to be worth a thread


class Seen(NamedTuple):
    """Mistakes among some rows, the weight of those, and the weighted sum of losses."""

    n_mistakes: int
    missed: float
    loss: float


def look_at(
    problem: LabeledRows,
    index: np.ndarray,
    params: Any,
    fit_intercept: bool = True,
    strict: bool = False,
) -> tuple[Seen, np.ndarray]:
    """Return what is `Seen` of some rows, and the gradient of their summed loss.

    If ``strict``, a class has to win alone: a tie counts as a mistake. Chunks of the
    rows go on threads; the result does not depend on their number.
    """
    n_chunks = math.ceil(len(index) * params.shape[1] / CHUNK_ELEMENTS)
    chunk_size = math.ceil(len(index) / min(n_chunks, MAX_CHUNKS))
    found = {}

    def look(chunk: slice) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            found[chunk.start] = _look_at_chunk(
                problem, index[chunk], params, fit_intercept, strict
            )

    with one_thread_for_blas as n_threads:
        for_each_block(look, len(index), chunk_size, n_threads)
    seen, gradients = zip(*(found[start] for start in sorted(found)), strict=True)
    gradient: Any = sum(gradients)
    return _add(seen), gradient


def _look_at_chunk(
    problem: LabeledRows,
    index: np.ndarray,
    params: Any,
    fit_intercept: bool,
    strict: bool,
) -> tuple[Seen, np.ndarray]:
    rows, gradient, seen = Rows(problem.X, None), np.zeros_like(params), []
    for block in rows.blocks():
        part = index[block]
        if not len(part):
            break
        neighbors = (np.diff(part) == 1).all()  # a slice of rows need not be copied
        x = rows.draw(slice(part[0], part[-1] + 1) if neighbors else part)
        x = x.astype(params.dtype, copy=False)
        scores = x @ params[:, :-1].T + params[:, -1]
        weights, labels = problem.weights[part], problem.labels[part]
        if strict:
            _lose_ties(scores, labels)
        loss, d_scores = perceptron(scores, labels, weights)
        gradient[:, :-1] += d_scores.T @ x
        if fit_intercept:
            gradient[:, -1] += d_scores.sum(axis=0)
        wrong = d_scores.any(axis=1)
        seen.append(Seen(int(wrong.sum()), float(weights[wrong].sum()), loss))
    return _add(seen), gradient


def _lose_ties(scores: Any, labels: Any) -> Any:
    """Move the scores, in place, by as little as makes true classes lose ties."""
    if scores.shape[1] == 1:  # the first of two classes has the score 0, and wins ties
        scores[:] = np.where(labels[:, None], scores, np.nextafter(scores, np.inf))
        return
    rows = np.arange(len(scores))
    scores[rows, labels] = np.nextafter(scores[rows, labels], -np.inf)


def _add(seen: Any) -> Seen:
    return Seen(*map(sum, zip(*seen, strict=True)))


@dataclass
class Rule:
    """The perceptron rule, and the rows it learns from."""

    problem: Any
    learning: np.ndarray  # the rows of weight
    rate: float
    fit_intercept: bool
    batch_size: int  # 1 for row by row
    rng: Any  # None leaves the rows in their order
    strict: bool = False  # whether ties count as mistakes
    ahead: Any = None  # what `look_ahead` found, for the next step

    def look_ahead(self, weights: "Weights") -> Any:
        """Return what is seen of all rows before the next step."""
        self.ahead = look_at(
            self.problem, self.learning, weights.params, self.fit_intercept
        )
        return self.ahead[0]

    def look(self, params: Any) -> Seen:
        """Return what is seen of all rows with other weights."""
        return look_at(self.problem, self.learning, params)[0]

    def epoch(self, weights: "Weights") -> Seen:
        """Move weights by all rows and return what was seen before each step."""
        order = self.learning
        if self.rng is not None and self.batch_size < len(order):
            order = self.rng.permutation(order)
        go = self._row_by_row if self.batch_size == 1 else self._in_batches
        with one_thread_for_blas, np.errstate(over="ignore", invalid="ignore"):
            seen = go(weights, order)
        if not (np.isfinite(seen.loss) and np.isfinite(weights.params).all()):
            raise ValueError(
                f"X has values up to {np.abs(self.problem.X).max():.3g}, too large to "
                f"compute with in {weights.params.dtype}: scale them, with "
                f"PixelNormalizer() for instance."
            )
        return seen

    def _in_batches(self, weights: "Weights", order: np.ndarray) -> Seen:
        seen = []
        for batch in batches(order, self.batch_size):
            of_batch, gradient = self.ahead or look_at(
                self.problem, batch, weights.params, self.fit_intercept, self.strict
            )
            self.ahead = None
            seen.append(of_batch)
            weights.params -= self.rate * gradient
            weights.n_steps += 1
            if weights.total is not None:
                weights.total += weights.params
        return _add(seen)

    def _row_by_row(self, weights: "Weights", order: np.ndarray) -> Seen:
        from skvision._kernels.perceptron import epoch

        problem, params = self.problem, weights.params
        row = np.ones(params.shape[1], params.dtype)
        row[-1] = self.fit_intercept
        sums = np.zeros((0, 0) if weights.total is None else params.shape, row.dtype)
        n_mistakes, loss = epoch(
            problem.X,
            order,
            problem.labels,
            problem.weights,
            self.rate,
            params,
            row,
            np.empty(len(problem.classes), row.dtype),
            sums,
            np.empty(len(params), np.intp),
            self.strict,
        )
        weights.n_steps += len(order)
        if weights.total is not None:
            weights.total += sums
        return Seen(n_mistakes, np.nan, loss)


class Weights:
    """Weights, the biases being the last column, and their sum over all steps."""

    def __init__(self, params: Any, average: bool) -> None:
        self.params, self.n_steps = params, 0
        self.total = np.zeros(params.shape) if average else None

    def result(self) -> np.ndarray:
        """Return the mean over all steps, where it is wanted, or a copy."""
        mean = self.params if self.total is None else self.total / self.n_steps
        return mean.astype(self.params.dtype)


@dataclass
class Course:
    """What happened in a fit, up to the last whole epoch."""

    params: np.ndarray
    losses: list[Any] = field(default_factory=list)
    n_mistakes: list[Any] = field(default_factory=list)
    validation_scores: list[Any] = field(default_factory=list)
    n_left: int | None = None  # mistakes of the average, where that is the result
    converged: bool = False
    interrupted: bool = False


def learn(
    rule: Any,
    weights: Weights,
    *,
    max_iter: int,
    tol: float | None,
    patience: int,
    score: Callable[..., Any] | None,
    on_epoch: Callable[..., Any],
) -> Course:
    """Make epochs until nothing is left to learn, or enough did not improve the best.

    Nothing is left when the average makes no mistakes or, without an average, when an
    epoch makes none. What is kept is the average, if there is one. It is the best by
    ``score``, or by fewest mistakes if all rows are one batch and there is no average,
    or else the last.
    """
    total = rule.problem.weights[rule.learning].sum()
    one_batch = 1 < rule.batch_size >= len(rule.learning)
    pocket = one_batch and weights.total is None and score is None
    course = Course(weights.params.copy())
    best_loss, best, fewest, n_still = np.inf, -np.inf, np.inf, 0
    if pocket and weights.params.any():
        best = -rule.look_ahead(weights).missed
    try:
        for epoch in range(max_iter):
            seen = rule.epoch(weights)
            judged, now, worth = seen, weights.result(), float(epoch)
            if weights.total is not None:
                judged = rule.look(now)
            loss = judged.loss / total
            # a loss of 0 with mistakes is that of scores all equal
            improved = 0 < loss < best_loss - (tol or 0)
            best_loss = min(best_loss, loss or np.inf)
            if score is not None:
                worth = score(now)
                improved = worth > best + (tol or 0)
            elif pocket:
                worth = -rule.look_ahead(weights).missed
                improved = improved or worth > best
            elif judged.missed < fewest and weights.total is not None:
                improved, fewest = True, judged.missed
            # Some weights make no mistakes, and their average does: it approaches them
            # if there are no ties, which it may approach from the wrong side.
            rule.strict = rule.strict or judged.n_mistakes > seen.n_mistakes == 0
            improved = improved or rule.strict
            is_best = worth > best
            best = max(best, worth)
            # one assignment: an interrupt finds all of an epoch, or none of it
            course = Course(
                now if is_best else course.params,
                [*course.losses, seen.loss / total],
                [*course.n_mistakes, seen.n_mistakes],
                course.validation_scores + [worth] * (score is not None),
                None if weights.total is None else judged.n_mistakes,
            )
            n_still = 0 if improved else n_still + 1
            still = tol is not None and n_still >= patience
            if on_epoch(course.params) or still or judged.n_mistakes == 0:
                course.converged = True
                break
    except KeyboardInterrupt:
        if not course.n_mistakes:
            raise
        course.interrupted = True
    course.converged |= pocket and best == 0  # found out by the last look
    return course
