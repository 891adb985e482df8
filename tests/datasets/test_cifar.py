"""CIFAR: files as published, and files that are wrong or short."""

import pickle
import warnings

import numpy as np
import pytest
from data_files import (
    NAMES,
    ZEROS,
    draw_pictures,
    few,
    folder,
    planar,
    touch,
    write_cifar10,
    write_python2,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skvision.datasets import load_cifar10, load_cifar100

FINE = [f"class {k}" for k in range(100)]

COARSE = [f"superclass {k}" for k in range(20)]

TRAIN_BATCHES = [f"data_batch_{k}" for k in range(1, 6)]


def write_cifar100(root, version, batches):
    """Write batches, a dict of names and (images, fine labels, coarse labels)."""
    if version == "python":
        names = {
            b"fine_label_names": [name.encode() for name in FINE],
            b"coarse_label_names": [name.encode() for name in COARSE],
        }
        (root / "meta").write_bytes(write_python2(names))
        for name, (images, fine, coarse) in batches.items():
            batch = {
                b"filenames": [b"x.png"] * len(images),
                b"fine_labels": fine.tolist(),
                b"coarse_labels": coarse.tolist(),
                b"data": planar(images),
            }
            (root / name).write_bytes(write_python2(batch))
    else:
        (root / "fine_label_names.txt").write_text("\n".join(FINE))
        (root / "coarse_label_names.txt").write_text("\n".join(COARSE))
        for name, (images, fine, coarse) in batches.items():
            labels = np.column_stack([coarse, fine]).astype(np.uint8)
            (root / f"{name}.bin").write_bytes(
                np.hstack([labels, planar(images)]).tobytes()
            )


@pytest.fixture(params=["python", "binary"])
def version(request):
    return request.param


@few
@given(
    images=hnp.arrays(np.uint8, st.integers(1, 3).map(lambda n: (n, 32, 32, 3))),
    label=st.integers(0, 9),
    version=st.sampled_from(["python", "binary"]),
)
def test_cifar10_gives_back_what_was_written(images, label, version):
    labels = np.full(len(images), label)
    with folder() as root:
        write_cifar10(root, version, {"test_batch": (images, labels)})
        cifar = load_cifar10(root, "test")
    np.testing.assert_array_equal(cifar.images, images)
    np.testing.assert_array_equal(cifar.labels, labels)
    assert cifar.images.dtype == np.uint8
    assert cifar.labels.dtype == np.int64
    assert cifar.names == NAMES


def test_cifar10_keeps_the_order_of_batches_and_splits(tmp_path, rng, version):
    sizes = {"test_batch": 2} | dict(zip(TRAIN_BATCHES, [3, 1, 2, 1, 4], strict=True))
    batches = {name: draw_pictures(rng, n) for name, n in sizes.items()}
    write_cifar10(tmp_path, version, batches)
    train = [batches[name] for name in TRAIN_BATCHES]
    for split, parts in {
        "train": train,
        "test": [batches["test_batch"]],
        "all": [*train, batches["test_batch"]],
    }.items():
        cifar = load_cifar10(tmp_path, split)
        images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        np.testing.assert_array_equal(cifar.images, images)
        np.testing.assert_array_equal(cifar.labels, labels)


@pytest.mark.parametrize("split", ["train", "test", "all"])
def test_cifar100_has_fine_and_coarse_labels(tmp_path, rng, version, split):
    batches = {}
    for name, n in [("train", 5), ("test", 3)]:
        images, fine = draw_pictures(rng, n, 100)
        batches[name] = images, fine, fine // 5
    write_cifar100(tmp_path, version, batches)
    parts = [batches[name] for name in batches if split in (name, "all")]
    images, fine, coarse = (
        np.concatenate(arrays) for arrays in zip(*parts, strict=True)
    )
    cifar = load_cifar100(tmp_path, split)
    np.testing.assert_array_equal(cifar.images, images)
    np.testing.assert_array_equal(cifar.labels, fine)
    np.testing.assert_array_equal(cifar.coarse_labels, coarse)
    assert cifar.names == FINE
    assert cifar.coarse_names == COARSE


@pytest.mark.parametrize(
    ("folder_name", "version"),
    [("cifar-10-batches-py", "python"), ("cifar-10-batches-bin", "binary")],
)
def test_cifar_root_may_be_the_folder_around(tmp_path, rng, folder_name, version):
    (tmp_path / folder_name).mkdir()
    images, labels = draw_pictures(rng, 2)
    write_cifar10(tmp_path / folder_name, version, {"test_batch": (images, labels)})
    np.testing.assert_array_equal(load_cifar10(tmp_path, "test").images, images)


def test_cifar_takes_the_version_that_is_whole(tmp_path, rng):
    images, labels = draw_pictures(rng, 2)
    write_cifar10(tmp_path, "binary", {"test_batch": (images, labels)})
    touch(tmp_path, "batches.meta")
    np.testing.assert_array_equal(load_cifar10(tmp_path, "test").images, images)


def test_cifar_says_which_files_are_missing_and_where(tmp_path, rng):
    (tmp_path / "cifar-10-batches-py").mkdir()
    batches = {name: draw_pictures(rng, 1) for name in TRAIN_BATCHES if name[-1] != "4"}
    write_cifar10(tmp_path / "cifar-10-batches-py", "python", batches)
    with pytest.raises(
        FileNotFoundError, match=r"batches-py lacks data_batch_4;"
    ) as info:
        load_cifar10(tmp_path)
    assert "cifar-10-batches-bin lacks data_batch_1.bin" in str(info.value)
    with pytest.raises(FileNotFoundError, match=r"CIFAR-100 .* lacks train, meta;"):
        load_cifar100(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "6145 bytes, which is not a multiple of the 3073"),
        (lambda data: data + b"\0", "6147 bytes, which is not a multiple"),
        (lambda data: b"", "it has no images"),
        (lambda data: b"\x0a" + data[1:], "labels from .* to 10; .* between 0 and 9"),
    ],
)
def test_cifar_binary_batch_must_be_whole(tmp_path, rng, change, message):
    write_cifar10(tmp_path, "binary", {"test_batch": draw_pictures(rng, 2)})
    path = tmp_path / "test_batch.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"test_batch\.bin .*{message}"):
        load_cifar10(tmp_path, "test")


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([1, 2], "does not contain a dict"),
        ({}, "'data' is not a uint8 array"),
        ({b"data": [0] * 3072, b"labels": [1]}, "'data' is not a uint8 array"),
        ({b"data": ZEROS[:, 1:], b"labels": [1, 2]}, "'data' is not a uint8 array"),
        ({b"data": ZEROS[0], b"labels": [1, 2]}, "'data' is not a uint8 array"),
        ({b"data": ZEROS.view(np.int8), b"labels": [1, 2]}, "'data' is not"),
        ({b"data": ZEROS.astype(float), b"labels": [1, 2]}, "'data' is not"),
        ({b"data": ZEROS[:0], b"labels": []}, "it has no images"),
        ({b"data": ZEROS}, "'labels' is not a list of 2 integers"),
        ({b"data": ZEROS, b"labels": [1]}, "'labels' is not a list of 2 integers"),
        ({b"data": ZEROS, b"labels": [1, True]}, "'labels' is not a list of 2"),
        ({b"data": ZEROS, b"labels": [1, b"cat"]}, "'labels' is not a list of 2"),
        ({b"data": ZEROS, b"labels": (1, 2)}, "'labels' is not a list of 2"),
        (
            {b"data": ZEROS, b"labels": [1, 10]},
            "labels from 1 to 10; .* between 0 and 9",
        ),
        (
            {b"data": ZEROS, b"labels": [-1, 3]},
            "labels from -1 to 3; .* between 0 and 9",
        ),
    ],
)
def test_cifar_pickled_batch_must_be_pictures_with_labels(tmp_path, batch, message):
    write_cifar10(tmp_path, "python", {})
    (tmp_path / "test_batch").write_bytes(write_python2(batch))
    with pytest.raises(ValueError, match=rf"test_batch .*{message}"):
        load_cifar10(tmp_path, "test")


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ({}, "'label_names' is not a list of names"),
        ({b"label_names": [1] * 10}, "'label_names' is not a list of names"),
        (
            {b"label_names": [b"cat"] * 10},
            "10 class names, of which 1 are distinct; 10",
        ),
        ({b"label_names": [b"cat", b"dog"]}, "2 class names"),
    ],
)
def test_cifar_pickled_names_must_be_ten(tmp_path, rng, meta, message):
    write_cifar10(tmp_path, "python", {"test_batch": draw_pictures(rng, 1)})
    (tmp_path / "batches.meta").write_bytes(write_python2(meta))
    with pytest.raises(ValueError, match=rf"batches\.meta .*{message}"):
        load_cifar10(tmp_path, "test")


