"""Augmentation: images changed at random in training, so that a model sees more.

Each augmentation is a callable ``(images, rng) -> images`` on a batch of bytes, and has
scikit-learn's parameters: it can be cloned, pickled and searched over. Nothing is
learned from data, and nothing is changed at prediction.
"""

from skvision.augmentation._color_jitter import ColorJitter
from skvision.augmentation._compose import Compose
from skvision.augmentation._random_crop import RandomCrop
from skvision.augmentation._random_erasing import RandomErasing
from skvision.augmentation._random_flip import RandomFlip

__all__ = ["ColorJitter", "Compose", "RandomCrop", "RandomErasing", "RandomFlip"]
