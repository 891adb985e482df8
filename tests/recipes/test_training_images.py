"""Copies are merged, in an order that does not depend on the order of the images."""

import numpy as np
import pytest

from skvision._recipes.training_images import merge_copies


@pytest.fixture
def images(rng):
    return rng.integers(0, 256, (6, 3, 3), np.uint8)


def test_a_weight_is_a_number_of_copies(images):
    labels = np.array(list("aabbcc"))
    weights = np.array([1.0, 2, 3, 0, 1, 1])
    weighted = merge_copies(images, labels, weights, None)
    repeated = np.repeat(np.arange(6), weights.astype(int))
    copies = merge_copies(images[repeated], labels[repeated], np.ones(8), None)
    for name in ("images", "labels", "weights", "parts"):
        np.testing.assert_array_equal(getattr(weighted, name), getattr(copies, name))


def test_the_order_of_images_does_not_matter(images, rng):
    labels, groups = np.array(list("aabbcc")), np.array([0, 0, 1, 1, 2, 2])
    order = rng.permutation(6)
    one = merge_copies(images, labels, np.ones(6), groups)
    other = merge_copies(images[order], labels[order], np.ones(6), groups[order])
    for name in ("images", "labels", "weights", "parts"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.position_of[order], other.position_of)


def test_the_same_image_with_two_labels_stays_twice_in_one_part(images):
    images[3] = images[0]
    merged = merge_copies(images, np.array(list("aabbcc")), np.ones(6), None)
    assert len(merged) == 6
    equal = merged.parts[merged.position_of[[0, 3]]]
    assert equal[0] == equal[1] and len(np.unique(merged.parts)) == 5


def test_groups_and_copies_are_joined(images):
    images[5] = images[0]
    groups = np.array([0, 0, 1, 2, 3, 3])
    merged = merge_copies(images, np.array(list("aabbca")), np.ones(6), groups)
    parts = merged.parts[merged.position_of]
    assert parts[0] == parts[1] == parts[4] == parts[5]
    assert len(np.unique(parts)) == 3


def test_some_images_know_where_they_were_passed(images):
    merged = merge_copies(images, np.array(list("aabbcc")), np.ones(6), None)
    some = merged.take(np.array([1, 4]))
    for i, image in enumerate(images):
        position = some.position_of[i]
        assert (position >= 0) == any((image == one).all() for one in some.images)
        if position >= 0:
            np.testing.assert_array_equal(some.images[position], image)
