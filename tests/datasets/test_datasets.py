"""Loaders: files as published, and files that are wrong, short or hostile."""

import gzip
import os
import pickle
import struct
import tempfile
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skvision.datasets import (
    load_cifar10,
    load_cifar100,
    load_image_folder,
    load_mnist,
)
from skvision.datasets._inert_pickle import Call, read_pickle

NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()
FINE = [f"class {k}" for k in range(100)]
COARSE = [f"superclass {k}" for k in range(20)]
TRAIN_BATCHES = [f"data_batch_{k}" for k in range(1, 6)]

few = settings(max_examples=25, deadline=None)


def folder():
    return tempfile.TemporaryDirectory()


# Folders of images


def touch(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_image_folder_finds_pictures_and_classes(tmp_path):
    touch(tmp_path, "bees/b.jpg", "bees/a.JPEG", "ants/deep/er/c.Png", "ants/z.tif")
    data = load_image_folder(tmp_path)
    found = [os.path.relpath(path, tmp_path) for path in data.paths]
    assert found == [
        os.path.join("ants", "deep", "er", "c.Png"),
        os.path.join("ants", "z.tif"),
        os.path.join("bees", "a.JPEG"),
        os.path.join("bees", "b.jpg"),
    ]
    assert data.labels.tolist() == ["ants", "ants", "bees", "bees"]
    assert data.names == ["ants", "bees"]
    assert data.ignored == []
    assert data.paths.dtype.kind == data.labels.dtype.kind == "U"


def test_image_folder_frame_is_the_same_table(tmp_path):
    touch(tmp_path, "ants/1.png", "bees/2.png")
    data = load_image_folder(tmp_path)
    assert data.frame.columns.tolist() == ["path", "label"]
    assert data.frame["path"].tolist() == data.paths.tolist()
    assert data.frame["label"].tolist() == data.labels.tolist()


def test_image_folder_passes_over_what_is_hidden_and_reports_the_rest(tmp_path):
    touch(tmp_path, "ants/1.png", "bees/2.png")
    touch(tmp_path, ".git/x.png", "__MACOSX/ants/1.png", "ants/__MACOSX/1.png")
    touch(tmp_path, "ants/._1.png", "ants/.DS_Store", "bees/.cache/2.png")
    touch(tmp_path, "ants/Thumbs.db", "bees/notes.txt", "README.md", "stray.png")
    data = load_image_folder(tmp_path)
    assert [Path(path).name for path in data.paths] == ["1.png", "2.png"]
    assert data.names == ["ants", "bees"]
    assert [os.path.relpath(path, tmp_path) for path in data.ignored] == [
        "README.md",
        "stray.png",
        os.path.join("ants", "Thumbs.db"),
        os.path.join("bees", "notes.txt"),
    ]


def test_image_folder_sorts_by_folder_and_not_by_character(tmp_path):
    # As text, "a-b/1.png" stands before "a/1.png".
    touch(tmp_path, "a-b/1.png", "a/1.png")
    data = load_image_folder(tmp_path)
    assert data.names == ["a", "a-b"]
    assert data.labels.tolist() == ["a", "a-b"]


def test_image_folder_keeps_a_relative_root_relative(tmp_path, monkeypatch):
    touch(tmp_path, "photos/ants/1.png", "photos/bees/2.png")
    monkeypatch.chdir(tmp_path)
    paths = load_image_folder("photos").paths
    assert paths[0] == os.path.join("photos", "ants", "1.png")


@few
@given(
    st.dictionaries(
        st.text("abc-_ é", min_size=1, max_size=6).filter(lambda name: name.strip()),
        st.sets(st.text("xyz01", min_size=1, max_size=6), min_size=1, max_size=3),
        min_size=2,
        max_size=4,
    )
)
def test_image_folder_gives_back_the_folders_that_were_written(classes):
    with folder() as root:
        touch(
            root, *(f"{name}/{stem}.png" for name in classes for stem in classes[name])
        )
        data = load_image_folder(root)
        pairs = [(Path(path).stem, Path(path).parent.name) for path in data.paths]
    assert data.names == sorted(classes)
    assert sorted(pairs) == sorted((s, name) for name in classes for s in classes[name])
    assert [name for _, name in pairs] == data.labels.tolist()


@pytest.fixture
def link(tmp_path):
    def make(name, target):
        try:
            (tmp_path / name).symlink_to(target, target_is_directory=True)
        except OSError:
            pytest.skip("this system makes no symbolic links here")

    return make


def test_image_folder_ends_where_links_go_round(tmp_path, link):
    touch(tmp_path, "ants/1.png", "bees/2.png")
    link("ants/again", tmp_path)
    link("bees/self", tmp_path / "bees")
    assert len(load_image_folder(tmp_path).paths) == 2


def test_image_folder_takes_a_link_for_a_class(tmp_path, link):
    touch(tmp_path, "elsewhere/1.png", "root/bees/2.png")
    link("root/ants", tmp_path / "elsewhere")
    assert load_image_folder(tmp_path / "root").labels.tolist() == ["ants", "bees"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "no folders inside, and 0 images directly in it"),
        (["1.png", "2.JPG"], "no folders inside, and 2 images .* Put the images"),
        ([".hidden/1.png"], "no folders inside"),
        (["ants/1.png"], "only one class folder, 'ants'; at least two are needed"),
        (["photos/ants/1.png", "photos/bees/2.png"], "class folders lie in .*photos"),
        (["train/ants/1.png", "Test/ants/2.png"], "splits, not classes: Test, train"),
        (["ants/1.png", "bees/.keep"], "bees has no images; .* remove the folder"),
        (["ants/1.png", "bees/1.heic"], r"bees has no images, .*\['.heic'\]"),
    ],
)
def test_image_folder_says_what_layout_is_needed(tmp_path, files, message):
    touch(tmp_path, *files)
    with pytest.raises(ValueError, match=message):
        load_image_folder(tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="runs as root"
)
def test_image_folder_does_not_pass_over_a_folder_it_cannot_read(tmp_path):
    touch(tmp_path, "ants/1.png", "bees/2.png", "bees/closed/3.png")
    (tmp_path / "bees/closed").chmod(0)
    try:
        with pytest.raises(PermissionError, match="closed"):
            load_image_folder(tmp_path)
    finally:
        (tmp_path / "bees/closed").chmod(0o700)


