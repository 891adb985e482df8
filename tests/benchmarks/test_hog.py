"""HOG against scikit-image and OpenCV: the same features, a thread each."""

import cv2
import numpy as np
import pytest
from skimage.feature import hog
from threadpoolctl import threadpool_limits

from skvision import HOG

SIDES = [32, 512]


@pytest.fixture(autouse=True)
def one_thread():
    cv2.setNumThreads(1)
    with threadpool_limits(1):
        yield


def scikit_image(images):
    return [hog(image, 9, (8, 8), (2, 2), channel_axis=-1) for image in images]


def run(benchmark, name, side, function, images, rounds):
    benchmark.group = f"HOG of {side} x {side} RGB, 9 bins, 8-pixel cells, per image"
    benchmark.extra_info.update(name=name, n=len(images))
    return benchmark.pedantic(function, (images,), rounds=rounds, warmup_rounds=1)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("skvision", {}),
        ("skvision, 2 threads", {"n_jobs": 2}),
        ("skvision, interpolate", {"interpolate": True}),
    ],
)
def test_skvision(benchmark, pictures, side, name, parameters):
    transformer = HOG(**parameters).fit(pictures[side])
    run(benchmark, name, side, transformer.transform, pictures[side], 15)
    if "interpolate" not in parameters:  # the same work as scikit-image's
        features = transformer.transform(pictures[side][:2])
        np.testing.assert_allclose(
            features, scikit_image(pictures[side][:2]), atol=1e-5
        )


@pytest.mark.parametrize("side", SIDES)
def test_opencv(benchmark, pictures, side):
    descriptor = cv2.HOGDescriptor((side, side), (16, 16), (8, 8), (8, 8), 9)

    def describe(images):
        return [descriptor.compute(image) for image in images]

    images = pictures[side]
    described = run(benchmark, "OpenCV HOGDescriptor", side, describe, images, 15)
    n_features = HOG().fit_transform(images[:1]).shape[1]
    assert np.shape(described) == (len(images), n_features)


@pytest.mark.parametrize("side", SIDES)
def test_scikit_image(benchmark, pictures, side):
    images = pictures[side][: 100 if side == 32 else 2]
    described = run(benchmark, "scikit-image hog", side, scikit_image, images, 5)
    assert np.isfinite(described).all()
