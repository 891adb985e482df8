"""Augmentations: random changes of training images, which reduce overfitting.

Each augmentation is a callable ``(images, rng) -> images`` on a batch of uint8 images.
It has ``get_params`` and ``set_params`` as in scikit-learn, so that it can be cloned
and its parameters can be searched over. Augmentations learn nothing from data and are
not applied at prediction.
"""

from skvision.augmentation._color_jitter import ColorJitter
from skvision.augmentation._compose import Compose
from skvision.augmentation._random_crop import RandomCrop
from skvision.augmentation._random_erasing import RandomErasing
from skvision.augmentation._random_flip import RandomFlip

__all__ = ["ColorJitter", "Compose", "RandomCrop", "RandomErasing", "RandomFlip"]