def test_cifar_binary_names_must_be_ten(tmp_path, rng):
    write_cifar10(tmp_path, "binary", {"test_batch": draw_pictures(rng, 1)})
    (tmp_path / "batches.meta.txt").write_text("\n".join(NAMES[1:]))
    with pytest.raises(ValueError, match=r"batches\.meta\.txt .* 9 class names"):
        load_cifar10(tmp_path, "test")


@pytest.mark.realdata
def test_real_cifar10_is_read_right(data_root):
    train, test = (load_cifar10(data_root, split) for split in ("train", "test"))
    assert train.names == NAMES
    assert train.images.shape == (50_000, 32, 32, 3)
    assert np.bincount(train.labels).tolist() == [5000] * 10
    assert test.images.shape == (10_000, 32, 32, 3)
    assert np.bincount(test.labels).tolist() == [1000] * 10
    for images, labels, first, name in [
        (train.images[:10_000], train.labels[:10_000], 0, "data_batch_1"),
        (train.images[40_000:], train.labels[40_000:], 0, "data_batch_5"),
        (test.images, test.labels, 0, "test_batch"),
    ]:
        with (
            warnings.catch_warnings(),
            open(data_root / "cifar-10-batches-py" / name, "rb") as file,
        ):
            warnings.simplefilter("ignore")
            batch = pickle.load(file, encoding="bytes")
        picture = batch[b"data"][first].reshape(3, 32, 32).transpose(1, 2, 0)
        np.testing.assert_array_equal(images[first], picture)
        np.testing.assert_array_equal(planar(images), batch[b"data"])
        assert labels.tolist() == batch[b"labels"]