@pytest.mark.realdata
def test_image_folder_on_photos(data_root):
    data = load_image_folder(data_root / "hymenoptera_photos" / "train")
    assert data.names == ["ants", "bees"]
    assert len(data.paths) == 244
    assert (data.labels == "ants").sum() == 123
    assert data.ignored == []


# What all loaders share


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


# CIFAR


def write_python2(value):
    """Write a value as Python 2's cPickle and the NumPy of its time did."""
    return b"\x80\x02" + _python2(value) + b"."


def _python2(value):
    match value:
        case bytes() if len(value) < 256:
            return b"U" + bytes([len(value)]) + value
        case bytes():
            return b"T" + struct.pack("<i", len(value)) + value
        case bool() | None:
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int():
            return b"J" + struct.pack("<i", value)
        case list():
            return b"](" + b"".join(map(_python2, value)) + b"e"
        case tuple():
            return b"(" + b"".join(map(_python2, value)) + b"t"
        case dict():
            return (
                b"}(" + b"".join(_python2(x) for kv in value.items() for x in kv) + b"u"
            )
        case np.ndarray():
            return _python2_array(value.dtype.str[1:], value.shape, value.tobytes())
    raise TypeError(value)


def _python2_array(dtype, shape, content):
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n"
    array += _python2((0,)) + _python2(b"b") + b"tR"
    kind = b"cnumpy\ndtype\n" + _python2((dtype.encode(), 0, 1)) + b"R"
    kind += _python2((3, b"|", None, None, None, -1, -1, 0)) + b"b"
    state = b"(" + _python2(1) + _python2(shape) + kind
    return array + state + _python2(False) + _python2(content) + b"tb"


def planar(images):
    return images.transpose(0, 3, 1, 2).reshape(len(images), 3072)


