"""Sequences of augmentations."""

from typing import Any

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
)


@public("skvision.augmentation")
class Compose(Augmentation):
    """Sequence of augmentations.

    Parameters
    ----------
    steps : list of augmentations
        Augmentations of this module, or other callables ``(images, rng) -> images``
        that take uint8 images of shape (n, H, W, C) and return uint8 images of the same
        shape.

    See Also
    --------
    sklearn.pipeline.make_pipeline : Pipeline whose steps are named by the same rule.

    Notes
    -----
    The name of a step is the name of its class in lower case. Several steps of the same
    class are numbered, as in ``randomcrop-1`` and ``randomcrop-2``. These names give
    access to parameters, such as ``randomcrop__padding``, and to steps, which can be
    replaced. In a search over a model whose parameter ``augmentation`` is a `Compose`,
    the name is ``augmentation__randomcrop__padding``. `set_params` sets ``steps``
    first, then single steps, and then their parameters.

    All steps use the same random number generator in turn. They get images of shape (n,
    H, W, C), with one channel if the shape of the images is (n, H, W).

    Examples
    --------
    >>> import numpy as np
    >>> from skvision.augmentation import Compose, RandomCrop, RandomFlip
    >>> augmentation = Compose([RandomFlip(), RandomCrop()])
    >>> images = np.zeros((200, 32, 32, 3), np.uint8)
    >>> print(augmentation(images, np.random.default_rng(0)).shape)
    (200, 32, 32, 3)
    >>> print(augmentation.set_params(randomcrop__padding=2))
    Compose(steps=[RandomFlip(), RandomCrop(padding=2)])
    """

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def get_params(self, deep: bool = True) -> Any:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the steps, by name, and their parameters.

        Returns
        -------
        params : dict Parameter names mapped to their values.
        """
        params = super().get_params(deep=False)
        if deep:
            for name, step in self._named_steps().items():
                params[name] = step
                if hasattr(step, "get_params") and not isinstance(step, type):
                    nested = step.get_params(deep=True)
                    params.update({f"{name}__{key}": nested[key] for key in nested})
        return params

    def set_params(self, **params: Any) -> Any:
        """Set the steps, single steps, or their parameters.

        Parameters
        ----------
        **params : dict
            Parameter names mapped to their values, as returned by `get_params`.

        Returns
        -------
        self : Compose
            The composition itself.

        Raises
        ------
        ValueError
            If a parameter does not exist.
        """
        if "steps" in params:
            self.steps = params.pop("steps")
        names = list(self._named_steps())
        if not params.keys().isdisjoint(names):
            given = zip(names, self.steps, strict=True)
            self.steps = [params.pop(name, step) for name, step in given]
        return super().set_params(**params)

    def _named_steps(self) -> dict[str, Any]:
        """Return the steps by name, or an empty dict if ``steps`` is not a list."""
        steps = self.steps if isinstance(self.steps, list | tuple) else []
        kinds = [type(step).__name__.lower() for step in steps]
        names = [
            f"{kind}-{kinds[: i + 1].count(kind)}" if kinds.count(kind) > 1 else kind
            for i, kind in enumerate(kinds)
        ]
        return dict(zip(names, steps, strict=True))

    def _change(self, images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not isinstance(self.steps, list | tuple):
            raise ValueError(
                f"steps must be a list of augmentations; got {self.steps!r}."
            )
        out = images
        for name, step in self._named_steps().items():
            if isinstance(step, type) or not callable(step):
                raise TypeError(
                    f"steps must contain augmentations, such as RandomFlip(), or "
                    f"functions (images, rng) -> images; got {step!r}."
                )
            out = np.asarray(step(out, rng))
            if out.shape != images.shape or out.dtype != np.uint8:
                raise ValueError(
                    f"The step {name} must return uint8 images of the same shape, "
                    f"{images.shape}; it returned {out.dtype} of shape {out.shape}."
                )
        return images.copy() if np.may_share_memory(out, images) else out
