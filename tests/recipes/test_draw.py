"""Copies and groups stay on one side, and every class is on both."""

import numpy as np
import pytest
from data_files import touch
from hypothesis import given
from hypothesis import strategies as st

from skvision._app.groups import read_groups
from skvision._recipes.copies import digest, first_copies
from skvision._recipes.draw import draw_test_set


def alone(n):
    return np.arange(n)


def test_first_copies(rng):
    images = rng.integers(0, 256, (4, 5, 5, 3), dtype=np.uint8)
    images = images[[0, 1, 0, 2, 1, 0]]
    digests = [digest(image) for image in images]
    assert first_copies(digests).tolist() == [
        0,
        1,
        0,
        3,
        1,
        0,
    ]


@pytest.mark.parametrize("test_size, share", [(0.2, 20), (0.333, 33), (0.6, 60)])
def test_single_images_give_each_class_its_fraction_exactly(test_size, share):
    labels = np.repeat(["a", "b"], [100, 200])
    is_test = draw_test_set(labels, [alone(300)], test_size, seed=0)
    assert is_test[:100].sum() == share
    assert is_test[100:].sum() == round(200 * test_size)


def test_the_seed_fixes_the_draw_and_another_seed_gives_another():
    labels = np.repeat(["a", "b"], 50)
    first, again, other = (
        draw_test_set(labels, [alone(100)], 0.2, seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=60),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
)
def test_no_tie_is_parted_and_every_class_is_on_both_sides(pairs, test_size, seed):
    labels, groups = np.array(pairs).T
    try:
        is_test = draw_test_set(labels, [alone(len(labels)), groups], test_size, seed)
    except ValueError:
        groups_of = [set(groups[labels == label]) for label in set(labels)]
        # Where each class is alone in two groups or more, there is a way.
        shared = len(set.union(*groups_of)) < sum(map(len, groups_of))
        assert shared or min(map(len, groups_of)) < 2
        return
    for group in set(groups):
        assert len(set(is_test[groups == group])) == 1
    for label in set(labels):
        assert set(is_test[labels == label]) == {False, True}


def test_ties_of_two_kinds_hang_together():
    labels = np.array(["a"] * 6 + ["b"] * 6)
    copies = np.array([0, 1, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    groups = np.array(list("xxyyzwqrstuv"))  # 0, 1, 2, 3 hang together by 1 and 2
    for seed in range(20):
        is_test = draw_test_set(labels, [copies, groups], 0.4, seed)
        assert len(set(is_test[:4])) == 1


def test_large_groups_come_near_the_fraction():
    labels = np.tile(["a", "b"], 200)
    groups = np.repeat(np.arange(40), 10)
    is_test = draw_test_set(labels, [groups], 0.25, seed=3)
    assert abs(is_test.mean() - 0.25) <= 10 / 400


def test_a_class_of_two_large_groups_has_one_on_each_side():
    labels = np.repeat(["a", "b"], [20, 100])
    groups = np.concatenate([np.repeat([0, 1], 10), np.arange(2, 102)])
    is_test = draw_test_set(labels, [groups], 0.1, seed=0)
    assert is_test[:20].sum() == 10
    assert is_test[20:].sum() == 10


@pytest.mark.parametrize("n", [1, 5])
def test_a_class_of_one_image_or_one_group_is_an_error(n):
    labels = np.array(["few"] * n + ["many"] * 20)
    groups = np.concatenate([np.zeros(n), np.arange(1, 21)])
    with pytest.raises(ValueError, match=r"The class 'few' has .* cannot be both"):
        draw_test_set(labels, [groups], 0.2, seed=0)


@pytest.fixture
def paths(tmp_path):
    names = ("ants/1.png", "ants/2.png", "b/1.png")
    touch(tmp_path, *names)
    return [str(tmp_path / name) for name in names]


def write_csv(tmp_path, text, encoding="utf-8"):
    file = tmp_path / "groups.csv"
    file.write_bytes(text.encode(encoding))
    return file


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_read_groups(tmp_path, paths, encoding):
    file = write_csv(
        tmp_path,
        "file,note,group\r\nb/1.png,,x\r\n./ants/1.png,é,y\r\nants/2.png,,x\r\n",
        encoding,
    )
    assert read_groups(file, tmp_path, paths).tolist() == ["y", "x", "x"]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", r"needs the columns 'file' and 'group'; it has \[\]"),
        ("file,person\n", r"it has \['file', 'person'\]"),
        ("file,group\nants/1.png,x\n", r"no group for .*2.png' and 1 more"),
        ("file,group\nants/1.png\n", r"no file or no group in line 2"),
        ("file,group\nants/1.png,\n", r"no file or no group in line 2"),
        ("file,group\nb/1.png,x\nb/1.png,y\n", r"two groups for 'b/1.png'"),
        (
            "file,group\nants/1.png,x\nants/2.png,x\nb/1.png,x\nc/1.png,x\n",
            r"lists .*c/1.png', not among the images",
        ),
    ],
)
def test_bad_groups(tmp_path, paths, text, message):
    file = write_csv(tmp_path, text)
    with pytest.raises(ValueError, match=message):
        read_groups(file, tmp_path, paths)


@pytest.mark.parametrize("text", ["file,group\né,x\n", "file,group\n" + "x" * 200_000])
def test_a_file_that_is_no_csv(tmp_path, paths, text):
    file = write_csv(tmp_path, text, "latin-1")
    with pytest.raises(ValueError, match=r"is not a CSV file in UTF-8"):
        read_groups(file, tmp_path, paths)
