"""Pickles of CIFAR that are broken or hostile."""

import os
import pickle
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from data_files import (
    ZEROS,
    _python2,
    _python2_array,
    draw_pictures,
    few,
    folder,
    planar,
    write_cifar10,
    write_python2,
)
from hypothesis import given
from hypothesis import strategies as st

from skvision.datasets import load_cifar10
from skvision.datasets._inert_pickle import Call, read_pickle


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
    with pytest.raises(
        ValueError,
        match="test_batch is damaged or not a file of the Python version of CIFAR",
    ):
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
    with pytest.raises(ValueError, match=f"refers to '{name}', which is not allowed"):
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
    with pytest.raises(
        ValueError,
        match="data_batch_1 is damaged or not a file of the Python version of CIFAR",
    ):
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
