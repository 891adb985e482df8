"""The perceptron rule, applied to single samples or to batches."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from skvision._contract.divergence import largest_value
from skvision._contract.labeled_rows import LabeledRows
from skvision._training.epochs import Epoch, Verdict
from skvision._training.losses import perceptron
from skvision._training.minimize import batches
from skvision._training.optimizers import State
from skvision._training.parallel import for_each_block, one_thread_for_blas
from skvision._training.schedules import History
from skvision._training.sources import Centered, Source

ONE_BATCH_PATIENCE = 20  # factor on the patience if an epoch is a single step
MAX_CHUNKS = 16  # each chunk of rows has its own gradient, summed at the end
CHUNK_ELEMENTS = 2**19  # minimum size of a chunk that is worth a thread


class Evaluation(NamedTuple):
    """The mistakes on some rows, their total weight, and the weighted sum of losses."""

    n_mistakes: int
    missed_weight: float
    loss: float


def evaluate_rows(
    problem: LabeledRows,
    index: np.ndarray,
    params: Any,
    fit_intercept: bool = True,
    strict: bool = False,
) -> tuple[Evaluation, np.ndarray]:
    """Return the `Evaluation` of some rows and the gradient of their summed loss.

    If ``strict``, a tie counts as a mistake. Chunks of the rows are evaluated on
    several threads; the result does not depend on their number.
    """
    n_chunks = math.ceil(len(index) * params.shape[1] / CHUNK_ELEMENTS)
    chunk_size = math.ceil(len(index) / min(n_chunks, MAX_CHUNKS))
    found = {}

    def evaluate(chunk: slice) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            found[chunk.start] = _evaluate_chunk(
                problem, index[chunk], params, fit_intercept, strict
            )

    with one_thread_for_blas as n_threads:
        for_each_block(evaluate, len(index), chunk_size, n_threads)
    evaluations, gradients = zip(
        *(found[start] for start in sorted(found)), strict=True
    )
    gradient: Any = sum(gradients)
    return _total(evaluations), gradient


def _evaluate_chunk(
    problem: LabeledRows,
    index: np.ndarray,
    params: Any,
    fit_intercept: bool,
    strict: bool,
) -> tuple[Evaluation, np.ndarray]:
    rows, gradient, evaluations = Centered(problem.source), np.zeros_like(params), []
    for part in _parts(rows, index):
        contiguous = (np.diff(part) == 1).all()  # a slice does not copy the rows
        x = rows.take(slice(part[0], part[-1] + 1) if contiguous else part)
        x = x.astype(params.dtype, copy=False)
        scores = x @ params[:, :-1].T + params[:, -1]
        weights, labels = problem.weights[part], problem.labels[part]
        if strict:
            _make_ties_mistakes(scores, labels)
        loss, d_scores = perceptron(scores, labels, weights)
        gradient[:, :-1] += d_scores.T @ x
        if fit_intercept:
            gradient[:, -1] += d_scores.sum(axis=0)
        wrong = d_scores.any(axis=1)
        evaluations.append(
            Evaluation(int(wrong.sum()), float(weights[wrong].sum()), loss)
        )
    return _total(evaluations), gradient


def _parts(source: Source, index: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the indices of rows in parts as long as the blocks of the source."""
    for block in source.blocks():
        if len(part := index[block]):
            yield part


def _make_ties_mistakes(scores: Any, labels: Any) -> Any:
    """Change the scores minimally, in place, so that true classes lose ties."""
    if scores.shape[1] == 1:  # the first class has the score 0 and wins ties
        scores[:] = np.where(labels[:, None], scores, np.nextafter(scores, np.inf))
        return
    rows = np.arange(len(scores))
    scores[rows, labels] = np.nextafter(scores[rows, labels], -np.inf)


def _total(evaluations: Any) -> Evaluation:
    return Evaluation(*map(sum, zip(*evaluations, strict=True)))


