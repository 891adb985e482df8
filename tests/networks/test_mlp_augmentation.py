"""MLPBackprop: augmentation and averaged predictions."""

import copy

import numpy as np
import pytest
from learner_states import nothing_fitted
from network_training import ALL_EPOCHS, Recorder
from sklearn.base import clone

from skvision import MLPBackprop
from skvision.augmentation import RandomFlip


@pytest.mark.parametrize("layout", ["color", "gray", "rows"])
def test_augmentation_sees_batches_of_bytes(layout, pictures):
    images, y = pictures
    shape = (4, 5, 3)
    if layout == "gray":
        images, shape = images[..., 0], (4, 5, 1)
    asked = {"image_shape": shape} if layout == "rows" else {}
    X = images.reshape(40, -1) if layout == "rows" else images
    recorder = Recorder()
    model = MLPBackprop(
        8, augmentation=recorder, batch_size=16, max_iter=2, random_state=0, **asked
    ).fit(X, y)
    sizes = [shape[0] for _, shape, _ in recorder.seen]
    assert sizes == [16, 16, 8] * 2
    assert {s[1:] for _, s, _ in recorder.seen} == {shape}
    assert {dtype for dtype, _, _ in recorder.seen} == {np.dtype(np.uint8)}
    assert {kind for _, _, kind in recorder.seen} == {np.random.Generator}
    model.predict(X)
    model.predict_proba(X)
    model.transform(X)
    model.loss_and_gradient(X, y)
    assert len(recorder.seen) == 6  # never at prediction
    plain = MLPBackprop(8, batch_size=16, max_iter=2, random_state=0, **asked)
    np.testing.assert_array_equal(model.parameters_, plain.fit(X, y).parameters_)


def test_images_to_validate_on_are_not_augmented(pictures):
    recorder = Recorder()
    MLPBackprop(
        8, augmentation=recorder, early_stopping=True, max_iter=2, n_iter_no_change=9
    ).fit(*pictures, X_val=pictures[0], y_val=pictures[1])
    assert [shape[0] for _, shape, _ in recorder.seen] == [40, 40]


def test_augmentation_changes_what_is_learned_from(pictures):
    images, y = pictures
    before = images.copy()
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    model = MLPBackprop(8, max_iter=5, **ALL_EPOCHS)
    always = clone(model).set_params(augmentation=lambda images, rng: mirror(images))
    a = always.fit(images, y)
    b = clone(model).fit(mirrored, y)
    np.testing.assert_allclose(a.parameters_, b.parameters_, atol=1e-4)
    c = clone(model).fit(images, y)
    assert abs(a.parameters_ - c.parameters_).max() > 0.01
    np.testing.assert_array_equal(images, before)


def mirror(images):
    return images[:, :, ::-1]


def blacken(images, rng):
    images[...] = 0
    return images


def test_augmentation_may_work_in_place(pictures):
    before = pictures[0].copy()
    MLPBackprop(8, augmentation=blacken, max_iter=1).fit(*pictures)
    MLPBackprop(8, augmentation=blacken, max_iter=1, batch_size=40, shuffle=False).fit(
        *pictures
    )
    np.testing.assert_array_equal(pictures[0], before)


def test_flat_rows_are_augmented_as_images(pictures):
    images, y = pictures
    model = MLPBackprop(8, augmentation=RandomFlip(), max_iter=5, random_state=0)
    a = clone(model).fit(images, y)
    b = clone(model).set_params(image_shape=(4, 5, 3)).fit(images.reshape(40, -1), y)
    np.testing.assert_array_equal(a.parameters_, b.parameters_)
    c = clone(model).set_params(augmentation=None).fit(images, y)
    assert (a.parameters_ != c.parameters_).any()


def test_augmentation_differs_between_epochs(pictures):
    drawn = []

    def draw(images, rng):
        drawn.append(rng.random())
        return images

    model = MLPBackprop(8, augmentation=draw, max_iter=3, random_state=0)
    model.fit(*pictures)
    model.partial_fit(*pictures)
    assert len(set(drawn)) == 4
    clone(model).fit(*pictures)
    assert drawn[4:] == drawn[:3]


def test_floats_are_not_augmented_as_bytes(pictures):
    model = MLPBackprop(8, augmentation=RandomFlip())
    with pytest.raises(TypeError, match=r"RandomFlip requires uint8 images.*float64"):
        model.fit(pictures[0] / 255, pictures[1])
    assert nothing_fitted(model)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda images, rng: images[:, :2],
        lambda images, rng: images[:5],
        lambda images, rng: None,
    ],
)
def test_augmentation_of_another_shape(spoil, pictures):
    model = MLPBackprop(8, augmentation=spoil)
    with pytest.raises((ValueError, TypeError), match="augmentation"):
        model.fit(*pictures)
    assert nothing_fitted(model)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_tta_averages_scores_with_mirrored_images(n_classes, pictures):
    images, y = pictures[0], np.arange(40) % n_classes
    model = MLPBackprop(8, tta=True, max_iter=5, random_state=0).fit(images, y)
    plain = copy.deepcopy(model).set_params(tta=False)
    both = plain.decision_function(images), plain.decision_function(mirror(images))
    assert abs(both[0] - both[1]).max() > 0.1
    scores = model.decision_function(images)
    np.testing.assert_allclose(scores, np.mean(both, axis=0), rtol=1e-5)
    again = model.decision_function(mirror(images))
    np.testing.assert_allclose(again, scores, rtol=1e-5, atol=1e-6)
    winners = scores.argmax(axis=1) if n_classes > 2 else scores > 0
    np.testing.assert_array_equal(model.predict(images), winners)
    np.testing.assert_array_equal(model.predict_proba(images).argmax(axis=1), winners)
    rows = images.reshape(40, -1)
    np.testing.assert_array_equal(model.decision_function(rows), scores)
    fitted_plain = clone(model).set_params(tta=False).fit(images, y)
    np.testing.assert_array_equal(model.parameters_, fitted_plain.parameters_)


def test_tta_switched_on_for_flat_rows(few):
    model = MLPBackprop(4, max_iter=1).fit(*few).set_params(tta=True)
    with pytest.raises(ValueError, match=r"tta.* requires images"):
        model.predict(few[0])


def test_lbfgs_does_not_support_augmentation(pictures):
    model = MLPBackprop(solver="lbfgs", augmentation=RandomFlip(), dropout=0.1)
    with pytest.raises(ValueError, match="not support dropout and augmentation"):
        model.fit(*pictures)
    assert nothing_fitted(model)
