"""The output layer of networks that classify by angles."""

import math

import numpy as np

from skvision._training.layers import (
    Array,
    Arrays,
    Backward,
    Initializer,
    Layer,
    Shapes,
    Training,
)


def cosine_head(
    n_outputs: int,
    initializer: Initializer,
    *,
    scale: float,
    margin: float = 0.0,
    margin_type: str = "angle",
) -> Layer:
    r"""Return the layer :math:`y_j = s \cos \theta_j` of angles between x and centers.

    In training, the output of the true class is reduced by a margin m:

    .. math::
        y_j = s \cos(\theta_j + m) \quad \text{or} \quad y_j = s (\cos \theta_j - m)

    The margin is added to the angle ("ArcFace") or subtracted from the cosine
    ("CosFace"). If the sum of the angle and the margin exceeds :math:`\pi`, its cosine
    would increase again. It is then replaced by :math:`s (\cos \theta_j - 1 + \cos m)`,
    which has the same value at :math:`\pi - m` and decreases from there. The output
    does not depend on the lengths of x and of the centers.

    Parameters
    ----------
    n_outputs : int
        Number of centers, one for each class.
    initializer : callable
        Initializer of the centers, as in `linear`.
    scale : float
        The scale :math:`s`, positive.
    margin : float, default=0.0
        The margin :math:`m`. An angle must be in [0, :math:`\pi`) and a cosine in [0,
        2).
    margin_type : {"angle", "cosine"}, default="angle"
        Whether the margin is added to the angle or subtracted from the cosine.

    Returns
    -------
    layer : Layer
        A layer with the centers (n_outputs, n_inputs) as parameters.

    Notes
    -----
    With u the unit tangent at :math:`x / \|x\|` towards the center, :math:`\partial
    \cos(\theta + m) / \partial x = \sin(\theta + m) \, u / \|x\|`. The derivative with
    respect to the cosine has the factor :math:`1 / \sin \theta`, and that of the cosine
    with respect to x has the factor :math:`\sin \theta`. They cancel, and neither is
    computed. At angles of exactly 0 and :math:`\pi`, the tangent is undefined, and this
    part of the gradient is zero. It is also zero for x = 0, whose cosine with all
    centers is zero.

    References
    ----------
    J. Deng, J. Guo, N. Xue and S. Zafeiriou, "ArcFace: additive angular margin loss for
    deep face recognition", CVPR 2019.

    H. Wang and others, "CosFace: large margin cosine loss for deep face recognition",
    CVPR 2018.

    Examples
    --------
    >>> import numpy as np
    >>> x, centers = np.array([[10.0, 20, 30]]), np.array([[1.0, 2, 3], [4, 5, 6]])
    >>> layer = cosine_head(2, lambda n_inputs, n_outputs: 1, scale=64, margin=0.5)
    >>> print(layer.forward([centers], [], x, None)[0].round(4))
    [[64.     62.3764]]
    >>> training = Training(None, None, labels=np.array([1]))
    >>> print(layer.forward([centers], [], x, training)[0].round(4))
    [[64.     47.8731]]
    """
    from skvision._kernels import directions

    def shapes(n_inputs: int) -> Shapes:
        return Shapes([(n_outputs, n_inputs)], [], [], n_outputs)

    def init(params: Arrays, buffers: Arrays, rng: np.random.Generator) -> None:
        (centers,) = params
        size = initializer(centers.shape[1], n_outputs)
        centers[...] = size * rng.standard_normal(centers.shape)

    def unit_rows(x: Array) -> tuple[Array, Array]:
        units, inverse_norms = np.empty(x.shape, x.dtype), np.empty(len(x), x.dtype)
        directions.unit_rows(np.ascontiguousarray(x), units, inverse_norms)
        return units, inverse_norms

    def forward(
        params: Arrays, buffers: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        units, inverse_norms = unit_rows(x)
        centers, inverse_norms_of_centers = unit_rows(params[0])
        y = units @ centers.T
        y *= y.dtype.type(scale)
        labels = None if training is None else training.labels
        rows = np.arange(len(x))
        turned = None
        if labels is not None and margin and margin_type == "cosine":
            y[rows, labels] -= y.dtype.type(scale * margin)
        elif labels is not None and margin:
            cosines, sines = np.empty((2, len(x)), x.dtype)
            directions.angles_to_own(units, centers, labels, cosines, sines)
            y[rows, labels], turned = _with_margin(cosines, sines, scale, margin)

        def backward(dy: Array, grads: Arrays, needs_dx: bool = True) -> Array | None:
            if turned is not None:
                pull = dy[rows, labels] * turned
                dy = dy.copy()
                dy[rows, labels] = 0
                own = (units, centers, labels, cosines)
            (of_centers,) = grads
            np.matmul(dy.T, units, out=of_centers)
            directions.turning_part(
                of_centers, centers, inverse_norms_of_centers, scale
            )
            if turned is not None:
                factors = pull * inverse_norms_of_centers[labels]
                directions.turn_to_units(*own, factors, of_centers)
            if not needs_dx:
                return None
            dx = dy @ centers
            directions.turning_part(dx, units, inverse_norms, scale)
            if turned is not None:
                directions.turn_to_centers(*own, pull * inverse_norms, dx)
            return dx

        return y, backward

    return Layer(shapes, init, forward)


def _with_margin(
    cosines: Array, sines: Array, scale: float, margin: float
) -> tuple[Array, Array]:
    """Return scores with a margin, and their slope divided by the sine."""
    dtype = cosines.dtype.type
    s, c, m = dtype(scale), dtype(math.cos(margin)), dtype(math.sin(margin))
    beyond = cosines < -c
    scores = s * np.where(beyond, cosines - 1 + c, cosines * c - sines * m)
    floor = np.finfo(
        cosines.dtype
    ).eps  # below this, a direction is only rounding error
    per_sine = s * (c + cosines * m / np.maximum(sines, floor))
    return scores, np.where(beyond, s, per_sine)
