r"""Layers of a network, each with its forward and backward pass.

A layer consists of three functions. ``shapes(n_inputs)`` returns the shapes of its
arrays, ``init`` initializes them, and ``forward`` returns its output and ``backward``,
the vector-Jacobian product:

    y, backward = layer.forward(params, buffers, x, training)
    dx = backward(dy, grads)

``params`` is the list of its weights, which are penalized, followed by its biases and
gains, which are not. ``grads`` is the list of arrays to which the gradients with
respect to ``params`` are written. ``buffers`` is the list of its running statistics,
which ``forward`` updates in training. ``training`` is a `Training`, or None for
prediction. ``backward`` must be called at most once, before the next ``forward``. All
arrays of a call have the same dtype.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.floating]
Arrays = Sequence[Array]
Backward = Callable[..., "Array | None"]  # (dy, grads, needs_dx=True)
Initializer = Callable[[int, int], float]

LEVELS = 2**16  # number of values of the random numbers of dropout


class Shapes(NamedTuple):
    """The shapes of the arrays of a layer, and the width of its output."""

    weights: list[tuple[int, ...]]
    others: list[tuple[int, ...]]
    buffers: list[tuple[int, ...]]
    n_outputs: int


class Training(NamedTuple):
    """Additional arguments of a forward pass in training.

    Attributes
    ----------
    rng : Generator or None
        Random number generator for dropout. None disables dropout and uses the running
        statistics, as in prediction.
    weights : ndarray of shape (n,) or None
        Non-negative weights of the rows. None is 1 for each row.
    momentum : float
        Weight of the batch in the update of running statistics, from 0 to 1.
    labels : ndarray of shape (n,), int, or None
        True classes, for a layer with a margin. None disables the margin.
    """

    rng: Generator | None
    weights: Array | None
    momentum: float = 0.1
    labels: NDArray[np.integer] | None = None


class Layer(NamedTuple):
    """A layer of a network; the docstring of the module describes its use.

    Attributes
    ----------
    shapes : callable
        ``n_inputs -> Shapes``.
    init : callable
        ``(params, buffers, rng) -> None`` initializes the arrays in place.
    forward : callable
        ``(params, buffers, x, training) -> (y, backward)``.
    """

    shapes: Callable[[int], Shapes]
    init: Callable[[Arrays, Arrays, Generator], None]
    forward: Callable[[Arrays, Arrays, Array, Training | None], tuple[Array, Backward]]


def linear(n_outputs: int, initializer: Initializer, *, bias: bool = True) -> Layer:
    r"""Return the layer :math:`y = x W + b`.

    Parameters
    ----------
    n_outputs : int
        Width of the output.
    initializer : callable
        ``(n_inputs, n_outputs) -> standard deviation`` of the normal distribution of
        the initial weights, such as `he`. Biases are initialized to zero.
    bias : bool, default=True
        Whether the layer has biases.

    Returns
    -------
    layer : Layer
        A layer with the parameters W (n_inputs, n_outputs) and, with ``bias``, b
        (n_outputs,).

    Examples
    --------
    >>> import numpy as np
    >>> W, b = np.array([[0.1], [0.5]]), np.array([1.0])
    >>> grads = [np.empty_like(W), np.empty_like(b)]
    >>> layer = linear(1, he)
    >>> y, backward = layer.forward([W, b], [], np.array([[0.2, 0.4]]), None)
    >>> dx = backward(np.array([[1.0]]), grads)
    >>> print(y.round(2), dx, grads[0].T)
    [[1.22]] [[0.1 0.5]] [[0.2 0.4]]
    """

    def shapes(n_inputs: int) -> Shapes:
        biases: list[tuple[int, ...]] = [(n_outputs,)] if bias else []
        return Shapes([(n_inputs, n_outputs)], biases, [], n_outputs)

    def init(params: Arrays, buffers: Arrays, rng: Generator) -> None:
        W, *biases = params
        W[...] = initializer(*W.shape) * rng.standard_normal(W.shape)
        for b in biases:
            b[...] = 0

    def forward(
        params: Arrays, buffers: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        W = params[0]
        y = x @ W
        if bias:
            y += params[1]

        def backward(dy: Array, grads: Arrays, needs_dx: bool = True) -> Array | None:
            np.matmul(x.T, dy, out=grads[0])
            if bias:
                dy.sum(axis=0, out=grads[1])
            return dy @ W.T if needs_dx else None

        return y, backward

    return Layer(shapes, init, forward)


def he(n_inputs: int, n_outputs: int) -> float:
    r"""Return :math:`\sqrt{2 / n_{in}}`, which preserves the variance with ReLU.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: surpassing
    human-level performance on ImageNet classification", ICCV 2015.

    Examples
    --------
    >>> print(he(200, 10))
    0.1
    """
    return math.sqrt(2 / n_inputs)


def xavier(n_inputs: int, n_outputs: int) -> float:
    r"""Return :math:`\sqrt{2 / (n_{in} + n_{out})}`.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
    neural networks", AISTATS 2010.

    Examples
    --------
    >>> print(xavier(190, 10))
    0.1
    """
    return math.sqrt(2 / (n_inputs + n_outputs))


def _elementwise(
    function: Callable[[Array], Array], slope: Callable[[Array, Array], NDArray[Any]]
) -> Layer:
    """Return the layer ``y = function(x)``, whose derivative is ``slope(x, y)``."""

    def forward(
        params: Arrays, buffers: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        y = function(x)
        return y, lambda dy, grads, needs_dx=True: dy * slope(x, y)

    return Layer(_no_arrays, _no_init, forward)


def _no_arrays(n_inputs: int) -> Shapes:
    return Shapes([], [], [], n_inputs)


def _no_init(params: Arrays, buffers: Arrays, rng: Generator) -> None:
    """Do nothing, because the layer has no arrays."""


def identity() -> Layer:
    """Return the layer :math:`y = x`."""
    return Layer(_no_arrays, _no_init, lambda params, buffers, x, training: (x, _pass))


def _pass(dy: Array, grads: Arrays, needs_dx: bool = True) -> Array:
    return dy


def relu() -> Layer:
    r"""Return the layer :math:`y = \max(0, x)`, whose derivative at 0 is 0."""
    return _elementwise(lambda x: np.maximum(x, 0), lambda x, y: x > 0)


def leaky_relu() -> Layer:
    r"""Return the layer :math:`y = \max(x, x / 100)`."""
    return _elementwise(
        lambda x: np.maximum(x, x * x.dtype.type(0.01)),
        lambda x, y: np.where(x > 0, x.dtype.type(1), x.dtype.type(0.01)),
    )


def elu() -> Layer:
    r"""Return the layer :math:`y = x` above 0 and :math:`e^x - 1` below."""
    return _elementwise(
        lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
        lambda x, y: np.where(x > 0, x.dtype.type(1), y + x.dtype.type(1)),
    )


def tanh() -> Layer:
    r"""Return the layer :math:`y = \tanh x`."""
    return _elementwise(np.tanh, lambda x, y: 1 - y * y)


def sigmoid() -> Layer:
    r"""Return the layer :math:`y = 1 / (1 + e^{-x})`."""
    return _elementwise(expit, lambda x, y: y * (1 - y))


def dropout(rate: float) -> Layer:
    """Return the dropout layer, which is the identity in prediction.

    In training, each element is set to zero with probability ``rate``, and the others
    are divided by ``1 - rate`` to keep the mean ("inverted dropout").

    Parameters
    ----------
    rate : float
        Rate of dropout, in [0, 1). It is rounded to a multiple of 1 / 65,536.

    Returns
    -------
    layer : Layer
        A layer without arrays.

    References
    ----------
    N. Srivastava and others, "Dropout: a simple way to prevent neural networks from
    overfitting", Journal of Machine Learning Research 15, 2014.
    """
    from skvision._kernels.dropping import drop

    threshold = min(round(rate * LEVELS), LEVELS - 1)
    scale = LEVELS / (LEVELS - threshold)

    def forward(
        params: Arrays, buffers: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        if training is None or training.rng is None or threshold == 0:
            return x, _pass
        words = training.rng.bit_generator.random_raw(-(-x.size // 4))
        drawn = words.view(np.uint16)[: x.size]  # four numbers per word

        def thinned(values: Array) -> Array:
            out = np.empty(values.shape, values.dtype)
            flat = np.ascontiguousarray(values).reshape(-1)
            drop(flat, drawn, threshold, scale, out.reshape(-1))
            return out

        return thinned(x), lambda dy, grads, needs_dx=True: thinned(dy)

    return Layer(_no_arrays, _no_init, forward)


def batch_norm(epsilon: float = 1e-5) -> Layer:
    r"""Return the batch normalization layer.

    .. math:: y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    In training, :math:`\mu` and :math:`\sigma^2` are the weighted mean and variance of
    the batch, and the running statistics are updated with the ``momentum`` of a
    `Training`. The running variance is updated with :math:`\frac{n}{n-1} \sigma^2` for
    a batch of n rows. In prediction, the running statistics are used instead.

    Parameters
    ----------
    epsilon : float, default=1e-5
        Positive.

    Returns
    -------
    layer : Layer
        A layer with the gains :math:`\gamma`, initialized to 1, and the shifts
        :math:`\beta`, initialized to 0, which are not penalized. Its buffers are the
        running mean and variance.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by
    reducing internal covariate shift", ICML 2015.
    """

    def shapes(n_inputs: int) -> Shapes:
        return Shapes([], [(n_inputs,)] * 2, [(n_inputs,)] * 2, n_inputs)

    def init(params: Arrays, buffers: Arrays, rng: Generator) -> None:
        for ones, zeros in ((params[0], params[1]), (buffers[1], buffers[0])):
            ones[...] = 1
            zeros[...] = 0

    def forward(
        params: Arrays, buffers: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        gain, shift = params
        if training is None or training.rng is None:
            mean, variance = buffers
            row_weights = None
            normal = x - mean
        else:
            n = len(x)
            w = training.weights
            row_weights = np.full(n, 1 / n, x.dtype) if w is None else w / w.sum()
            normal = x - x[0]  # so that rounding gives constant columns no variance
            from_first = row_weights @ normal
            mean = x[0] + from_first
            normal -= from_first
            variance = row_weights @ (normal * normal)
            unbiased = variance * x.dtype.type(n / max(n - 1, 1))
            for running, now in zip(buffers, (mean, unbiased), strict=True):
                running += running.dtype.type(training.momentum) * (now - running)
        scale = 1 / np.sqrt(variance + x.dtype.type(epsilon))
        normal *= scale
        y = normal * gain
        y += shift

        def backward(dy: Array, grads: Arrays, needs_dx: bool = True) -> Array:
            of_gain, of_shift = grads
            np.sum(dy * normal, axis=0, out=of_gain)
            dy.sum(axis=0, out=of_shift)
            if row_weights is None:
                return dy * (gain * scale)
            # mean and variance depend on each row by its weight
            hidden = normal * of_gain + of_shift
            return (gain * scale) * (dy - row_weights[:, None] * hidden)

        return y, backward

    return Layer(shapes, init, forward)


def chain(*layers: Layer) -> Layer:
    """Return the composition of layers.

    Parameters
    ----------
    *layers : Layer
        Layers in the order of the forward pass.

    Returns
    -------
    layer : Layer
        A layer whose parameters are the weights of all layers, followed by their biases
        and gains. With ``needs_dx=False``, its ``backward`` stops at the first layer
        with parameters.

    Examples
    --------
    >>> import numpy as np
    >>> layer = chain(linear(2, he), relu(), linear(1, he))
    >>> layer.shapes(3).weights, layer.shapes(3).others
    ([(3, 2), (2, 1)], [(2,), (1,)])
    """
    parts = [layer.shapes(1) for layer in layers]
    counts = [(len(p.weights), len(p.others), len(p.buffers)) for p in parts]
    n_weights = sum(count[0] for count in counts)
    first = next((i for i, count in enumerate(counts) if sum(count[:2])), len(layers))

    def shapes(n_inputs: int) -> Shapes:
        whole = Shapes([], [], [], n_inputs)
        for layer in layers:
            part = layer.shapes(whole.n_outputs)
            whole = Shapes(
                whole.weights + part.weights,
                whole.others + part.others,
                whole.buffers + part.buffers,
                part.n_outputs,
            )
        return whole

    def split(params: Arrays, buffers: Arrays) -> list[tuple[Arrays, Arrays]]:
        weights, others = iter(params[:n_weights]), iter(params[n_weights:])
        statistics = iter(buffers)
        return [
            (
                [next(weights) for _ in range(count[0])]
                + [next(others) for _ in range(count[1])],
                [next(statistics) for _ in range(count[2])],
            )
            for count in counts
        ]

    def init(params: Arrays, buffers: Arrays, rng: Generator) -> None:
        for layer, own in zip(layers, split(params, buffers), strict=True):
            layer.init(*own, rng)

    def forward(
        params: Arrays, buffers: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        steps = []
        for layer, own in zip(layers, split(params, buffers), strict=True):
            x, step = layer.forward(*own, x, training)
            steps.append(step)

        def backward(
            dy: Array | None, grads: Arrays, needs_dx: bool = True
        ) -> Array | None:
            owns = [own for own, _ in split(grads, buffers)]
            for i in reversed(range(len(layers))):
                if i < first and not needs_dx:
                    return None
                dy = steps[i](dy, owns[i], needs_dx or i > first)
            return dy

        return x, backward

    return Layer(shapes, init, forward)
