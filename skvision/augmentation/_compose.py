"""Several augmentations, one after another."""

from typing import Any

import numpy as np

from skvision._contract.public import public
from skvision.augmentation._augmentation import (
    Augmentation,
)


@public("skvision.augmentation")
class Compose(Augmentation):
    """Several augmentations, one after another.

    Parameters
    ----------
    steps : list of augmentations
        Those of this module, or any other callables ``(images, rng) -> images`` that
        take bytes (n, H, W, C) and return others of the same shape.

    See Also
    --------
    sklearn.pipeline.make_pipeline : Names its steps in the same way.

    Notes
    -----
    Steps are named by their classes in lower case, and several of a class are numbered,
    ``randomcrop-1`` and ``randomcrop-2``. By these names parameters are reached, such
    as ``randomcrop__padding``, and steps are replaced: in a search over a model whose
    parameter ``augmentation`` is a composition, it is
    ``augmentation__randomcrop__padding``. Replacing ``steps`` comes first, then single
    steps, then their parameters.

    All steps draw from the same generator, in turn, and get images as (n, H, W, C),
    those of ``(n, H, W)`` with one channel.

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
            Whether to return the steps by their names, and their parameters, too.

        Returns
        -------
        params : dict
            Values by name.
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
        """Set the steps, single steps, and their parameters.

        Parameters
        ----------
        **params : dict
            Values by name, as `get_params` returns them.

        Returns
        -------
        self : Compose
            The composition itself.

        Raises
        ------
        ValueError
            If there is no parameter of a name.
        """
        if "steps" in params:
            self.steps = params.pop("steps")
        names = list(self._named_steps())
        if not params.keys().isdisjoint(names):
            given = zip(names, self.steps, strict=True)
            self.steps = [params.pop(name, step) for name, step in given]
        return super().set_params(**params)

    def _named_steps(self) -> dict[str, Any]:
        """Return the steps by name; none where ``steps`` is no list."""
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
                    f"steps must be augmentations, such as RandomFlip(), or functions "
                    f"(images, rng) -> images; got {step!r}."
                )
            out = np.asarray(step(out, rng))
            if out.shape != images.shape or out.dtype != np.uint8:
                raise ValueError(
                    f"The step {name} must return uint8 images of the shape that it "
                    f"was given, {images.shape}; it returned {out.dtype} of shape "
                    f"{out.shape}."
                )
        return images.copy() if np.may_share_memory(out, images) else out
