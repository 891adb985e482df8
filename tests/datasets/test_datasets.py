"""What all loaders share."""

import pytest
from data_files import touch

from skvision.datasets import load_cifar10, load_cifar100, load_image_folder, load_mnist


@pytest.mark.parametrize(
    "load", [load_image_folder, load_cifar10, load_cifar100, load_mnist]
)
def test_root_must_be_a_folder(tmp_path, load):
    with pytest.raises(FileNotFoundError, match=r"nowhere.* does not exist"):
        load(tmp_path / "nowhere")
    touch(tmp_path, "set.tar.gz")
    with pytest.raises(NotADirectoryError, match=r"set\.tar\.gz.* is a file"):
        load(str(tmp_path / "set.tar.gz"))


@pytest.mark.parametrize("load", [load_cifar10, load_cifar100, load_mnist])
@pytest.mark.parametrize("split", ["valid", None, ["train"]])
def test_split_must_be_known(tmp_path, load, split):
    with pytest.raises(ValueError, match="must be one of 'train', 'test', 'all'"):
        load(tmp_path, split)
