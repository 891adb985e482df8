"""The dropout layer."""

from dataclasses import dataclass

import numpy as np

from skvision._layers.layer import Array, Arrays, Backward, Layer, Training

LEVELS = 2**16  # number of values of the random numbers of dropout


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout, which is the identity in prediction.

    In training, each element is set to zero with probability ``rate``, and the others
    are divided by ``1 - rate`` to keep the mean ("inverted dropout").

    Attributes
    ----------
    rate : float
        Rate of dropout, in [0, 1). It is rounded to a multiple of 1 / 65,536.

    References
    ----------
    N. Srivastava and others, "Dropout: a simple way to prevent neural networks from
    overfitting", Journal of Machine Learning Research 15, 2014.
    """

    rate: float

    def forward(
        self, arrays: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        from skvision._kernels.dropping import drop

        threshold = min(round(self.rate * LEVELS), LEVELS - 1)
        if training is None or training.rng is None or threshold == 0:
            return x, lambda dy, needs_dx=True: dy
        scale = LEVELS / (LEVELS - threshold)
        words = training.rng.bit_generator.random_raw(-(-x.size // 4))
        drawn = words.view(np.uint16)[: x.size]  # four numbers per word

        def thinned(values: Array, name: str) -> Array:
            out = arrays.workspace.like(name, values)
            flat = np.ascontiguousarray(values).reshape(-1)
            drop(flat, drawn, threshold, scale, out.reshape(-1))
            return out

        return thinned(x, "y"), lambda dy, needs_dx=True: thinned(dy, "dx")