class Weights:
    """The weights, with the biases in the last column, and their sum over all steps."""

    def __init__(self, params: Any, average: bool) -> None:
        self.params, self.n_steps = params, 0
        self.total = np.zeros(params.shape) if average else None

    def result(self) -> np.ndarray:
        """Return the mean over all steps if averaging, else a copy of the weights."""
        if self.total is None or not self.n_steps:
            params: np.ndarray = self.params.copy()
            return params
        mean: np.ndarray = self.total / self.n_steps
        return mean.astype(self.params.dtype)


@dataclass
class Rule:
    """The perceptron rule, whose epochs update the weights.

    Attributes
    ----------
    problem : LabeledRows
        The rows with their labels and weights.
    learning : ndarray of int
        Indices of the rows to train on.
    weights : Weights
        The weights, updated in place.
    rate : float
        The learning rate.
    fit_intercept : bool
        Whether to learn biases.
    batch_size : int
        1 updates the weights after each row.
    rng : RandomState or None
        Random number generator for shuffling the rows; None does not shuffle them.
    strict : bool
        Whether ties count as mistakes.
    evaluation : Evaluation
        That of the last epoch, before its steps.
    """

    problem: LabeledRows
    learning: np.ndarray
    weights: Weights
    rate: float
    fit_intercept: bool
    batch_size: int
    rng: np.random.RandomState | None
    strict: bool = False
    evaluation: Any = None
    next_evaluation: Any = None  # from `evaluate_next_step`, used by the next step

    # of models with running statistics, and of optimizers, as in `Epochs`
    statistics = np.empty(0)
    state: ClassVar[State] = {}

    @property
    def now(self) -> np.ndarray:
        """The average of the weights over all steps if averaging, else the weights."""
        return self.weights.result()

    @property
    def total_weight(self) -> float:
        return float(self.problem.weights[self.learning].sum())

    def run(self, epoch: int, history: History) -> Epoch:
        """Run an epoch, as `Epochs` says."""
        self.evaluation = self.epoch()
        return Epoch(self.evaluation.loss / self.total_weight)

    def evaluate_next_step(self) -> Evaluation:
        """Evaluate all rows before the next step, which reuses the result."""
        self.next_evaluation = evaluate_rows(
            self.problem, self.learning, self.weights.params, self.fit_intercept
        )
        evaluation: Evaluation = self.next_evaluation[0]
        return evaluation

    def evaluate(self, params: Any) -> Evaluation:
        """Evaluate all rows with the given weights."""
        return evaluate_rows(self.problem, self.learning, params)[0]

    def epoch(self) -> Evaluation:
        """Update the weights with all rows; return the evaluations before the steps."""
        order = self.learning
        if self.rng is not None and self.batch_size < len(order):
            order = self.rng.permutation(order)
        run_epoch = self._row_by_row if self.batch_size == 1 else self._in_batches
        with one_thread_for_blas, np.errstate(over="ignore", invalid="ignore"):
            evaluation = run_epoch(order)
        params = self.weights.params
        if not (np.isfinite(evaluation.loss) and np.isfinite(params).all()):
            raise ValueError(
                f"X has values up to {largest_value(self.problem.source):.3g}, which "
                f"are too large for computations in {params.dtype}: scale the "
                f"features, for example with PixelNormalizer()."
            )
        return evaluation

    def _in_batches(self, order: np.ndarray) -> Evaluation:
        weights, evaluations = self.weights, []
        for batch in batches(order, self.batch_size):
            of_batch, gradient = self.next_evaluation or evaluate_rows(
                self.problem, batch, weights.params, self.fit_intercept, self.strict
            )
            self.next_evaluation = None
            evaluations.append(of_batch)
            weights.params -= self.rate * gradient
            weights.n_steps += 1
            if weights.total is not None:
                weights.total += weights.params
        return _total(evaluations)

    def _row_by_row(self, order: np.ndarray) -> Evaluation:
        from skvision._kernels import read_only
        from skvision._kernels.perceptron import (
            EpochWeights,
            add_missing_steps,
            make_steps,
        )

        problem, weights = self.problem, self.weights
        params = weights.params
        row = np.ones(params.shape[1], params.dtype)
        row[-1] = self.fit_intercept
        scores = np.empty(len(problem.classes), row.dtype)
        sums = np.zeros((0, 0) if weights.total is None else params.shape, row.dtype)
        since = np.zeros(len(params), np.intp)
        epoch = EpochWeights(params, sums, since, row, scores)
        n_steps, n_mistakes, loss = 0, 0, 0.0
        for part in _parts(problem.source, order):
            X, index = problem.source.locate(part)
            n_wrong, more = make_steps(
                read_only(X),
                index,
                problem.labels[part],
                problem.weights[part],
                self.rate,
                epoch,
                n_steps,
                self.strict,
            )
            n_steps += len(part)
            n_mistakes, loss = n_mistakes + n_wrong, loss + more
        weights.n_steps += n_steps
        if weights.total is not None:
            add_missing_steps(epoch, n_steps)
            weights.total += sums
        return Evaluation(n_mistakes, np.nan, loss)


