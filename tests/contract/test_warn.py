"""Warnings point to the line of the user, however deep they arise."""

import io

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from skvision import HOG, ImageReader, MLPBackprop, PixelNormalizer, SoftmaxRegression
from skvision.metrics import tar_at_far

CHANNELS_FIRST = np.random.default_rng(0).random((40, 3, 16, 16))
CLASSES = np.arange(40) % 2
FLAT = load_digits().data[:40]


@pytest.mark.parametrize(
    "call",
    [
        lambda: ImageReader((8, 8), on_error="warn").transform([io.BytesIO(b"bad")]),
        lambda: MLPBackprop(4, max_iter=1).fit(CHANNELS_FIRST, CLASSES),
        lambda: MLPBackprop(4).partial_fit(CHANNELS_FIRST, CLASSES, [0, 1]),
        lambda: SoftmaxRegression().fit(CHANNELS_FIRST, CLASSES),
        lambda: PixelNormalizer().fit_transform(CHANNELS_FIRST),
        lambda: HOG().fit_transform(FLAT),
        lambda: make_pipeline(HOG(), SoftmaxRegression()).fit(FLAT, CLASSES),
        lambda: SoftmaxRegression(solver="sgd", max_iter=2).fit(FLAT / 16, CLASSES),
        lambda: tar_at_far(CLASSES == 1, np.linspace(0, 1, 40), far=1e-6),
    ],
    ids=range(9),
)
def test_a_warning_points_to_the_call(call):
    with pytest.warns(UserWarning) as caught:
        call()
    assert {warning.filename for warning in caught} == {__file__}
