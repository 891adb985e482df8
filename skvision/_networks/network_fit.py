"""What the fit of a network consists of, apart from the loop over epochs."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skvision._contract.divergence import advice_on_divergence
from skvision._contract.warn import warn
from skvision._layers.network import Network
from skvision._training.epochs import FitResult
from skvision._training.network import learn_statistics
from skvision._training.parallel import one_thread_for_blas
from skvision._training.sources import Augmented, Source, Standardized

SMALL = 2**23  # multiply-adds per batch below which one thread is fastest
RISEN = 10  # factor by which noise alone does not increase the loss


def threads_for(net: Network, batch_size: int) -> AbstractContextManager[Any]:
    """Return a context that limits small matrix products to one thread."""
    small = batch_size * net.n_weights < SMALL
    return one_thread_for_blas if small else nullcontext()


def augmented(
    source: Source,
    augmentation: Callable[..., Any] | None,
    image_shape: tuple[int, int, int],
    rng: np.random.Generator,
) -> Source:
    """Return a source of augmented rows, or the source itself without augmentation."""
    if augmentation is None:
        return source

    def augment(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        images = rows.reshape(-1, *image_shape)
        changed = np.asarray(augmentation(images, rng))
        if changed.shape != images.shape or changed.dtype != images.dtype:
            raise ValueError(
                f"augmentation must return images of the same dtype and shape, "
                f"{images.dtype} of shape {images.shape}; it returned {changed.dtype} "
                f"of shape {changed.shape}."
            )
        return changed.reshape(rows.shape)

    return Augmented(source, augment, rng)


def learn_statistics_of_average(
    net: Network,
    result: FitResult,
    inputs: Source,
    weights: np.ndarray,
    batches: Sequence[np.ndarray],
    rng: np.random.Generator,
) -> None:
    """Replace the running statistics by those of the averaged parameters."""

    def learn() -> np.ndarray:
        return learn_statistics(net, result.params, inputs, weights, batches, rng)

    try:
        result.statistics = learn()
    except KeyboardInterrupt:  # the average is unusable without its statistics
        result.interrupted, result.statistics = True, learn()


def warn_of_divergence(
    result: FitResult,
    n_before: int,
    parameters: Mapping[str, Any],
    source: Source,
    inputs: Standardized,
) -> None:
    """Warn if the loss is not finite or has risen.

    ``n_before`` is the number of epochs of earlier fits, and ``parameters`` are those
    of the estimator.
    """
    done = len(result.loss_curve)
    first, last = (result.loss_curve or [0.0])[0], (result.loss_curve or [0.0])[-1]
    rose = last > RISEN * max(first, 1)
    if not (result.diverged or rose):
        return
    scaled = inputs.standard is not None
    advice = advice_on_divergence(parameters, source, inputs.dtype, scaled=scaled)
    if result.diverged:
        done += n_before
        kept = f"after epoch {done}" if done else "at the start"
        if result.validation_scores:
            kept = "of the best epoch"
        message = (
            f"The loss became infinite or NaN in epoch {done + 1}. The fit keeps the "
            f"weights {kept}. {advice}"
        )
    else:
        message = f"The loss rose from {first:.3g} to {last:.3g}. {advice}"
    warn(message, ConvergenceWarning)
