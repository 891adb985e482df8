"""Files as data sets are published in."""

import struct
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import settings

NAMES = "airplane automobile bird cat deer dog frog horse ship truck".split()

few = settings(max_examples=25, deadline=None)


def folder():
    return tempfile.TemporaryDirectory()


def touch(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


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


def draw_pictures(rng, n, n_classes=10):
    images = rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
    return images, rng.integers(0, n_classes, n)


ZEROS = np.zeros((2, 3072), np.uint8)