def write_cifar10(root, version, batches):
    """Write batches, a dict of names and (images, labels), in one of the versions."""
    root = Path(root)
    if version == "python":
        (root / "batches.meta").write_bytes(
            write_python2({b"label_names": [name.encode() for name in NAMES]})
        )
        for name, (images, labels) in batches.items():
            batch = {b"labels": labels.tolist(), b"data": planar(images)}
            (root / name).write_bytes(write_python2(batch))
    else:
        (root / "batches.meta.txt").write_text("\n".join(NAMES) + "\n\n")
        for name, (images, labels) in batches.items():
            records = np.hstack([labels[:, None].astype(np.uint8), planar(images)])
            (root / f"{name}.bin").write_bytes(records.tobytes())


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


def draw_pictures(rng, n, n_classes=10):
    images = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return images, rng.integers(0, n_classes, n)


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
        (lambda data: data[:-1], "6145 bytes, not a multiple of the 3073"),
        (lambda data: data + b"\0", "6147 bytes, not a multiple"),
        (lambda data: b"", "it has no images"),
        (lambda data: b"\x0a" + data[1:], "labels from .* to 10; 0 to 9 are needed"),
    ],
)
def test_cifar_binary_batch_must_be_whole(tmp_path, rng, change, message):
    write_cifar10(tmp_path, "binary", {"test_batch": draw_pictures(rng, 2)})
    path = tmp_path / "test_batch.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(ValueError, match=rf"test_batch\.bin .*{message}"):
        load_cifar10(tmp_path, "test")


ZEROS = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([1, 2], "holds no dict"),
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
        ({b"data": ZEROS, b"labels": [1, 10]}, "labels from 1 to 10; 0 to 9"),
        ({b"data": ZEROS, b"labels": [-1, 3]}, "labels from -1 to 3; 0 to 9"),
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
        ({b"label_names": [b"cat"] * 10}, "10 class names, 1 of them different; 10"),
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


# Pickles


