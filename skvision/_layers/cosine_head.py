"""The output layer of networks that classify by angles."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from skvision._layers.initializers import INITIALIZERS
from skvision._layers.layer import (
    Array,
    Arrays,
    Backward,
    Layer,
    Parameter,
    Shape,
    Training,
    Workspace,
)


@dataclass(frozen=True)
class CosineHead(Layer):
    r"""The layer :math:`y_j = s \cos \theta_j` of the angles between x and centers.

    In training, the output of the true class is reduced by a margin m:

    .. math::
        y_j = s \cos(\theta_j + m) \quad \text{or} \quad y_j = s (\cos \theta_j - m)

    The margin is added to the angle ("ArcFace") or subtracted from the cosine
    ("CosFace"). If the sum of the angle and the margin exceeds :math:`\pi`, its cosine
    would increase again. It is then replaced by :math:`s (\cos \theta_j - 1 + \cos m)`,
    which has the same value at :math:`\pi - m` and decreases from there. The output
    does not depend on the lengths of x and of the centers.

    Attributes
    ----------
    units : int
        Number of centers, one for each class.
    scale : float
        The scale :math:`s`, positive.
    margin : float
        The margin :math:`m`. An angle must be in [0, :math:`\pi`) and a cosine in [0,
        2).
    margin_type : {"angle", "cosine"}
        Whether the margin is added to the angle or subtracted from the cosine.
    initializer : str
        Initializer of the centers, as in `Dense`.

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
    >>> from skvision._layers.layer import Arrays, Workspace
    >>> x, centers = np.array([[10.0, 20, 30]]), np.array([[1.0, 2, 3], [4, 5, 6]])
    >>> layer = CosineHead(2, scale=64, margin=0.5)
    >>> arrays = Arrays([centers], [], [], Workspace())
    >>> print(layer.forward(arrays, x, None)[0].round(4))
    [[64.     62.3764]]
    >>> training = Training(None, None, labels=np.array([1]))
    >>> print(layer.forward(arrays, x, training)[0].round(4))
    [[64.     47.8731]]
    """

    units: int
    scale: float
    margin: float = 0.0
    margin_type: str = "angle"
    initializer: str = "he"

    def shape(self, input_shape: Shape) -> Shape:
        return (self.units,)

    def parameters(self, input_shape: Shape) -> list[Parameter]:
        shape = (self.units, math.prod(input_shape))
        return [Parameter("weights", shape, True, unit_axis=0)]

    def init(self, arrays: Arrays, rng: Generator) -> None:
        (centers,) = arrays.params
        size = INITIALIZERS[self.initializer](centers.shape[1], self.units)
        centers[...] = size * rng.standard_normal(centers.shape)

    def forward(
        self, arrays: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        from skvision._kernels import directions

        workspace = arrays.workspace
        units, inverse_norms = _unit_rows(x, "units", workspace)
        centers, inverse_norms_of_centers = _unit_rows(
            arrays.params[0], "centers", workspace
        )
        y = workspace.array("y", (len(x), self.units), x.dtype)
        np.matmul(units, centers.T, out=y)
        y *= y.dtype.type(self.scale)
        labels = None if training is None else training.labels
        rows = np.arange(len(x))
        turned = None
        if labels is not None and self.margin and self.margin_type == "cosine":
            y[rows, labels] -= y.dtype.type(self.scale * self.margin)
        elif labels is not None and self.margin:
            cosines, sines = np.empty((2, len(x)), x.dtype)
            directions.angles_to_own(units, centers, labels, cosines, sines)
            y[rows, labels], turned = _with_margin(
                cosines, sines, self.scale, self.margin
            )

        def backward(dy: Array, needs_dx: bool = True) -> Array | None:
            if turned is not None:
                pull = dy[rows, labels] * turned
                dy = dy.copy()
                dy[rows, labels] = 0
                own = (units, centers, labels, cosines)
            (of_centers,) = arrays.grads
            np.matmul(dy.T, units, out=of_centers)
            directions.turning_part(
                of_centers, centers, inverse_norms_of_centers, self.scale
            )
            if turned is not None:
                factors = pull * inverse_norms_of_centers[labels]
                directions.turn_to_units(*own, factors, of_centers)
            if not needs_dx:
                return None
            dx = np.matmul(dy, centers, out=workspace.like("dx", units))
            directions.turning_part(dx, units, inverse_norms, self.scale)
            if turned is not None:
                directions.turn_to_centers(*own, pull * inverse_norms, dx)
            return dx.reshape(x.shape)

        return y, backward


def _unit_rows(x: Array, name: str, workspace: Workspace) -> tuple[Array, Array]:
    """Return rows of unit length, and the inverses of their former lengths."""
    from skvision._kernels import directions, read_only

    rows = np.ascontiguousarray(x).reshape(len(x), -1)
    units = workspace.like(name, rows)
    inverse_norms = workspace.array(f"norms of {name}", (len(x),), x.dtype)
    directions.unit_rows(read_only(rows), units, inverse_norms)
    return units, inverse_norms


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