class FewestMistakes:
    """Judges epochs of the perceptron rule.

    The fit ends when the averaged weights make no mistakes or, without averaging, when
    an epoch makes none. The best weights are those with the best ``score``. Without
    it, they are the weights with the fewest mistakes if all rows are one batch and
    there is no averaging, and those of the last epoch otherwise.

    Parameters
    ----------
    rule : Rule
        The rule, before its first epoch.
    tol : float
        Smallest improvement that counts.
    score : callable or None
        A function ``params -> validation score``.

    Attributes
    ----------
    n_mistakes : list of int
        Number of mistakes in each epoch.
    n_left : list of int
        Number of mistakes of the weights, or averaged weights, after each epoch.
    best : ndarray
        The best weights so far, which a fit that ends now returns.
    """

    def __init__(
        self, rule: Rule, tol: float, score: Callable[[Any], float] | None
    ) -> None:
        self.rule, self.tol, self.score = rule, tol, score
        one_batch = 1 < rule.batch_size >= len(rule.learning)
        self._averaging = rule.weights.total is not None
        self._keeps_best = one_batch and not self._averaging and score is None
        self._best_loss, self._best, self._fewest = math.inf, -math.inf, math.inf
        if self._keeps_best and rule.weights.params.any():
            self._best = -rule.evaluate_next_step().missed_weight
        self.n_mistakes: list[int] = []
        self.n_left: list[int] = []
        self.best = rule.now

    def __call__(self, epoch: Epoch, now: np.ndarray) -> Verdict:
        """Return the verdict on the last epoch, whose result is ``now``."""
        rule, tol, made = self.rule, self.tol, self.rule.evaluation
        current = rule.evaluate(now) if self._averaging else made
        loss, scores = current.loss / rule.total_weight, []
        merit = float(len(self.n_mistakes))
        # a loss of 0 with mistakes means that all scores are equal
        improved = 0 < loss < self._best_loss - tol
        self._best_loss = min(self._best_loss, loss or math.inf)
        if self.score is not None:
            merit = self.score(now)
            scores = [merit]
            improved = merit > self._best + tol
        elif self._keeps_best:
            merit = -rule.evaluate_next_step().missed_weight
            improved = improved or merit > self._best
        elif self._averaging and current.missed_weight < self._fewest:
            improved, self._fewest = True, current.missed_weight
        # The weights make no mistakes, but their average does. The average converges to
        # the weights, possibly from the wrong side of a tie, unless ties count as
        # mistakes.
        rule.strict |= current.n_mistakes > made.n_mistakes == 0
        is_best = merit > self._best
        if is_best:
            self.best, self._best = now, merit
        self.n_mistakes.append(made.n_mistakes)
        self.n_left.append(current.n_mistakes)
        return Verdict(
            epoch.loss,
            scores,
            improved or rule.strict,
            is_best,
            is_last=current.n_mistakes == 0,
        )

    @property
    def knows_no_mistakes(self) -> bool:
        """Whether the best weights are known to make no mistakes."""
        return self._keeps_best and self._best == 0
