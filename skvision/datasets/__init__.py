"""Loaders of datasets: folders of image files, and published datasets.

Each loader reads files that are on disk already, and returns a
:class:`sklearn.utils.Bunch`.
"""

from skvision.datasets._bad_images import find_bad_images
from skvision.datasets._cifar import load_cifar10, load_cifar100
from skvision.datasets._image_folder import load_image_folder
from skvision.datasets._mnist import load_mnist

__all__ = [
    "find_bad_images",
    "load_cifar10",
    "load_cifar100",
    "load_image_folder",
    "load_mnist",
]
