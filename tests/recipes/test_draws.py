"""Validation images are drawn so that nothing tied is parted."""

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, KFold

from skvision._recipes.draws import draw_validation_images
from skvision._recipes.training_images import TrainingImages


def make(labels, parts):
    n = len(labels)
    return TrainingImages(
        np.arange(n)[:, None],
        np.array(labels),
        np.ones(n),
        np.array(parts),
        np.arange(n),
    )


@pytest.fixture
def grouped():
    return make(list("ab" * 20), np.arange(40) // 4)


@pytest.mark.parametrize("cv", [None, 3, GroupKFold(3)])
def test_parts_stay_together(grouped, cv):
    draws = draw_validation_images(grouped, cv, 0)
    assert len(draws) == (4 if cv is None else 3)
    for learning, validation in draws:
        assert not set(grouped.parts[learning]) & set(grouped.parts[validation])
        assert set(grouped.labels[validation]) == {"a", "b"}
        assert len(learning) + len(validation) == 40


def test_a_splitter_that_parts_groups_is_refused(grouped):
    with pytest.raises(ValueError, match=r"groups.*StratifiedGroupKFold"):
        draw_validation_images(grouped, KFold(2, shuffle=True, random_state=0), 0)


def test_an_iterable_is_taken_as_it_is(grouped):
    split = (np.arange(0, 40, 2), np.arange(1, 40, 2))
    (draw,) = draw_validation_images(grouped, [split], 0)
    for drawn, given in zip(draw, split, strict=True):
        np.testing.assert_array_equal(drawn, given)


def test_an_empty_side_is_refused(grouped):
    with pytest.raises(ValueError, match="empty"):
        draw_validation_images(grouped, [(np.arange(40), np.arange(0))], 0)


def test_many_images_are_drawn_once():
    draws = draw_validation_images(make(["a", "b"] * 500, np.arange(1000)), None, 0)
    assert [len(validation) for _, validation in draws] == [250]


def test_a_class_of_one_part_cannot_be_validated():
    assert not draw_validation_images(make(["a", "a", "b", "b"], [0, 1, 2, 2]), None, 0)
