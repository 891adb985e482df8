"""scikit-learn's checks over every estimator, found automatically."""

import os

import pytest
from estimators import CHECKED
from sklearn.utils.estimator_checks import check_estimator

# The hundreds of epochs of their defaults take most of the time of these tests.
SHORT = {"ArcFaceEmbedder": {"max_iter": 30}, "MLPBackprop": {"max_iter": 30}}


@pytest.mark.parametrize("Estimator", CHECKED)
@pytest.mark.filterwarnings("ignore::skvision.ImageShapeWarning")
@pytest.mark.filterwarnings(
    "ignore:The number of training patches, [0-9]+, is too small"
)
@pytest.mark.filterwarnings(
    "ignore:.* too few to distinguish a false accept rate of 0.001"
)
def test_scikit_learn_checks(Estimator):
    estimator = Estimator(**SHORT.get(Estimator.__name__, {}))
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    not_passed = {r["check_name"] for r in results if r["status"] != "passed"}
    # scikit-learn checks array API input only where SciPy is told to take it, which it
    # reads from the environment once; .ci/run runs this file both ways.
    if os.environ.get("SCIPY_ARRAY_API") != "1":
        not_passed.discard("check_array_api_input")
    assert len(results) > 40
    assert not_passed == set()
