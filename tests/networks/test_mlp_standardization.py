"""MLPBackprop: standardization of rows and images."""

import numpy as np
import pytest
from network_training import rows_held_out
from sklearn.preprocessing import StandardScaler

from skvision import MLPBackprop


def standardized(X, y, **parameters):
    """Return what goes into the network, and the model."""
    model = MLPBackprop((), max_iter=1, random_state=0, **parameters).fit(X, y)
    return model.transform(X), model


def test_rows_are_standardized_by_column(few):
    X, y = few[0] * [1, 10, 100, 1e3, 1e4] + 50, few[1]
    X[:, 2] = 7
    rows, _ = standardized(X, y)
    np.testing.assert_allclose(rows, StandardScaler().fit_transform(X), atol=1e-11)
    raw, _ = standardized(X, y, standardize=False)
    np.testing.assert_array_equal(raw, X)


@pytest.mark.parametrize("flat", [False, True])
def test_images_are_standardized_by_channel(flat, pictures):
    images, y = pictures
    images[..., 1] = 9
    expected = images - images.mean(axis=(0, 1, 2))
    expected[..., [0, 2]] /= images[..., [0, 2]].std(axis=(0, 1, 2))
    given = images.reshape(40, -1) if flat else images
    shape = (4, 5, 3) if flat else None
    rows, model = standardized(given, y, image_shape=shape)
    assert model.image_shape_ == (4, 5, 3)
    np.testing.assert_allclose(rows, expected.reshape(40, -1), atol=1e-5)


def test_gray_images_are_one_channel(pictures):
    images, y = pictures[0][..., 0], pictures[1]
    rows, model = standardized(images, y)
    expected = (images - images.mean()) / images.std()
    np.testing.assert_allclose(rows, expected.reshape(40, -1), atol=1e-5)
    assert model.image_shape_ == (4, 5, 1)


def test_standardized_by_weighted_rows(few, rng):
    weights = rng.random(60)
    model = MLPBackprop((), max_iter=1).fit(*few, weights)
    mean = np.average(few[0], axis=0, weights=weights)
    variance = np.average((few[0] - mean) ** 2, axis=0, weights=weights)
    np.testing.assert_allclose(
        model.transform(few[0]), (few[0] - mean) / np.sqrt(variance), atol=1e-12
    )


def test_standardized_by_rows_learned_from():
    y = np.arange(60) % 3
    held_out = rows_held_out(y, validation_fraction=0.2)
    assert np.bincount(y[held_out]).tolist() == [4, 4, 4]
    X = np.random.default_rng(0).normal(size=(60, 4))
    X[held_out] += 100
    learned = np.setdiff1d(np.arange(60), held_out)
    rows, _ = standardized(X, y, early_stopping=True, validation_fraction=0.2)
    expected = StandardScaler().fit(X[learned]).transform(X)
    np.testing.assert_allclose(rows, expected, atol=1e-10)


def test_standardized_without_images_to_validate_on(few):
    X, y = few
    model = MLPBackprop((), early_stopping=True, max_iter=1)
    model.fit(X, y, X_val=X + 100, y_val=y)
    expected = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(model.transform(X), expected, atol=1e-12)