class Hostile:
    """Asks whoever unpickles it to run a command."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_hostile_pickle_does_not_run(tmp_path, protocol):
    write_cifar10(tmp_path, "python", {})
    proof = tmp_path / "proof"
    hostile = pickle.dumps(Hostile(f'echo 1 > "{proof}"'), protocol)
    (tmp_path / "test_batch").write_bytes(hostile)
    with pytest.raises(ValueError, match="test_batch is damaged or no file of CIFAR"):
        load_cifar10(tmp_path, "test")
    assert not proof.exists()
    pickle.loads(hostile)
    assert proof.exists(), "the pickle was not hostile, so the test showed nothing"


@pytest.mark.parametrize(
    "name",
    ["os system", "posix system", "builtins eval", "numpy load", "numpy.core dtype"],
)
def test_pickle_may_name_nothing_but_arrays(tmp_path, name):
    path = tmp_path / "batch"
    path.write_bytes(b"\x80\x02c" + name.replace(" ", "\n").encode() + b"\n.")
    with pytest.raises(ValueError, match=f"asks for '{name}', which no image needs"):
        read_pickle(path)


def test_what_a_pickle_calls_is_only_written_down(tmp_path):
    path = tmp_path / "batch"
    content = _python2_array("O", (1 << 30, 1 << 30), b"")
    path.write_bytes(b"\x80\x02}" + _python2(b"data") + content + b"s.")
    array = read_pickle(path)[b"data"]
    assert array == Call(
        "numpy.core.multiarray _reconstruct",
        ("numpy ndarray", (0,), b"b"),
        (
            1,
            (1 << 30, 1 << 30),
            Call("numpy dtype", (b"O", 0, 1), (3, b"|", None, None, None, -1, -1, 0)),
            False,
            b"",
        ),
    )


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("O", (1, 3072)),
        ("u1", (1 << 30, 3072)),
        ("u1", (-1, 3072)),
        ("V3072", (1, 3072)),
    ],
)
def test_pickled_array_must_have_the_bytes_that_it_claims(tmp_path, dtype, shape):
    write_cifar10(tmp_path, "python", {})
    content = _python2_array(dtype, shape, bytes(3072 if dtype != "u1" else 3071))
    (tmp_path / "test_batch").write_bytes(
        b"\x80\x02}" + _python2(b"data") + content + b"s."
    )
    with pytest.raises(ValueError, match="'data' is not a uint8 array"):
        load_cifar10(tmp_path, "test")


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x02}", id="no end"),
        pytest.param(b"\x80\x02.", id="nothing on the stack"),
        pytest.param(b"\x80\x02t.", id="no mark"),
        pytest.param(b"\x80\x02h\x05.", id="nothing remembered"),
        pytest.param(b"\x80\x02}r\xff\xff\xff\xff0.", id="pop"),
        pytest.param(b"\x80\x02T\xff\xff\xff\x7f.", id="text of 2 GiB"),
        pytest.param(b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.", id="bytes of 8 EiB"),
        pytest.param(b"\x80\x02}" + b")\x85" * 9**5 + b"Ns.", id="nested tuple as key"),
        pytest.param(b"\x80\x02}(U\x01au.", id="key without value"),
        pytest.param(b"\x80\x02U\x01a(U\x01au.", id="items of a text"),
        pytest.param(b"\x80\x02U\x01a]b.", id="state of a text"),
        pytest.param(b"\x80\x02}]a.", id="append to a dict"),
        pytest.param(b"\x80\x02\x82\x01.", id="extension"),
        pytest.param(b"Pname\n.", id="persistent"),
    ],
)
def test_broken_pickle_is_a_clear_error(tmp_path, program):
    path = tmp_path / "data_batch_1"
    path.write_bytes(program)
    with pytest.raises(ValueError, match="data_batch_1 is damaged or no file of CIFAR"):
        read_pickle(path)


def test_pickle_memory_is_in_proportion_to_the_file(tmp_path):
    # Python's own reader allocates as many places as the number of a memo says.
    path = tmp_path / "batch"
    path.write_bytes(b"\x80\x02}r\xff\xff\xff\x7f.")
    tracemalloc.start()
    assert read_pickle(path) == {}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@few
@given(st.data())
def test_damaged_pickle_loads_whole_or_not_at_all(data):
    batch = write_python2({b"labels": [3], b"data": ZEROS[:1]})
    damaged = bytearray(batch)
    # The pixels cannot be wrong, only what stands around them.
    for _ in range(data.draw(st.integers(1, 3))):
        near = st.one_of(
            st.integers(0, 250), st.integers(len(batch) - 5, len(batch) - 1)
        )
        damaged[data.draw(near)] = data.draw(st.integers(0, 255))
    with folder() as root:
        write_cifar10(root, "python", {})
        Path(root, "test_batch").write_bytes(damaged)
        try:
            cifar = load_cifar10(root, "test")
        except ValueError as error:
            assert "test_batch" in str(error)
        else:
            assert cifar.images.shape == (1, 32, 32, 3)
            assert 0 <= cifar.labels[0] < 10


def test_pickles_of_these_tests_are_what_numpy_makes_of_them(rng):
    images, labels = draw_pictures(rng, 2)
    written = write_python2({b"labels": labels.tolist(), b"data": planar(images)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        batch = pickle.loads(written, encoding="bytes")
    np.testing.assert_array_equal(batch[b"data"], planar(images))
    assert batch[b"labels"] == labels.tolist()


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


# MNIST


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
        (IMAGES_IDX[:-1], r"too short, 3919 bytes .* says 3920, .*\(5, 28, 28\)"),
        (IMAGES_IDX + b"\0", "too long, over 3920 bytes of data; .* says 3920"),
        (idx(IMAGES[:, 1:]), r"the shape \(5, 27, 28\); \(n, 28, 28\)"),
        (idx(IMAGES[:0]), r"the shape \(0, 28, 28\); .* n at least 1"),
        (idx(IMAGES[:4]), "has 4 images and .* has 5 labels"),
        (gzip.compress(IMAGES_IDX[:-1], mtime=0), "too short, 3919 bytes"),
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
    with pytest.raises(ValueError, match=r"idx1-ubyte has the label 10; .* 0 to 9"):
        load_mnist(mnist_root)


@pytest.mark.parametrize(
    ("n_pictures", "message"),
    [
        (5, "too long, over 3920"),
        (10**6, "too short, under .* says 784000000"),
        (
            10**6 + 1,
            "says that it has 1000001 images; published sets have at most 10000",
        ),
        (2**32 - 1, "says that it has 4294967295 images"),
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
