"""Optimizers: how a gradient moves the parameters.

An optimizer is two functions. ``init(params) -> state`` makes what it remembers, a
plain dict of arrays; ``update(params, grads, state, learning_rate)`` does one step, in
place. All vectors are flat, contiguous and of one dtype, float32 or float64.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.floating]
State = dict[str, NDArray[Any]]


class Optimizer(NamedTuple):
    """How to move parameters against their gradient.

    Attributes
    ----------
    init : callable
        ``params -> state``, for parameters that are not moved yet.
    update : callable
        ``(params, grads, state, learning_rate) -> None``: one step, which changes
        ``params`` and ``state`` in place.
    """

    init: Callable[[Vector], State]
    update: Callable[[Vector, Vector, State, float], None]


def sgd(momentum: float = 0.9, nesterovs_momentum: bool = True) -> Optimizer:
    r"""Return gradient descent, with momentum.

    .. math::
        v \leftarrow \mu v + g, \qquad
        p \leftarrow p - \eta \, (g + \mu v) \text{ or } p - \eta \, v

    with Nesterov's momentum or without. The learning rate :math:`\eta` is no part of
    the velocity, so that a change of it acts at once.

    Parameters
    ----------
    momentum : float, default=0.9
        From 0 to less than 1. With 0 there is no velocity: :math:`p - \eta g`.
    nesterovs_momentum : bool, default=True
        Whether to look ahead along the velocity.

    Returns
    -------
    optimizer : Optimizer
        Its state is ``velocity``, or nothing.

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of
    initialization and momentum in deep learning", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = sgd(momentum=0.9, nesterovs_momentum=False)
    >>> params, grads = np.array([1.0]), np.array([2.0])
    >>> state = optimizer.init(params)
    >>> for _ in range(2):
    ...     optimizer.update(params, grads, state, 0.1)
    >>> print(state["velocity"], params.round(4))
    [3.8] [0.42]
    """
    from skvision._kernels import updates

    def init(params: Vector) -> State:
        return {"velocity": np.zeros_like(params)} if momentum else {}

    def update(
        params: Vector, grads: Vector, state: State, learning_rate: float
    ) -> None:
        if momentum:
            updates.sgd_with_momentum(
                params,
                grads,
                state["velocity"],
                learning_rate,
                momentum,
                nesterovs_momentum,
            )
        else:
            updates.sgd(params, grads, learning_rate)

    return Optimizer(init, update)


def adagrad(epsilon: float = 1e-10) -> Optimizer:
    r"""Return AdaGrad: steps divided by the root of all squared gradients so far.

    .. math::
        s \leftarrow s + g^2, \qquad
        p \leftarrow p - \eta \, \frac{g}{\sqrt{s} + \epsilon}

    Parameters
    ----------
    epsilon : float, default=1e-10
        Positive, much less than the gradients; keeps 0 / 0 away.

    Returns
    -------
    optimizer : Optimizer
        Its state is ``sum_of_squares``.

    References
    ----------
    J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning
    and stochastic optimization", Journal of Machine Learning Research 12, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = adagrad()
    >>> params = np.zeros(2)
    >>> state = optimizer.init(params)
    >>> for grads in (np.array([3.0, 0.03]), np.array([4.0, 0.04])):
    ...     optimizer.update(params, grads, state, 0.1)
    >>> print(params.round(4))  # 0.1 times 3 / 3 + 4 / 5
    [-0.18 -0.18]
    """
    from skvision._kernels import updates

    def init(params: Vector) -> State:
        return {"sum_of_squares": np.zeros_like(params)}

    def update(
        params: Vector, grads: Vector, state: State, learning_rate: float
    ) -> None:
        sum_of_squares = state["sum_of_squares"]
        updates.adagrad(params, grads, sum_of_squares, learning_rate, epsilon)

    return Optimizer(init, update)


def rmsprop(decay: float = 0.99, epsilon: float = 1e-8) -> Optimizer:
    r"""Return RMSprop: steps divided by the root of a mean of recent squared gradients.

    .. math::
        s \leftarrow \rho s + (1 - \rho) \, g^2, \qquad
        p \leftarrow p - \eta \, \frac{g}{\sqrt{s} + \epsilon}

    Parameters
    ----------
    decay : float, default=0.99
        The :math:`\rho`, from 0 to less than 1: what each step leaves of the mean.
    epsilon : float, default=1e-8
        Positive, much less than the gradients; keeps 0 / 0 away.

    Returns
    -------
    optimizer : Optimizer
        Its state is ``mean_square``.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop, divide the gradient by a running
    average of its recent magnitude", Neural Networks for Machine Learning, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = rmsprop(decay=0.99)
    >>> params = np.zeros(2)
    >>> state = optimizer.init(params)
    >>> optimizer.update(params, np.array([5.0, -0.05]), state, 0.1)
    >>> print(params.round(4))  # 0.1 / sqrt(0.01): the mean starts at zero
    [-1.  1.]
    """
    from skvision._kernels import updates

    def init(params: Vector) -> State:
        return {"mean_square": np.zeros_like(params)}

    def update(
        params: Vector, grads: Vector, state: State, learning_rate: float
    ) -> None:
        mean_square = state["mean_square"]
        updates.rmsprop(params, grads, mean_square, learning_rate, decay, epsilon)

    return Optimizer(init, update)


def adam(
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
    *,
    l2: float = 0.0,
    n_weights: int = 0,
) -> Optimizer:
    r"""Return Adam: a mean of recent gradients over the root of that of their squares.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1) \, g, \qquad
        s \leftarrow \beta_2 s + (1 - \beta_2) \, g^2, \qquad
        p \leftarrow p - \eta \,
        \frac{m / (1 - \beta_1^t)}{\sqrt{s / (1 - \beta_2^t)} + \epsilon}

    At step :math:`t`, from 1, both means still hold a share :math:`\beta^t` of the
    zero that they started at; the divisors correct that bias.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9 and 0.999
        From 0 to less than 1: what each step leaves of the means.
    epsilon : float, default=1e-8
        Positive, much less than the gradients; keeps 0 / 0 away.
    l2 : float, default=0.0
        Strength of the penalty `skvision._training.penalties.l2` whose gradient is
        added here, in the one pass over all arrays, where it is not in ``grads`` yet.
    n_weights : int, default=0
        How many parameters it is on, the first ones.

    Returns
    -------
    optimizer : Optimizer
        Its state is ``mean``, ``mean_square`` and ``n_steps``.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    Examples
    --------
    The first step is as long as the learning rate, whatever the gradient.

    >>> import numpy as np
    >>> optimizer = adam()
    >>> params = np.zeros(3)
    >>> state = optimizer.init(params)
    >>> optimizer.update(params, np.array([-100.0, 1.0, 0.01]), state, 0.001)
    >>> print(params.round(6))
    [ 0.001 -0.001 -0.001]
    """
    return _adam(beta_1, beta_2, epsilon, 0.0, l2, n_weights)


def adamw(
    weight_decay: float,
    n_decayed: int,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
) -> Optimizer:
    r"""Return Adam with weights that decay apart from their gradient.

    .. math:: p \leftarrow (1 - \eta \lambda) \, p

    before each step of `adam`. An L2 penalty would be divided by the root of the mean
    square like the rest of a gradient, and so hardly bind weights of large gradients.

    Parameters
    ----------
    weight_decay : float
        The :math:`\lambda`, not negative.
    n_decayed : int
        How many parameters decay, the first ones: the weights. Biases follow them.
    beta_1, beta_2 : float, default=0.9 and 0.999
        As in `adam`.
    epsilon : float, default=1e-8
        As in `adam`.

    Returns
    -------
    optimizer : Optimizer
        Its state is that of `adam`.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer = adamw(weight_decay=0.1, n_decayed=1)
    >>> params = np.array([2.0, 2.0])  # a weight and a bias
    >>> state = optimizer.init(params)
    >>> optimizer.update(params, np.zeros(2), state, 0.5)
    >>> print(params)
    [1.9 2. ]
    """
    return _adam(beta_1, beta_2, epsilon, weight_decay, 0.0, n_decayed)


def _adam(
    beta_1: float,
    beta_2: float,
    epsilon: float,
    weight_decay: float,
    l2: float,
    n_weights: int,
) -> Optimizer:
    from skvision._kernels import updates

    def init(params: Vector) -> State:
        return {
            "mean": np.zeros_like(params),
            "mean_square": np.zeros_like(params),
            "n_steps": np.zeros((), np.int64),
        }

    def update(
        params: Vector, grads: Vector, state: State, learning_rate: float
    ) -> None:
        state["n_steps"] += 1
        updates.adam(
            params,
            grads,
            state["mean"],
            state["mean_square"],
            int(state["n_steps"]),
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            weight_decay,
            l2,
            n_weights,
        )

    return Optimizer(init, update)


def clipped(optimizer: Optimizer, limit: float) -> Optimizer:
    """Return an optimizer whose gradients are scaled down to a length.

    Parameters
    ----------
    optimizer : Optimizer
        What moves the parameters.
    limit : float
        The Euclidean length that no gradient is to exceed, above 0.

    Returns
    -------
    optimizer : Optimizer
        Its state is that of the one given. It changes ``grads``, too.

    References
    ----------
    R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent
    neural networks", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> params = np.zeros(2)
    >>> clipped(sgd(momentum=0.0), 1.0).update(params, np.array([3.0, 4.0]), {}, 1.0)
    >>> print(params)
    [-0.6 -0.8]
    """

    def update(
        params: Vector, grads: Vector, state: State, learning_rate: float
    ) -> None:
        length = float(np.linalg.norm(grads))
        if length > limit:
            grads *= limit / length
        optimizer.update(params, grads, state, learning_rate)

    return Optimizer(optimizer.init, update)


def projected(optimizer: Optimizer, project: Callable[[Vector], None]) -> Optimizer:
    """Return an optimizer after each of whose steps the parameters are put right.

    Parameters
    ----------
    optimizer : Optimizer
        What moves the parameters.
    project : callable
        ``params -> None``, in place.

    Returns
    -------
    optimizer : Optimizer
        Its state is that of the one given.

    Examples
    --------
    >>> import numpy as np
    >>> params = np.zeros(2)
    >>> not_negative = projected(sgd(0.0), lambda p: np.maximum(p, 0, out=p))
    >>> not_negative.update(params, np.array([3.0, -4.0]), {}, 1.0)
    >>> print(params)
    [0. 4.]
    """

    def update(
        params: Vector, grads: Vector, state: State, learning_rate: float
    ) -> None:
        optimizer.update(params, grads, state, learning_rate)
        project(params)

    return Optimizer(optimizer.init, update)


def resumed(state: State | None, fresh: State) -> State:
    """Return what an optimizer remembers of an earlier fit, if it was of its kind."""
    if state is None or state.keys() != fresh.keys():
        return fresh
    return {name: state[name].astype(fresh[name].dtype) for name in fresh}
