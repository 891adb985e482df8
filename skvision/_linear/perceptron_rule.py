"""The perceptron rule, applied to single samples or to batches."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from skvision._contract.divergence import largest_value
from skvision._contract.labeled_rows import LabeledRows
from skvision._training.losses import perceptron
from skvision._training.minimize import batches
from skvision._training.parallel import for_each_block, one_thread_for_blas
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


@dataclass
class Rule:
    """The perceptron rule and the rows that it is trained on."""

    problem: Any
    learning: np.ndarray  # indices of the rows with a positive weight
    rate: float
    fit_intercept: bool
    batch_size: int  # 1 updates the weights after each row
    rng: Any  # None does not shuffle the rows
    strict: bool = False  # whether ties count as mistakes
    next_evaluation: Any = None  # from `evaluate_next_step`, used by the next step

    def evaluate_next_step(self, weights: "Weights") -> Any:
        """Evaluate all rows before the next step, which reuses the result."""
        self.next_evaluation = evaluate_rows(
            self.problem, self.learning, weights.params, self.fit_intercept
        )
        return self.next_evaluation[0]

    def evaluate(self, params: Any) -> Evaluation:
        """Evaluate all rows with the given weights."""
        return evaluate_rows(self.problem, self.learning, params)[0]

    def epoch(self, weights: "Weights") -> Evaluation:
        """Update the weights with all rows; return the evaluations before the steps."""
        order = self.learning
        if self.rng is not None and self.batch_size < len(order):
            order = self.rng.permutation(order)
        run_epoch = self._row_by_row if self.batch_size == 1 else self._in_batches
        with one_thread_for_blas, np.errstate(over="ignore", invalid="ignore"):
            evaluation = run_epoch(weights, order)
        if not (np.isfinite(evaluation.loss) and np.isfinite(weights.params).all()):
            raise ValueError(
                f"X has values up to {largest_value(self.problem.source):.3g}, which "
                f"are too large for computations in {weights.params.dtype}: scale the "
                f"features, for example with PixelNormalizer()."
            )
        return evaluation

    def _in_batches(self, weights: "Weights", order: np.ndarray) -> Evaluation:
        evaluations = []
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

    def _row_by_row(self, weights: "Weights", order: np.ndarray) -> Evaluation:
        from skvision._kernels.perceptron import add_missing_steps, make_steps

        problem, params = self.problem, weights.params
        row = np.ones(params.shape[1], params.dtype)
        row[-1] = self.fit_intercept
        scores = np.empty(len(problem.classes), row.dtype)
        sums = np.zeros((0, 0) if weights.total is None else params.shape, row.dtype)
        since = np.zeros(len(params), np.intp)
        n_steps, n_mistakes, loss = 0, 0, 0.0
        for part in _parts(problem.source, order):
            X, index = problem.source.locate(part)
            n_wrong, loss = make_steps(
                X,
                index,
                problem.labels[part],
                problem.weights[part],
                self.rate,
                params,
                row,
                scores,
                sums,
                since,
                n_steps,
                loss,
                self.strict,
            )
            n_steps, n_mistakes = n_steps + len(part), n_mistakes + n_wrong
        weights.n_steps += n_steps
        if weights.total is not None:
            add_missing_steps(sums, since, params, n_steps)
            weights.total += sums
        return Evaluation(n_mistakes, np.nan, loss)


class Weights:
    """The weights, with the biases in the last column, and their sum over all steps."""

    def __init__(self, params: Any, average: bool) -> None:
        self.params, self.n_steps = params, 0
        self.total = np.zeros(params.shape) if average else None

    def result(self) -> np.ndarray:
        """Return the mean over all steps if averaging, else a copy of the weights."""
        mean = self.params if self.total is None else self.total / self.n_steps
        return mean.astype(self.params.dtype)


@dataclass
class FitResult:
    """The result of a fit up to its last completed epoch."""

    params: np.ndarray
    losses: list[Any] = field(default_factory=list)
    n_mistakes: list[Any] = field(default_factory=list)
    validation_scores: list[Any] = field(default_factory=list)
    n_left: int | None = None  # mistakes of the averaged weights, if averaging
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
) -> FitResult:
    """Run epochs until there are no mistakes or ``patience`` of them do not improve.

    The fit ends when the averaged weights make no mistakes or, without averaging, when
    an epoch makes none. It returns the averaged weights if there are any. They are
    those of the epoch with the best ``score``. Without ``score``, they are the weights
    with the fewest mistakes if all rows are one batch and there is no averaging, and
    those of the last epoch otherwise.
    """
    total = rule.problem.weights[rule.learning].sum()
    one_batch = 1 < rule.batch_size >= len(rule.learning)
    pocket = one_batch and weights.total is None and score is None
    result = FitResult(weights.params.copy())
    best_loss, best, fewest, n_no_change = np.inf, -np.inf, np.inf, 0
    if pocket and weights.params.any():
        best = -rule.evaluate_next_step(weights).missed_weight
    try:
        for epoch in range(max_iter):
            evaluation = rule.epoch(weights)
            current, params, merit = evaluation, weights.result(), float(epoch)
            if weights.total is not None:
                current = rule.evaluate(params)
            loss = current.loss / total
            # a loss of 0 with mistakes means that all scores are equal
            improved = 0 < loss < best_loss - (tol or 0)
            best_loss = min(best_loss, loss or np.inf)
            if score is not None:
                merit = score(params)
                improved = merit > best + (tol or 0)
            elif pocket:
                merit = -rule.evaluate_next_step(weights).missed_weight
                improved = improved or merit > best
            elif current.missed_weight < fewest and weights.total is not None:
                improved, fewest = True, current.missed_weight
            # The weights make no mistakes, but their average does. The average
            # converges to the weights, possibly from the wrong side of a tie, unless
            # ties count as mistakes.
            rule.strict = rule.strict or current.n_mistakes > evaluation.n_mistakes == 0
            improved = improved or rule.strict
            is_best = merit > best
            best = max(best, merit)
            # a single assignment, so that an interrupt leaves a complete epoch
            result = FitResult(
                params if is_best else result.params,
                [*result.losses, evaluation.loss / total],
                [*result.n_mistakes, evaluation.n_mistakes],
                result.validation_scores + [merit] * (score is not None),
                None if weights.total is None else current.n_mistakes,
            )
            n_no_change = 0 if improved else n_no_change + 1
            stalled = tol is not None and n_no_change >= patience
            if on_epoch(result.params) or stalled or current.n_mistakes == 0:
                result.converged = True
                break
    except KeyboardInterrupt:
        if not result.n_mistakes:
            raise
        result.interrupted = True
    result.converged |= pocket and best == 0  # known from the last evaluation
    return result
