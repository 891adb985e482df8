"""MNIST: files as published, and files that are wrong, short or hostile."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from data_files import few, folder
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skvision.datasets import load_mnist


def idx(array, magic=None):
    header = magic or bytes([0, 0, 8, array.ndim])
    return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write_mnist(root, prefix, images, labels, dot="-", gz=False):
    for kind, array in [("images", images), ("labels", labels)]:
        name = f"{prefix}-{kind}{dot}idx{array.ndim}-ubyte" + (".gz" if gz else "")
        data = idx(array.astype(np.uint8))
        Path(root, name).write_bytes(gzip.compress(data) if gz else data)


@few
@given(
    images=hnp.arrays(np.uint8, st.integers(1, 3).map(lambda n: (n, 28, 28))),
    label=st.integers(0, 9),
    dot=st.sampled_from("-."),
    gz=st.booleans(),
)
def test_mnist_gives_back_what_was_written(images, label, dot, gz):
    labels = np.full(len(images), label)
    with folder() as root:
        write_mnist(root, "t10k", images, labels, dot, gz)
        mnist = load_mnist(root, "test")
    np.testing.assert_array_equal(mnist.images, images)
    np.testing.assert_array_equal(mnist.labels, labels)
    assert mnist.images.dtype == np.uint8
    assert mnist.labels.dtype == np.int64
    assert mnist.names == list("0123456789")


@pytest.fixture
def mnist_root(tmp_path, rng):
    for prefix, n in [("train", 5), ("t10k", 3)]:
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        write_mnist(tmp_path, prefix, images, np.arange(n))
    return tmp_path


def test_mnist_all_is_train_and_then_test(mnist_root):
    train, test, both = (load_mnist(mnist_root, s) for s in ("train", "test", "all"))
    assert len(train.images) == 5
    assert len(test.images) == 3
    np.testing.assert_array_equal(both.images, [*train.images, *test.images])
    assert both.labels.tolist() == [0, 1, 2, 3, 4, 0, 1, 2]


def test_mnist_knows_gzip_by_its_content(mnist_root):
    expected = load_mnist(mnist_root)
    path = mnist_root / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(load_mnist(mnist_root).images, expected.images)


def test_mnist_says_which_names_it_looked_for(mnist_root):
    (mnist_root / "train-labels-idx1-ubyte").unlink()
    wanted = "train-labels-idx1-ubyte, train-labels-idx1-ubyte.gz, train-labels.idx1-ub"
    with pytest.raises(FileNotFoundError, match=wanted) as info:
        load_mnist(mnist_root)
    assert str(mnist_root) in str(info.value)


IMAGES = np.zeros((5, 28, 28), np.uint8)

IMAGES_IDX = idx(IMAGES)

IMAGES_GZ = gzip.compress(IMAGES_IDX, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "begins with the bytes ''; .* begins with '00 00 08 03'"),
        (b"PK\3\4", "begins with the bytes '50 4b 03 04'"),
        (idx(IMAGES, magic=b"\0\0\x0d\3"), "begins with the bytes '00 00 0d 03'"),
        (idx(IMAGES[0]), "begins with the bytes '00 00 08 02'"),
        (IMAGES_IDX[:10], "ends in its header"),
        (
            IMAGES_IDX[:-1],
            r"too short, with 3919 bytes .* requires 3920 .*\(5, 28, 28\)",
        ),
        (
            IMAGES_IDX + b"\0",
            "too long, with more than 3920 bytes of data; .* requires 3920",
        ),
        (idx(IMAGES[:, 1:]), r"the shape \(5, 27, 28\); .* \(n, 28, 28\)"),
        (idx(IMAGES[:0]), r"the shape \(0, 28, 28\); .* n at least 1"),
        (idx(IMAGES[:4]), "has 4 images, but .* has 5 labels"),
        (gzip.compress(IMAGES_IDX[:-1], mtime=0), "too short, with 3919 bytes"),
        (gzip.compress(IMAGES_IDX + b"\0", mtime=0), "too long"),
        (IMAGES_GZ[:-9], "is a damaged gzip file"),
        (IMAGES_GZ[:12], "is a damaged gzip file"),
        (IMAGES_GZ[:20] + b"\xff\xff" + IMAGES_GZ[22:], "is a damaged gzip file"),
        (IMAGES_GZ[:-8] + bytes(4) + IMAGES_GZ[-4:], "is a damaged gzip file"),
    ],
)
def test_mnist_pictures_must_be_whole(mnist_root, content, message):
    (mnist_root / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(ValueError, match=rf"train-images-idx3-ubyte .*{message}"):
        load_mnist(mnist_root)


def test_mnist_labels_must_be_digits(mnist_root):
    labels = np.array([0, 9, 10, 3, 4], np.uint8)
    (mnist_root / "train-labels-idx1-ubyte").write_bytes(idx(labels))
    with pytest.raises(
        ValueError, match=r"idx1-ubyte has the label 10; .* between 0 and 9"
    ):
        load_mnist(mnist_root)


@pytest.mark.parametrize(
    ("n_pictures", "message"),
    [
        (5, "too long, with more than 3920"),
        (10**6, "too short, with less than .* requires 784000000"),
        (
            10**6 + 1,
            "has 1000001 images .*; published datasets have at most 10000",
        ),
        (2**32 - 1, "has 4294967295 images"),
    ],
)
def test_mnist_does_not_unpack_a_bomb(mnist_root, n_pictures, message):
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", n_pictures, 28, 28)
    bomb = gzip.compress(header + bytes(1 << 26))
    (mnist_root / "train-images-idx3-ubyte").write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(ValueError, match=message):
        load_mnist(mnist_root)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


@few
@given(st.binary(max_size=40), st.booleans())
def test_mnist_on_any_bytes_is_a_clear_error(content, gz):
    with folder() as root:
        write_mnist(root, "train", IMAGES, np.arange(5))
        path = Path(root, "train-images-idx3-ubyte")
        path.write_bytes(b"\x1f\x8b" + content if gz else content)
        with pytest.raises(ValueError, match="train-images-idx3-ubyte"):
            load_mnist(root)
