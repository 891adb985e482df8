"""Optimizers, which update parameters by their gradients.

An optimizer consists of two functions. ``init(params) -> state`` returns its initial
state, a dict of arrays. ``update(params, grads, state, learning_rate)`` makes one step
in place. All vectors are flat and contiguous and have the same dtype, float32 or
float64.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.floating]
State = dict[str, NDArray[Any]]


class Optimizer(NamedTuple):
    """An optimizer, as a pair of functions.

    Attributes
    ----------
    init : callable
        ``params -> state`` returns the initial state.
    update : callable
        ``(params, grads, state, learning_rate) -> None`` makes one step, which updates
        ``params`` and ``state`` in place.
    """

    init: Callable[[Vector], State]
    update: Callable[[Vector, Vector, State, float], None]


def sgd(momentum: float = 0.9, nesterovs_momentum: bool = True) -> Optimizer:
    r"""Return gradient descent with momentum.

    .. math::
        v \leftarrow \mu v + g, \qquad
        p \leftarrow p - \eta \, (g + \mu v) \text{ or } p - \eta \, v

    with or without Nesterov's momentum. The learning rate :math:`\eta` is not part of
    the velocity, so that a change of it has an immediate effect.

    Parameters
    ----------
    momentum : float, default=0.9
        Momentum :math:`\mu`, in [0, 1). Without momentum, the step is :math:`p - \eta
        g`.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum.

    Returns
    -------
    optimizer : Optimizer
        The optimizer. Its state is ``velocity``, or empty without momentum.

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
    r"""Return AdaGrad, which divides steps by the root of the sum of squared gradients.

    .. math::
        s \leftarrow s + g^2, \qquad
        p \leftarrow p - \eta \, \frac{g}{\sqrt{s} + \epsilon}

    Parameters
    ----------
    epsilon : float, default=1e-10
        Small positive constant that avoids division by zero.

    Returns
    -------
    optimizer : Optimizer
        The optimizer. Its state is ``sum_of_squares``.

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
    r"""Return RMSprop, which divides steps by the root mean square of recent gradients.

    .. math::
        s \leftarrow \rho s + (1 - \rho) \, g^2, \qquad
        p \leftarrow p - \eta \, \frac{g}{\sqrt{s} + \epsilon}

    Parameters
    ----------
    decay : float, default=0.99
        Decay rate :math:`\rho` of the mean, in [0, 1).
    epsilon : float, default=1e-8
        Small positive constant that avoids division by zero.

    Returns
    -------
    optimizer : Optimizer
        The optimizer. Its state is ``mean_square``.

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
    r"""Return Adam, which divides mean gradients by their root mean square.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1) \, g, \qquad
        s \leftarrow \beta_2 s + (1 - \beta_2) \, g^2, \qquad
        p \leftarrow p - \eta \,
        \frac{m / (1 - \beta_1^t)}{\sqrt{s / (1 - \beta_2^t)} + \epsilon}

    The means are initialized to zero. At step :math:`t`, counted from 1, this initial
    value still has the weight :math:`\beta^t`, and the denominators correct the bias.

    Parameters
    ----------
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay rates of the means, in [0, 1).
    epsilon : float, default=1e-8
        Small positive constant that avoids division by zero.
    l2 : float, default=0.0
        Strength of the penalty `skvision._training.penalties.l2`. Its gradient is added
        in the same pass over the arrays, and must not be included in ``grads``.
    n_weights : int, default=0
        Number of parameters, from the first one, to which the penalty applies.

    Returns
    -------
    optimizer : Optimizer
        The optimizer. Its state is ``mean``, ``mean_square`` and ``n_steps``.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: A method for stochastic optimization", ICLR 2015.

    Examples
    --------
    The length of the first step is the learning rate for any gradient.

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
    r"""Return Adam with decoupled weight decay.

    .. math:: p \leftarrow (1 - \eta \lambda) \, p

    is applied before each step of `adam`. An L2 penalty would be divided by the root
    mean square like the gradient, and would hardly affect weights with large gradients.

    Parameters
    ----------
    weight_decay : float
        The decay :math:`\lambda`, not negative.
    n_decayed : int
        Number of parameters that decay, from the first one. These are the weights,
        which precede the biases.
    beta_1, beta_2 : float, default=0.9 and 0.999
        As in `adam`.
    epsilon : float, default=1e-8
        As in `adam`.

    Returns
    -------
    optimizer : Optimizer
        The optimizer. Its state is that of `adam`.

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

    constants = updates.AdamConstants(
        float(beta_1),  # the kernel is compiled again for integers
        float(beta_2),
        float(epsilon),
        float(weight_decay),
        float(l2),
        n_weights,
    )

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
            constants,
        )

    return Optimizer(init, update)


def clipped(optimizer: Optimizer, limit: float) -> Optimizer:
    """Return an optimizer with gradient clipping.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer that updates the parameters.
    limit : float
        Maximum Euclidean norm of the gradient, above 0.

    Returns
    -------
    optimizer : Optimizer
        The optimizer, with the same state. It may scale ``grads`` in place.

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
    """Return an optimizer that projects the parameters after each step.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer that updates the parameters.
    project : callable
        ``params -> None``, which projects the parameters in place.

    Returns
    -------
    optimizer : Optimizer
        The optimizer, with the same state.

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
    """Return the state of a previous fit if it is of the same kind, else a new one."""
    if state is None or state.keys() != fresh.keys():
        return fresh
    return {name: state[name].astype(fresh[name].dtype) for name in fresh}
