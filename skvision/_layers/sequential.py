"""Layers one after the other."""

from dataclasses import dataclass

from skvision._layers.layer import Array, Arrays, Backward, Layer, Shape, Training


@dataclass(frozen=True, init=False)
class Sequential(Layer):
    """The composition of layers, in the order of the forward pass.

    With ``needs_dx=False``, its ``backward`` stops at the first layer with parameters.

    Attributes
    ----------
    layers : tuple of Layer
        The layers.

    Examples
    --------
    >>> from skvision._layers.activations import ReLU
    >>> from skvision._layers.dense import Dense
    >>> layer = Sequential(Dense(2), ReLU(), Dense(1))
    >>> layer.shape((3,)), [part.shape(shape) for part, shape in layer.parts((3,))]
    ((1,), [(2,), (2,), (1,)])
    """

    layers: tuple[Layer, ...]

    def __init__(self, *layers: Layer) -> None:
        object.__setattr__(self, "layers", layers)

    def shape(self, input_shape: Shape) -> Shape:
        for layer in self.layers:
            input_shape = layer.shape(input_shape)
        return input_shape

    def parts(self, input_shape: Shape) -> list[tuple[Layer, Shape]]:
        parts = []
        for layer in self.layers:
            parts.append((layer, input_shape))
            input_shape = layer.shape(input_shape)
        return parts

    def forward(
        self, arrays: Arrays, x: Array, training: Training | None
    ) -> tuple[Array, Backward]:
        steps = []
        for layer, own in zip(self.layers, arrays.parts, strict=True):
            x, step = layer.forward(own, x, training)
            steps.append(step)

        def backward(dy: Array | None, needs_dx: bool = True) -> Array | None:
            learned = map(_has_params, arrays.parts)
            first = next((i for i, has in enumerate(learned) if has), len(steps))
            for i in reversed(range(len(steps))):
                if i < first and not needs_dx:
                    return None
                dy = steps[i](dy, needs_dx or i > first)
            return dy

        return x, backward


def _has_params(arrays: Arrays) -> bool:
    return bool(arrays.params) or any(map(_has_params, arrays.parts))
